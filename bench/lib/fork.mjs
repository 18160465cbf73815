// @ts-check
// The reference of whoever hand-rolls it: calls over the IPC channel of `child_process.fork`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../reference/fork-worker.mjs', import.meta.url));

/** @typedef {Awaited<ReturnType<typeof startFork>>} Fork */

/** Starts such a child; resolves when it is ready. */
async function startFork() {
  const child = fork(WORKER, { execArgv: [] });
  await once(child, 'message');
  /** @type {Map<number, (result: unknown) => void>} */
  const waiting = new Map();
  let last = 0;
  child.on('message', (message) => {
    const { id, result } = /** @type {{ id: number, result: unknown }} */ (message);
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  return {
    /** @param {object} input @returns {Promise<unknown>} */
    call(input) {
      return new Promise((resolve) => {
        last += 1;
        waiting.set(last, resolve);
        child.send({ id: last, input });
      });
    },
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/**
 * Runs something with two forked children, reference and control, which are stopped afterwards.
 *
 * @template T
 * @param {(children: readonly [Fork, Fork]) => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withForks(action) {
  const children = await Promise.all([startFork(), startFork()]);
  try {
    return await action(children);
  } finally {
    for (const child of children) await child.stop();
  }
}
