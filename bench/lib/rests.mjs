// @ts-check
// Calls that come after a pause, as in a script or a page, and not right after the last one.
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { median } from './measure.mjs';

/** The rests, with how many calls are a figure: enough for a median, few enough for the slow ones. */
export const RESTS = [
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
export async function medianAfterRest(count, rest, call) {
  const times = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    await rest();
    const start = performance.now();
    await call();
    times[index] = (performance.now() - start) * 1_000;
  }
  return median(times);
}
