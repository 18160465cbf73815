// @ts-check
import { Piscina } from 'piscina';

const WORKER = new URL('../workers/piscina-worker.mjs', import.meta.url).href;

export async function open() {
  return {
    start(/** @type {{ atOnce: number }} */ { atOnce }) {
      const pool = new Piscina({ filename: WORKER, minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: atOnce });
      const call = (/** @type {object} */ input) => pool.run(input);
      return { call, bytes: call, stop: () => pool.destroy() };
    },
  };
}
