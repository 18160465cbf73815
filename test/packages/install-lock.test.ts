import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withInstallLock } from '../../src/packages/install-lock.ts';
import { ownIdentity } from '../../src/process/process-identity.ts';

let folder: string;
const never = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('of one package one task runs at a time, and nothing is left', async () => {
  let running = 0;
  const most: number[] = [];
  const task = async (): Promise<void> => {
    running += 1;
    most.push(running);
    for (let turns = 0; turns < 20; turns += 1) await turn();
    running -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withInstallLock(folder, 'a', never, task)));
  expect(most).toEqual([1, 1, 1]);
  expect(readdirSync(folder)).toEqual([]);
});

test('two packages are installed at the same time', async () => {
  await withInstallLock(folder, 'a', never, () => withInstallLock(folder, 'b', never, async () => {}));
});

test('the lock of a process that has died is taken over', async () => {
  const [name] = await withInstallLock(folder, 'a', never, async () => readdirSync(folder));
  const { pid } = spawnSync(process.execPath, ['--version']);
  const holder = { ...ownIdentity(), pid, id: '0123456789ab', machine: hostname() };
  writeFileSync(join(folder, String(name)), JSON.stringify(holder));
  await withInstallLock(folder, 'a', never, async () => {});
  expect(readdirSync(folder)).toEqual([]);
});

test('a task that fails gives its lock back, and its error is passed on', async () => {
  const fail = (): Promise<never> => Promise.reject(new Error('no network'));
  await expect(withInstallLock(folder, 'a', never, fail)).rejects.toThrow('no network');
  expect(readdirSync(folder)).toEqual([]);
});

test('whoever waits for a lock can be stopped', async () => {
  const controller = new AbortController();
  await withInstallLock(folder, 'a', never, async () => {
    const waiting = withInstallLock(folder, 'a', controller.signal, async () => 'ran');
    controller.abort();
    await expect(waiting).rejects.toThrow();
  });
});

test('where no lock can be written, the task runs all the same', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect(await withInstallLock(join(folder, 'file', 'x'), 'a', never, async () => 'ran')).toBe('ran');
});
