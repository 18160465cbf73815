import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeStartLock } from '../../src/daemon/start-lock.ts';
import { ownIdentity, startTimeOf } from '../../src/process/process-identity.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-'));
  file = join(folder, 'daemon-start');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Has another process hold the lock: one that lives for as long as this one, or one that has died. */
function heldBy(other: 'living' | 'dead'): string {
  const pid = process.ppid;
  const text = JSON.stringify({ ...ownIdentity(), pid, startTime: other === 'living' ? startTimeOf(pid) : '1' });
  writeFileSync(file, text);
  return text;
}

/** As if the lock had not been touched for longer than others wait. */
function age(): void {
  const then = new Date(Date.now() - 6_000);
  utimesSync(file, then, then);
}

test('one process is to have a daemon, and the next one once that has released the lock', () => {
  const lock = takeStartLock(folder);
  expect(lock).toBeDefined();
  expect(takeStartLock(folder)).toBeUndefined();
  lock?.release();
  lock?.release();
  expect(takeStartLock(folder)).toBeDefined();
});

test('a process that lives is waited for as long as it touches the lock, and no longer', () => {
  const lock = takeStartLock(folder);
  age();
  lock?.touch();
  expect(takeStartLock(folder)).toBeUndefined();
  heldBy('living');
  expect(takeStartLock(folder)).toBeUndefined();
  age();
  expect(takeStartLock(folder)).toBeDefined();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(ownIdentity());
});

test('a process that has died is not waited for, nor what is no lock', () => {
  heldBy('dead');
  const lock = takeStartLock(folder);
  expect(lock).toBeDefined();
  lock?.release();
  writeFileSync(file, 'x');
  expect(takeStartLock(folder)).toBeDefined();
});

test('who comes back after another has taken the lock leaves it alone', () => {
  const lock = takeStartLock(folder);
  const text = heldBy('living');
  age();
  const { mtimeMs } = statSync(file);
  lock?.touch();
  lock?.release();
  expect([readFileSync(file, 'utf8'), statSync(file).mtimeMs]).toEqual([text, mtimeMs]);
});

test('a directory that is not there is told of', () => {
  expect(() => takeStartLock(join(folder, 'none'))).toThrow('ENOENT');
});
