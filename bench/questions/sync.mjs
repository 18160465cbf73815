// @ts-check
// What does a blocking call cost, against one that is awaited?
import { createSupervisor } from '../../dist/sync/index.js';
import { PLUGINS, withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 200;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default ({ repetitions }) =>
  withSupervisor((supervisor) =>
    withFolder(async (dataDir) => {
      const blocking = createSupervisor({ searchPaths: [PLUGINS], dataDir, watch: false, logLevel: 'silent' });
      try {
        const calls = await compare(
          {
            reference: () => medianOfRuns(CALLS, () => supervisor.execute('bench-node', { n: 1 })),
            subject: () => medianOfRuns(CALLS, async () => blocking.execute('bench-node', { n: 1 })),
          },
          { repetitions, warmup: 6 },
        );
        return [ratioRow('greenroom/sync: execute, tiny payload, p50', 'µs', calls, { atMost: 1.5 })];
      } finally {
        blocking.stop();
      }
    }),
  );
