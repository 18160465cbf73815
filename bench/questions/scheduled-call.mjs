// @ts-check
// What does a call of a resident plugin cost where memory is scheduled, against where there is enough for all?
import { withSupervisors } from '../lib/host.mjs';
import { compare, medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 400;
const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withSupervisors(
    [{ policy: 'permissive' }, { policy: 'permissive' }, { policy: 'queue', capacity: { slots: 2 } }],
    async (off, control, on) => {
      const measure = (/** @type {import('../../dist/index.js').Supervisor} */ supervisor) => () =>
        medianOfRuns(CALLS, () => supervisor.execute('bench-node', INPUT));
      const comparison = await compare(
        { reference: measure(off), control: measure(control), subject: measure(on) },
        { repetitions: bench.repetitions, warmup: 6 },
      );
      return [ratioRow('a call of a resident, scheduler on against off, p50', 'µs', comparison, { atMost: 1.02 })];
    },
  );
