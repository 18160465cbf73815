// @ts-check
// What does a call cost that carries a megabyte there and back?
import { compareCalls } from '../lib/calls.mjs';
import { medianOfRuns, ratioRow } from '../lib/measure.mjs';
import { MEGABYTE } from '../lib/megabyte.mjs';

const CALLS = 5;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async ({ repetitions }) => {
  const comparison = await compareCalls((call) => medianOfRuns(CALLS, () => call(MEGABYTE)), {
    repetitions,
    warmup: 4,
  });
  const megabytes = (JSON.stringify(MEGABYTE).length / 1e6).toFixed(1);
  return [ratioRow(`execute, an object of ${megabytes} MB`, 'µs', comparison, { atMost: 1.1 })];
};
