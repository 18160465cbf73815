// @ts-check
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// A flag of the command line would be handed on to workers.
setFlagsFromString('--expose-gc');

/** @type {() => void} */
export const collectGarbage = runInNewContext('gc');

/**
 * The megabytes that a process shares with no other, from Linux's /proc. The code of Node is not among them: it is in
 * memory once, for the host program already.
 *
 * @param {number} pid
 */
export function privateMegabytes(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const kilobytes = [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+)/gm)].map(([, value]) => Number(value));
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1_024;
}
