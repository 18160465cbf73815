// @ts-check
// How long do the workers of a hundred plugins take to stop?
import { once } from 'node:events';
import { join } from 'node:path';
import { BARE_PYTHON, startBare } from '../lib/bare.mjs';
import { PLUGINS, withFolder, withSupervisor, writeManifests } from '../lib/host.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

const WORKERS = 100;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((sockets) =>
    withFolder(async (folder) => {
      const module = join(PLUGINS, 'bench-python', 'bench_python.py');
      writeManifests(folder, WORKERS, () => ({ module, class: 'Bench', resources: {} }));
      const bare = async () => {
        const workers = [];
        for (let index = 0; index < WORKERS; index += 1) workers.push(await startBare(BARE_PYTHON, sockets));
        const gone = Promise.all(workers.map(({ child }) => once(child, 'exit')));
        const time = await timed(() => {
          for (const { child } of workers) child.kill('SIGTERM');
          return gone;
        });
        await Promise.all(workers.map(({ client }) => client.destroy()));
        return time;
      };
      const subject = async () => {
        let time = 0;
        await withSupervisor(
          async (supervisor) => {
            await supervisor.loadAll();
            time = await timed(() => supervisor.stop());
          },
          { searchPaths: [folder] },
        );
        return time;
      };
      // A hundred starts on one core take ten seconds.
      const repetitions = bench.quick ? 3 : 5;
      const comparison = await compare({ reference: bare, subject }, { repetitions, warmup: 1 });
      return [ratioRow(`${WORKERS} plugins stop, against SIGTERM alone`, 'ms', comparison, { atMost: 3 })];
    }),
  );
