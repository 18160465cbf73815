// @ts-check
// How long does a Python worker that computes take to say that it is alive, and to take a cancel?
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'undici';
import { PLUGINS, withFolder } from '../lib/host.mjs';
import { limitRow, percentile } from '../lib/measure.mjs';
import { spawnWorkerProgram, TOKEN } from '../lib/worker-program.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    const { child, listen } = spawnWorkerProgram(join(PLUGINS, 'bench-python', 'manifest.json'), folder);
    try {
      for await (const line of createInterface({ input: child.stdout })) if (line.includes('"greenroom"')) break;
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
      const calls = new Client('http://localhost', { socketPath: listen.unix, bodyTimeout: 0, headersTimeout: 0 });
      const control = new Client('http://localhost', { socketPath: listen.control });
      const body = JSON.stringify({ call: 'busy', args: [], kwargs: { spin_ms: 600_000 } });
      const call = await calls.request({ path: '/execute', method: 'POST', headers, body });
      call.body.on('error', () => {}).resume();

      /** @param {'GET' | 'POST'} method @param {string} path @param {string | null} text */
      const ask = async (method, path, text) => {
        const times = [];
        for (let index = 0; index < (bench.quick ? 200 : 1_000); index += 1) {
          const start = performance.now();
          const answer = await control.request({ path, method, headers, body: text });
          await answer.body.text();
          times.push(performance.now() - start);
        }
        return percentile(times, 0.99);
      };
      const health = await ask('GET', '/health', null);
      const cancel = await ask('POST', '/cancel', '{"call":"busy"}');
      await Promise.all([calls.destroy(), control.destroy()]);
      return [
        limitRow('/health beside a busy Python call, p99', 'ms', health, { atMost: 15 }),
        limitRow('/cancel beside a busy Python call, p99', 'ms', cancel, { atMost: 15 }),
      ];
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
