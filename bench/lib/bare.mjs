// @ts-check
// The references: what people write who talk to a worker with nothing in between, and workers that do nothing else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, Pool } from 'undici';

export const BARE_NODE = [process.execPath, fileURLToPath(new URL('../reference/bare-worker.mjs', import.meta.url))];
export const BARE_PYTHON = ['python3', fileURLToPath(new URL('../reference/bare_worker.py', import.meta.url))];

let sockets = 0;

/**
 * Starts a bare worker; resolves when it has printed its ready line and answered /health.
 *
 * @param {string[]} command @param {string} folder for its socket @param {number} [connections]
 */
export async function startBare([program = '', ...args], folder, connections = 1) {
  sockets += 1;
  const socketPath = `${folder}/bare-${sockets}.sock`;
  const child = spawn(program, [...args, socketPath], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const options = { socketPath };
  const client =
    connections === 1
      ? new Client('http://localhost', options)
      : new Pool('http://localhost', { ...options, connections });
  const { body } = await client.request({ path: '/health', method: 'GET' });
  await body.json();
  return {
    child,
    client,
    /** @param {object} input */
    async call(input) {
      const text = JSON.stringify({ call: '1', args: [], kwargs: input });
      const response = await client.request({ path: '/execute', method: 'POST', headers: HEADERS, body: text });
      return JSON.parse(await response.body.text()).result;
    },
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await Promise.all([gone, client.destroy()]);
    },
  };
}

const HEADERS = { 'content-type': 'application/json', authorization: 'Bearer 0123456789abcdef0123456789abcdef' };

/**
 * Runs something with several bare workers, which are stopped afterwards.
 *
 * @template T
 * @param {{ command: string[], folder: string, count: number, connections?: number }} options
 * @param {(workers: Awaited<ReturnType<typeof startBare>>[]) => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withBare({ command, folder, count, connections = 1 }, action) {
  const workers = [];
  try {
    for (let index = 0; index < count; index += 1) workers.push(await startBare(command, folder, connections));
    return await action(workers);
  } finally {
    for (const worker of workers) await worker.stop();
  }
}
