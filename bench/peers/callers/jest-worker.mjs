// @ts-check

import { fileURLToPath } from 'node:url';
import { Worker } from 'jest-worker';

const WORKER = fileURLToPath(new URL('../workers/answer.mjs', import.meta.url));

export async function open() {
  return {
    start() {
      const pool = /** @type {any} */ (new Worker(WORKER, { numWorkers: 1, exposedMethods: ['answer'] }));
      return { call: pool.answer, bytes: pool.answer, stop: () => pool.end() };
    },
  };
}
