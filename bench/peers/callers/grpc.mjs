// @ts-check

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { LIMITS, service } from './grpc-service.mjs';
import { killed } from './killed.mjs';

const WORKER = fileURLToPath(new URL('../workers/grpc-worker.mjs', import.meta.url));

/** As go-plugin does it: the worker prints where it listens, and is called there. @param {string} folder */
export async function open(folder) {
  let sockets = 0;
  return {
    async start() {
      sockets += 1;
      const child = spawn(process.execPath, [WORKER, `${folder}/grpc-${sockets}.sock`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const [line] = await once(child.stdout, 'data');
      const [, , , socket] = String(line).split('|');
      const client = new service(`unix:${socket}`, credentials.createInsecure(), LIMITS);
      /** @param {object} value @returns {Promise<any>} */
      const ask = (value) =>
        new Promise((resolve, reject) => {
          client.Answer(value, (/** @type {Error | null} */ error, /** @type {object} */ answer) =>
            error === null ? resolve(answer) : reject(error),
          );
        });
      return {
        call: async (/** @type {object} */ input) => JSON.parse((await ask({ json: JSON.stringify(input) })).json),
        bytes: async (/** @type {Buffer} */ bytes) => (await ask({ bytes })).bytes,
        stop() {
          client.close();
          return killed(child);
        },
      };
    },
  };
}
