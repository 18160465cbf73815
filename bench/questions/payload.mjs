// @ts-check
// What does a call cost that carries a megabyte there and back?
import { compareCalls } from '../lib/calls.mjs';
import { medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 5;
const INPUT = {
  rows: Array.from({ length: 12_000 }, (_, id) => ({ id, name: `row number ${id}`, score: id / 7, tags: ['a', 'b'] })),
};

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async ({ repetitions }) => {
  const comparison = await compareCalls((call) => medianOfRuns(CALLS, () => call(INPUT)), { repetitions, warmup: 4 });
  const megabytes = (JSON.stringify(INPUT).length / 1e6).toFixed(1);
  return [ratioRow(`execute, an object of ${megabytes} MB`, 'µs', comparison, { atMost: 1.1 })];
};
