// @ts-check
// What does the inspector cost for each record while it is on and nobody looks?
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
    const records = await recordsOfCalls(on);
    return [
      limitRow('a record, inspector on and nobody looking, against off', 'µs', over / records, { atMost: 5 }, { aa }),
    ];
  });

/** A call after which the plugin is idle, so that each is a transition there and back. @param {Supervisor} supervisor */
async function call(supervisor) {
  await supervisor.execute('bench-node', INPUT);
  await turn();
  await turn();
}

/** How many records a call comes to. @param {Supervisor} supervisor */
async function recordsOfCalls(supervisor) {
  const before = await lastRecord(supervisor);
  for (let n = 0; n < CALLS; n += 1) await call(supervisor);
  return ((await lastRecord(supervisor)) - before) / CALLS;
}

/** The number of the last record. @param {Supervisor} supervisor */
async function lastRecord({ inspector }) {
  const { origin, hash } = new URL(inspector?.url ?? '');
  const authorization = `Bearer ${hash.replace('#token=', '')}`;
  const response = await fetch(`${origin}/api/snapshot`, { headers: { authorization } });
  const { seq } = /** @type {{ seq: number }} */ (await response.json());
  return seq;
}
