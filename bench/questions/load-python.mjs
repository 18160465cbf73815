// @ts-check
// How long does a Python plugin take to load?
import { BARE_PYTHON } from '../lib/bare.mjs';
import { measureLoad } from '../lib/load.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) => measureLoad('load, Python worker', 'bench-python', BARE_PYTHON, bench);
