// @ts-check
// How long do workers outlive a host that is killed?
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PLUGINS, withFolder, writeManifest } from '../lib/host.mjs';
import { limitRow, median } from '../lib/measure.mjs';

const WORKERS = 20;
const HOST = fileURLToPath(new URL('../reference/dying-host.mjs', import.meta.url));

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    for (let index = 0; index < WORKERS; index += 1) {
      const [worker, module] = index % 2 === 0 ? ['node', 'bench-node.mjs'] : ['python', 'bench_python.py'];
      const name = `worker-${index}`;
      writeManifest(folder, { name, worker, module: join(PLUGINS, `bench-${worker}`, module) });
    }
    const times = [];
    for (let round = 0; round < (bench.quick ? 3 : 11); round += 1) {
      const host = spawn(process.execPath, [HOST, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = await once(createInterface({ input: host.stdout }), 'line');
      const pids = JSON.parse(line);
      if (pids.length !== WORKERS) throw new Error(`The host has ${pids.length} workers.`);
      const start = performance.now();
      host.kill('SIGKILL');
      while (pids.some(isAlive)) await delay(1);
      times.push(performance.now() - start);
    }
    return [limitRow(`host killed, ${WORKERS} workers gone, half of them busy`, 'ms', median(times), { atMost: 100 })];
  });

/** A process that nobody has buried yet is dead all the same. @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? 'X');
  } catch {
    return false;
  }
}
