// @ts-check
// How long does a Node plugin take to load?
import { BARE_NODE } from '../lib/bare.mjs';
import { measureLoad } from '../lib/load.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) => measureLoad('load, Node worker', 'bench-node', BARE_NODE, bench);
