// @ts-check
// What does a call of a resident plugin cost where room is scheduled, against where everybody has room?
import { withSupervisor } from '../lib/host.mjs';
import { compare, medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 400;
const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withSupervisor(
    (off) =>
      withSupervisor(
        (control) =>
          withSupervisor(
            async (on) => {
              const measure = (/** @type {import('../../dist/index.js').Supervisor} */ supervisor) => () =>
                medianOfRuns(CALLS, () => supervisor.execute('bench-node', INPUT));
              const comparison = await compare(
                { reference: measure(off), control: measure(control), subject: measure(on) },
                { repetitions: bench.repetitions, warmup: 6 },
              );
              return [
                ratioRow('a call of a resident, scheduler on against off, p50', 'µs', comparison, { atMost: 1.02 }),
              ];
            },
            { policy: 'queue', capacity: { slots: 2 } },
          ),
        { policy: 'permissive' },
      ),
    { policy: 'permissive' },
  );
