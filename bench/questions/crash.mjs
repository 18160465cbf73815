// @ts-check
// How long after its worker's exit does a caller hear of it?
import { once } from 'node:events';
import { BARE_PYTHON, startBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, limitRow, timed } from '../lib/measure.mjs';

const CALLERS = 8;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((folder) =>
    withSupervisor(async (supervisor) => {
      const exit = async () => {
        const worker = await startBare(BARE_PYTHON, folder);
        const gone = once(worker.child, 'exit');
        const time = await timed(() => {
          worker.child.kill('SIGKILL');
          return gone;
        });
        await worker.client.destroy();
        return time;
      };
      const subject = async () => {
        await supervisor.load('bench-fragile');
        const calls = Array.from({ length: CALLERS }, () => callUntilRunning(supervisor));
        await Promise.all(calls.map(({ running }) => running));
        const pid = /** @type {number} */ (supervisor.plugin('bench-fragile').snapshot().pid);
        return timed(() => {
          process.kill(pid, 'SIGKILL');
          return Promise.all(calls.map(({ rejected }) => rejected));
        });
      };
      const { over, reference, aa } = await compare({ reference: exit, subject }, { repetitions: bench.repetitions });
      const row = limitRow('worker killed, its callers rejected after the exit event', 'ms', over, { atMost: 10 });
      return [{ ...row, reference, aa }];
    }),
  );

/** @param {import('../../dist/index.js').Supervisor} supervisor */
function callUntilRunning(supervisor) {
  /** @type {() => void} */
  let onRunning = () => {};
  const running = new Promise((resolve) => {
    onRunning = () => resolve(undefined);
  });
  const call = supervisor.execute('bench-fragile', { sleep_ms: 60_000 }, { onProgress: onRunning });
  const rejected = call.then(
    () => {
      throw new Error('The call ended.');
    },
    (error) => {
      if (error.code !== 'E_CRASHED') throw error;
    },
  );
  return { running, rejected };
}
