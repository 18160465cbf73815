// @ts-check
// What does the inspector cost a call while it is on and nobody looks?
import { setImmediate as turn } from 'node:timers/promises';
import { withSupervisors } from '../lib/host.mjs';
import { compare, limitRow, medianOfRuns } from '../lib/measure.mjs';

/** @import { Supervisor } from '../../dist/index.js' */

const CALLS = 400;
const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withSupervisors([{}, {}, { inspect: true }], async (off, control, on) => {
    const measure = (/** @type {Supervisor} */ supervisor) => () => medianOfRuns(CALLS, () => call(supervisor));
    const { over, aa } = await compare(
      { reference: measure(off), control: measure(control), subject: measure(on) },
      { repetitions: 3 * bench.repetitions, warmup: 6 },
    );
    return [
      limitRow('a call after a pause, inspector on and nobody looking, against off', 'µs', over, { atMost: 5 }, { aa }),
    ];
  });

/** A call after which the event loop turns, as between most calls. @param {Supervisor} supervisor */
async function call(supervisor) {
  await supervisor.execute('bench-node', INPUT);
  await turn();
  await turn();
}
