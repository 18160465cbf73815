// @ts-check
// How many calls a second go through, several at once?
import { compareCalls } from '../lib/calls.mjs';
import { ratioRow, timed } from '../lib/measure.mjs';

const CALLS = 3_200;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => [await atOnce(8, bench), await atOnce(32, bench)];

/** @param {number} connections @param {import('../lib/measure.mjs').Bench} bench */
async function atOnce(connections, { repetitions }) {
  /** @param {import('../lib/calls.mjs').Call} call */
  const rate = async (call) => {
    const caller = async () => {
      for (let index = 0; index < CALLS / connections; index += 1) await call({ n: 1 });
    };
    return CALLS / ((await timed(() => Promise.all(Array.from({ length: connections }, caller)))) / 1_000);
  };
  const comparison = await compareCalls(rate, { repetitions, warmup: 3, plugin: 'bench-wide', connections });
  return ratioRow(`throughput, ${connections} at once`, 'calls/s', comparison, { atLeast: 0.85 });
}
