// @ts-check
import { startBare } from './bare.mjs';
import { withFolder, withSupervisor } from './host.mjs';
import { compare, ratioRow, timed } from './measure.mjs';

/**
 * How long a worker takes from its spawn until it is ready, against one that does nothing but get ready.
 *
 * @param {string} question @param {string} plugin @param {string[]} command
 * @param {import('./measure.mjs').Bench} bench
 */
export function measureLoad(question, plugin, command, bench) {
  return withFolder((folder) =>
    withSupervisor(async (supervisor) => {
      const bare = async () => {
        const start = performance.now();
        const worker = await startBare(command, folder);
        const time = performance.now() - start;
        await worker.stop();
        return time;
      };
      const subject = async () => {
        const time = await timed(() => supervisor.load(plugin));
        await supervisor.unload(plugin);
        return time;
      };
      const comparison = await compare({ reference: bare, subject }, { repetitions: bench.repetitions });
      return [ratioRow(question, 'ms', comparison, { atMost: 1.3 })];
    }),
  );
}
