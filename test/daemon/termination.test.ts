import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { takeTermination } from '../../src/daemon/termination.ts';
import { readProcStats } from '../../src/process/proc-stat.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/daemon/terminable.mjs', import.meta.url));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts the program, which says its pid. */
async function start({ under = [] as readonly string[], args = [] as readonly string[] } = {}) {
  const [file = '', ...rest] = [...under, process.execPath, PROGRAM, ...args];
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  return { child, ended, next, answer: (line: string) => void child.stdin.write(`${line}\n`) };
}

test('signals that are given back have no listener of the daemon left', () => {
  const counts = (): number[] => ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name));
  const before = counts();
  const log = { info: () => {}, warn: () => {} };
  const termination = takeTermination({ reload: () => Promise.resolve(), kill: () => {}, log });
  expect(counts()).toEqual(before.map((count) => count + 1));
  termination.release();
  expect(counts()).toEqual(before);
  expect(termination.signal.aborted).toBe(false);
});

describe.skipIf(process.platform === 'win32')('a daemon', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('drains after %s, and a second signal ends it at once', async (signal) => {
    const { child, ended, next } = await start();
    await next();
    child.kill(signal);
    expect(await next()).toBe(`draining after ${signal}`);
    child.kill('SIGTERM');
    expect(await next()).toBe('killed');
    expect(await ended).toEqual([143, null]);
  });

  test('reads its settings again after SIGHUP, once more for all that come meanwhile, and goes on after a failure', async () => {
    const { child, next, answer } = await start();
    await next();
    child.kill('SIGHUP');
    expect(await next()).toBe('reload 1');
    for (let count = 0; count < 3; count++) child.kill('SIGHUP');
    answer('fail');
    expect(await next()).toBe('warning: The reload failed, and everything stays as it was: no such file');
    expect(await next()).toBe('reload 2');
    answer('');
    expect(await next()).toBe('reloaded 2');
    child.kill('SIGHUP');
    expect(await next()).toBe('reload 3');
    child.kill('SIGTERM');
    expect(await next()).toBe('draining after SIGTERM');
    child.kill('SIGHUP');
    answer('');
    expect(await next()).toBe('reloaded 3');
    child.kill('SIGTERM');
    expect(await next()).toBe('killed');
  });

  test('that gives its signals back ends by them again', async () => {
    const { child, ended, next } = await start({ args: ['end'] });
    await next();
    child.kill('SIGTERM');
    expect(await next()).toBe('draining after SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
  });

  test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'that is process 1 of a container ends after SIGTERM, and says what Node cannot do there',
    async () => {
      const { child, ended, next } = await start({ under: ['unshare', '--pid', '--fork', '--kill-child'] });
      expect(await next()).toMatch(/^warning: This is process 1 .* docker run --init\.$/);
      expect(await next()).toBe('pid 1');
      const [inner] = childrenOf(child.pid ?? 0);
      process.kill(inner ?? 0, 'SIGTERM');
      expect(await next()).toBe('draining after SIGTERM');
      process.kill(inner ?? 0, 'SIGTERM');
      expect(await next()).toBe('killed');
      expect(await ended).toEqual([143, null]);
    },
  );
});

function childrenOf(pid: number): number[] {
  return readProcStats()
    .filter(({ ppid }) => ppid === pid)
    .map((stat) => stat.pid);
}
