// @ts-check
// What does a supervised call cost with everything that a caller may ask for?
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
        const { signal } = new AbortController();
        const options = { signal, timeoutMs: 30_000, onProgress: () => {} };
        const comparison = await compare(
          {
            reference: () => medianOfRuns(CALLS, () => raw.call(INPUT)),
            control: () => medianOfRuns(CALLS, () => control.call(INPUT)),
            subject: () => medianOfRuns(CALLS, () => supervisor.execute('bench-node', INPUT, options)),
          },
          { repetitions: bench.repetitions, warmup: 6 },
        );
        return [ratioRow('execute with signal, onProgress, timeoutMs, p50', 'µs', comparison, { atMost: 1.2 })];
      }),
    ),
  );
