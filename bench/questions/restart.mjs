// @ts-check
// How long after a crash is a worker ready again?
import { once } from 'node:events';
import { BARE_PYTHON, startBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

/** A plugin that is restarted more often within an hour is given up. */
const MOST_RESTARTS = 20;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((folder) =>
    withSupervisor(async (supervisor) => {
      let worker = await startBare(BARE_PYTHON, folder);
      const respawn = async () => {
        const gone = once(worker.child, 'exit');
        const time = await timed(async () => {
          worker.child.kill('SIGKILL');
          await gone;
          await worker.client.destroy();
          worker = await startBare(BARE_PYTHON, folder);
        });
        return time;
      };
      await supervisor.load('bench-phoenix');
      const subject = () =>
        timed(async () => {
          const ready = isReady(supervisor);
          process.kill(/** @type {number} */ (supervisor.plugin('bench-phoenix').snapshot().pid), 'SIGKILL');
          await ready;
        });
      try {
        const repetitions = Math.min(bench.repetitions, MOST_RESTARTS - 2);
        const comparison = await compare({ reference: respawn, subject }, { repetitions });
        return [ratioRow('crash to ready again, Python worker', 'ms', comparison, { atMost: 1.3 })];
      } finally {
        await worker.stop();
      }
    }),
  );

/** @param {import('../../dist/index.js').Supervisor} supervisor @returns {Promise<void>} */
function isReady(supervisor) {
  return new Promise((resolve) => {
    const off = supervisor.on('transition', ({ to }) => {
      if (to !== 'ready') return;
      off();
      resolve();
    });
  });
}
