// @ts-check
// How long does a supervisor of 10,000 plugins take to start and to stop?
import { createSupervisor } from '../../dist/index.js';
import { withFolder, writeManifests } from '../lib/host.mjs';
import { limitRow, median, timed } from '../lib/measure.mjs';

const PLUGINS = 10_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((dataDir) =>
    withFolder(async (folder) => {
      writeManifests(folder, PLUGINS);
      const starts = [];
      const stops = [];
      for (let round = 0; round < (bench.quick ? 3 : 11); round += 1) {
        /** @type {import('../../dist/index.js').Supervisor | undefined} */
        let supervisor;
        starts.push(
          await timed(async () => {
            supervisor = await createSupervisor({ searchPaths: [folder], dataDir, logLevel: 'silent' });
          }),
        );
        stops.push(await timed(() => supervisor?.stop()));
      }
      const many = PLUGINS.toLocaleString('en');
      return [
        limitRow(`a supervisor of ${many} plugins starts`, 'ms', median(starts), { atMost: 1_000 }),
        limitRow(`a supervisor of ${many} plugins stops`, 'ms', median(stops), { atMost: 1_000 }),
      ];
    }),
  );
