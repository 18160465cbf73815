// @ts-check
// How long after a manifest was written does its plugin replace its worker, beside 10,000 others?
import { watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PLUGINS, withFolder, withSupervisor, writeManifests } from '../lib/host.mjs';
import { limitRow, median } from '../lib/measure.mjs';

const MANIFESTS = 10_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    const [file = ''] = writeManifests(folder, MANIFESTS);
    const manifest = { name: 'plugin-0', worker: 'python', module: join(PLUGINS, 'bench-python', 'bench_python.py') };
    writeFileSync(file, JSON.stringify(manifest));
    return withSupervisor(
      async (supervisor) => {
        const plugin = supervisor.plugin('plugin-0');
        const times = { ours: /** @type {number[]} */ ([]), raw: /** @type {number[]} */ ([]) };
        for (let round = -2; round < bench.repetitions; round += 1) {
          await supervisor.load('plugin-0');
          const { generation } = plugin.snapshot();
          const start = performance.now();
          const raw = new Promise((resolve) => {
            const watcher = watch(dirname(file), () => {
              watcher.close();
              resolve(performance.now() - start);
            });
          });
          const replacing = new Promise((resolve) => {
            const off = plugin.subscribe(({ replacing }) => {
              if (!replacing) return;
              off();
              resolve(performance.now() - start);
            });
          });
          writeFileSync(file, JSON.stringify({ ...manifest, env_vars: { ROUND: round } }));
          const [rawTime, time] = await Promise.all([raw, replacing]);
          if (round >= 0) {
            times.raw.push(rawTime);
            times.ours.push(time);
          }
          await replaced(plugin, generation);
        }
        return [
          limitRow(
            `manifest changed, replacement begun, among ${MANIFESTS.toLocaleString('en')}`,
            'ms',
            median(times.ours),
            { atMost: 50 },
            { reference: median(times.raw) },
          ),
        ];
      },
      { searchPaths: [folder], watch: true },
    );
  });

/** @param {import('../../dist/index.js').PluginHandle} plugin @param {number} generation */
function replaced(plugin, generation) {
  return new Promise((resolve) => {
    const look = () => {
      const { replacing, generation: now } = plugin.snapshot();
      if (replacing || now === generation) return;
      off();
      resolve(undefined);
    };
    const off = plugin.subscribe(look);
    look();
  });
}
