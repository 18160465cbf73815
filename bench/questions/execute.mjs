// @ts-check
// What does a supervised call cost, against one that is not supervised?
import { compareCalls } from '../lib/calls.mjs';
import { medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 400;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async ({ repetitions }) => {
  const comparison = await compareCalls((call) => medianOfRuns(CALLS, () => call({ n: 1 })), {
    repetitions,
    warmup: 6,
  });
  return [ratioRow('execute, tiny payload, p50', 'µs', comparison, { atMost: 1.05 })];
};
