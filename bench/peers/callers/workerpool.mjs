// @ts-check
import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { throughBase64 } from './base64.mjs';

const WORKER = fileURLToPath(new URL('../workers/workerpool-worker.mjs', import.meta.url));

/** @param {'process' | 'thread'} workerType */
export async function open(workerType) {
  return {
    start() {
      const pool = workerpool.pool(WORKER, { workerType, maxWorkers: 1 });
      const call = async (/** @type {object} */ input) => await pool.exec('answer', [input]);
      // The messages of a process are JSON, unless its pool is told another serialization.
      return { call, bytes: workerType === 'process' ? throughBase64(call) : call, stop: () => pool.terminate(true) };
    },
  };
}
