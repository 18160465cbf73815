// @ts-check
// How long does a Python plugin take to load?
import { BARE_PYTHON } from './bare.mjs';
import { measureLoad } from './load.mjs';

/** @param {import('./measure.mjs').Bench} bench */
export default (bench) => measureLoad('load, Python worker', 'bench-python', BARE_PYTHON, bench);
