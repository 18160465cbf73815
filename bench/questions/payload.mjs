// @ts-check
// What does a call cost that carries a megabyte there and back?
import { BARE_NODE, withBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 5;
const INPUT = {
  rows: Array.from({ length: 12_000 }, (_, id) => ({ id, name: `row number ${id}`, score: id / 7, tags: ['a', 'b'] })),
};

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
          { repetitions: bench.repetitions, warmup: 4 },
        );
        const megabytes = (JSON.stringify(INPUT).length / 1e6).toFixed(1);
        return [ratioRow(`execute, an object of ${megabytes} MB`, 'µs', comparison, { atMost: 1.1 })];
      }),
    ),
  );
