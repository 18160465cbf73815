// @ts-check
// A worker of ours without its supervisor: the program itself, started with a boot line of our own.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { planLaunch } from '../../dist/actors/launch.js';
import { readManifest } from '../../dist/manifest/read.js';

export const TOKEN = '0123456789abcdef0123456789abcdef';

/** @param {string} manifest @param {string} folder for its sockets */
export function spawnWorkerProgram(manifest, folder) {
  const entry = readManifest(manifest, folder)?.entry;
  if (entry === undefined) throw new Error(`${manifest} is no manifest.`);
  const { file, args, cwd, env, boot, kind } = planLaunch(entry, {
    transport: 'unix',
    protocol: 1,
    passEnv: [],
    hostEnv: process.env,
  });
  const child = spawn(file, args, { cwd, env: { ...env }, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  child.stderr.resume();
  // Our kinds prepare a start at once. Of this one only where the boot line goes is used.
  const { handshake } = /** @type {import('../../dist/process/worker-start.js').WorkerStart} */ (
    kind.start({ plugin: boot, concurrency: 1, protocol: 1, openSockets: () => undefined })
  );
  const lifeline = /** @type {import('node:net').Socket} */ (child.stdio[handshake?.descriptor ?? 0]);
  const listen = { unix: join(folder, 'worker.sock'), control: join(folder, 'control.sock') };
  lifeline.write(
    `${JSON.stringify({ protocol: [1], nonce: 'bench', token: TOKEN, listen, plugin: boot, concurrency: 1 })}\n`,
  );
  return { child, listen };
}
