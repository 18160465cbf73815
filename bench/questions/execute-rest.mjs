// @ts-check
// What does a call cost that comes after a pause, as in a script or a page, and not right after the last one?
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { withNodeWorkers } from '../lib/calls.mjs';
import { compare, median, ratioRow } from '../lib/measure.mjs';

const INPUT = { n: 1 };

/** The rests, with how many calls are a figure: enough for a median, few enough for the slow ones. */
const RESTS = [
  {
    name: 'two turns of the event loop',
    calls: 200,
    rest: async () => {
      await turn();
      await turn();
    },
  },
  { name: '1 ms', calls: 100, rest: () => delay(1) },
  { name: '20 ms', calls: 12, rest: () => delay(20) },
];

/**
 * The median of the microseconds that a call takes after a rest, which is not counted.
 *
 * @param {number} count @param {() => Promise<unknown>} rest @param {() => Promise<unknown>} call
 */
async function medianAfterRest(count, rest, call) {
  const times = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    await rest();
    const start = performance.now();
    await call();
    times[index] = (performance.now() - start) * 1_000;
  }
  return median(times);
}

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withNodeWorkers(async ({ raw, control, supervisor }) => {
    const rows = [];
    for (const { name, calls, rest } of RESTS) {
      const comparison = await compare(
        {
          reference: () => medianAfterRest(calls, rest, () => raw.call(INPUT)),
          control: () => medianAfterRest(calls, rest, () => control.call(INPUT)),
          subject: () => medianAfterRest(calls, rest, () => supervisor.execute('bench-node', INPUT)),
        },
        { repetitions: bench.repetitions, warmup: 3 },
      );
      rows.push(ratioRow(`execute after a rest of ${name}, p50`, 'µs', comparison, { atMost: 1.25 }));
    }
    return rows;
  });
