// @ts-check
// What does a supervised call cost with everything that a caller may ask for?
import { compareCalls } from '../lib/calls.mjs';
import { medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 400;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async ({ repetitions }) => {
  const { signal } = new AbortController();
  const comparison = await compareCalls((call) => medianOfRuns(CALLS, () => call({ n: 1 })), {
    repetitions,
    warmup: 6,
    options: { signal, timeoutMs: 30_000, onProgress: () => {} },
  });
  return [ratioRow('execute with signal, onProgress, timeoutMs, p50', 'µs', comparison, { atMost: 1.2 })];
};
