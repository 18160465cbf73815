import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { readDaemon } from '../../src/daemon/daemon-record.ts';
import { announceSuccession, endDaemon } from '../../src/daemon/take-over.ts';
import { eventually } from '../eventually.ts';

const run = promisify(execFile);
const CLIENT = pathToFileURL(resolve('dist/client/index.js')).href;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-'));
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
});
afterEach(async () => {
  await endDaemon(join(folder, 'data'), AbortSignal.timeout(20_000));
  await eventually(() => expect(processesOf(folder)).toEqual([]), { interval: 20 });
  rmSync(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({
  ...{ PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run') },
});

/** A program that connects, or starts a daemon, and prints the pid of the daemon. */
const program = (): string => `
  import { connectOrStart } from ${JSON.stringify(CLIENT)};
  console.error('connecting');
  const client = await connectOrStart({ dataDir: ${JSON.stringify(join(folder, 'data'))} });
  console.log((await client.status()).daemon.pid);
  await client.close();`;

async function connect(): Promise<number> {
  const args = ['--input-type=module', '-e', program()];
  const { stdout } = await run(process.execPath, args, { cwd: folder, env: environment() });
  return Number(stdout);
}

test('ten programs at once start one daemon, which outlives them', async () => {
  const pids = await Promise.all(Array.from({ length: 10 }, connect));
  expect(new Set(pids).size).toBe(1);
  expect(readDaemon(join(folder, 'data'))?.pid).toBe(pids[0]);
  expect(processesOf(join(folder, 'run'))).toEqual([String(pids[0])]);
  const client = createClient({ dataDir: join(folder, 'data') });
  expect(await client.plugins()).toEqual([]);
  await client.close();
  // Nobody is about to start another.
  expect(readdirSync(join(folder, 'data'))).not.toContain('daemon-start');
});

test('the lock of a program that has died is no obstacle, and a daemon that cannot start says why', async () => {
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'daemon-start'), '{"pid":1,"startTime":"1","bootId":null,"pidNamespace":null}');
  expect(await connect()).toBeGreaterThan(0);
  await endDaemon(join(folder, 'data'), AbortSignal.timeout(20_000));
  writeFileSync(join(folder, 'greenroom.json'), '{"nonsense":1}');
  await expect(connect()).rejects.toMatchObject({
    stderr: expect.stringMatching(/could not be started: it ended with status 4.*daemon\.log/) as string,
  });
  expect(readFileSync(join(folder, 'data', 'daemon.log'), 'utf8')).toContain('nonsense');
});

test('between a daemon and the one that replaces it none is started, and the next one is connected to', async () => {
  const data = join(folder, 'data');
  mkdirSync(data);
  // As the next one has it while it waits for the end of the former.
  const succession = announceSuccession(data);
  const touching = setInterval(() => succession?.touch(), 1_000);
  const started: ChildProcess[] = [];
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, args, { cwd: folder, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    return child;
  };
  try {
    const connecting = start('--input-type=module', '-e', program());
    const said = new Promise<string>((told) => connecting.stdout.once('data', (text) => told(String(text))));
    await once(connecting.stderr, 'data');
    const next = start(resolve('bin/greenroom.js'), 'serve', '--data-dir', data);
    expect(Number(await said)).toBe(next.pid);
    // What a daemon writes into that is started to connect to.
    expect(existsSync(join(data, 'daemon.log'))).toBe(false);
  } finally {
    clearInterval(touching);
    succession?.release();
    for (const each of started) each.kill();
  }
});

/** The processes with something in their environment. */
function processesOf(what: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(what);
    } catch {
      return false;
    }
  });
}
