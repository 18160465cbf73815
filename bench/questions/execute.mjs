// @ts-check
// What does a supervised call cost, against one that is not supervised?
import { BARE_NODE, withBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 400;
const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((folder) =>
    withBare({ command: BARE_NODE, folder, count: 2 }, ([raw, control]) =>
      withSupervisor(async (supervisor) => {
        const comparison = await compare(
          {
            reference: () => medianOfRuns(CALLS, () => raw.call(INPUT)),
            control: () => medianOfRuns(CALLS, () => control.call(INPUT)),
            subject: () => medianOfRuns(CALLS, () => supervisor.execute('bench-node', INPUT)),
          },
          { repetitions: bench.repetitions, warmup: 6 },
        );
        return [ratioRow('execute, tiny payload, p50', 'µs', comparison, { atMost: 1.05 })];
      }),
    ),
  );
