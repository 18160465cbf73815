// @ts-check
// How long does a Node plugin take to load?
import { BARE_NODE } from './bare.mjs';
import { measureLoad } from './load.mjs';

/** @param {import('./measure.mjs').Bench} bench */
export default (bench) => measureLoad('load, Node worker', 'bench-node', BARE_NODE, bench);
