import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createSupervisor } from '../../src/index.ts';
import { cgroupsAreDelegated } from '../../src/orphans/worker-cgroup.ts';
import { eventually } from '../eventually.ts';
import { FIXTURES } from '../fixtures/plugins.ts';
import { gone, lives, openSupervisor } from './greenroom.ts';

const THREAD_HOST = fileURLToPath(new URL('../fixtures/hosts/thread-host.mjs', import.meta.url));
const HOST = fileURLToPath(new URL('../fixtures/hosts/ending-host.mjs', import.meta.url));

/** Resolves once nothing of a program that died is left; its guard removes the sockets after it has ended the worker. */
async function nothingLeft(worker: number): Promise<void> {
  await gone([worker]);
  const sockets = process.env['XDG_RUNTIME_DIR'] ?? '';
  await eventually(() => expect(readdirSync(sockets)).toEqual([]), { interval: 5 });
}

/** What runs a program as the first process of a namespace of its own. */
const AS_INIT = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'];
const mayBeInit = spawnSync(AS_INIT[0] as string, [...AS_INIT.slice(1), 'true']).status === 0;

async function startHost(way: string, under: readonly string[] = []) {
  const opened = await openSupervisor({});
  const [program, ...args] = [...under, process.execPath, HOST, join(FIXTURES, 'stubborn'), opened.dataDir, way];
  const host = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void host.kill('SIGKILL'));
  const lines = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  return { host, pid: Number(await line()), line, exited: once(host, 'exit') };
}

test.each([
  ['exit', 3],
  ['throw', 1],
  ['reject', 1],
])('no worker outlives a program that ends by %s', async (way, status) => {
  const { pid, exited } = await startHost(way);
  expect(await exited).toEqual([status, null]);
  await nothingLeft(pid);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'no worker outlives a program that is ended by %s',
  async (signal) => {
    const { host, pid, exited } = await startHost('wait');
    host.kill(signal);
    expect(await exited).toEqual([null, signal]);
    await nothingLeft(pid);
  },
);

test('a program with an unreferenced supervisor ends when it has nothing more to do, and its worker with it', async () => {
  const { pid, exited } = await startHost('unref');
  expect(await exited).toEqual([0, null]);
  await nothingLeft(pid);
});

test('no worker outlives a thread that is terminated, nor does anything in the data directory tell of it', async () => {
  const opened = await openSupervisor({});
  const args = [THREAD_HOST, join(FIXTURES, 'stubborn'), opened.dataDir];
  const host = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void host.kill('SIGKILL'));
  const [worker] = await once(createInterface({ input: host.stdout }), 'line');
  await nothingLeft(Number(worker));
  expect(host.exitCode).toBe(null);
  const records = join(opened.dataDir, 'supervisors');
  await eventually(() => expect(readdirSync(records)).toEqual([]), { interval: 5 });
  host.kill('SIGKILL');
  await once(host, 'exit');
});

test('a program keeps its own signal handlers', async () => {
  const { host, pid, line, exited } = await startHost('own-handler');
  host.kill('SIGTERM');
  expect(await line()).toBe('the program was told');
  expect(await exited).toEqual([0, null]);
  expect(lives(pid)).toBe(false);
});

test.runIf(mayBeInit)('a program that is PID 1 exits when it has stopped on a signal', async () => {
  const { host, exited } = await startHost('stop', AS_INIT);
  process.kill(Number(readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, 'utf8')), 'SIGTERM');
  expect(await exited).toEqual([143, null]);
});

test('a second signal does not wait for a worker that takes its time to stop', async () => {
  const { host, pid, exited } = await startHost('handle');
  host.kill('SIGINT');
  // The first has been taken once nothing but the default is left of the handling.
  await signalIsDefault(host.pid as number, 2);
  host.kill('SIGINT');
  expect(await exited).toEqual([null, 'SIGINT']);
  await nothingLeft(pid);
});

test('supervisors of one data directory leave each other alone', async () => {
  const opened = await openSupervisor({ stubborn: { fixture: 'stubborn' } });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  const other = await createSupervisor({
    searchPaths: [opened.plugins],
    dataDir: opened.dataDir,
    watch: false,
    logLevel: 'silent',
  });
  const otherPid = await other.execute<number>('stubborn', {});
  expect(otherPid).not.toBe(pid);
  await other.stop();
  expect(lives(otherPid)).toBe(false);
  expect(await opened.supervisor.execute('stubborn', {})).toBe(pid);
});

test.runIf(cgroupsAreDelegated())('a program without an SDK runs only once it is under all that ends it', async () => {
  const opened = await openSupervisor({});
  const seen = join(opened.scratch, 'cgroup');
  const script = `cat /proc/self/cgroup > '${seen}'; exec sleep 600`;
  opened.write('early', { worker: 'command', command: '/bin/sh', args: ['-c', script], start_timeout_ms: 500 });
  await opened.supervisor.discover();
  await expect(opened.supervisor.load('early')).rejects.toMatchObject({ code: 'E_START_TIMEOUT' });
  expect(readFileSync(seen, 'utf8')).toMatch(/greenroom-[0-9a-f]{12}\/\d+/);
});

test('nothing is left in the data directory but logs', async () => {
  const opened = await openSupervisor({ stubborn: { fixture: 'stubborn' } });
  await opened.supervisor.execute('stubborn', {});
  expect(readdirSync(join(opened.dataDir, 'supervisors'))).toHaveLength(1);
  await opened.supervisor.stop();
  expect(readdirSync(join(opened.dataDir, 'supervisors'))).toEqual([]);
});

/** Resolves once a process leaves a signal to its default, by the mask of those that it catches. */
async function signalIsDefault(pid: number, signal: number): Promise<void> {
  for (;;) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const caught = BigInt(`0x${/^SigCgt:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
    if ((caught & (1n << BigInt(signal - 1))) === 0n) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
