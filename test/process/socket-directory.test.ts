import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSocketDirectory, socketPathsFit } from '../../src/process/socket-directory.ts';
import { MAX_SOCKET_PATH_BYTES } from '../../src/protocol.ts';

let runtime: string;
let temporary: string;
beforeEach(() => {
  runtime = mkdtempSync(join(tmpdir(), 'r-'));
  temporary = mkdtempSync(join(tmpdir(), 't-'));
  vi.stubEnv('XDG_RUNTIME_DIR', runtime);
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of [runtime, temporary]) rmSync(folder, { recursive: true, force: true });
});

test('each spawn has a private directory, in one folder that goes with the last', async () => {
  const [first, second] = [createSocketDirectory(), createSocketDirectory()];
  if (first === undefined || second === undefined) throw new Error('no directory');
  expect(dirname(dirname(first.path))).toBe(runtime);
  expect(dirname(first.path)).toBe(dirname(second.path));
  expect(first.path).not.toBe(second.path);
  for (const path of [first.path, dirname(first.path)]) expect(statSync(path).mode & 0o777).toBe(0o700);
  await first.remove();
  await first.remove();
  expect(existsSync(second.path)).toBe(true);
  await second.remove();
  expect(readdirSync(runtime)).toEqual([]);
});

test('a directory goes with the sockets in it', async () => {
  const directory = createSocketDirectory();
  if (directory === undefined) throw new Error('no directory');
  const server = createServer().listen(directory.worker);
  await once(server, 'listening');
  await directory.remove();
  expect(readdirSync(runtime)).toEqual([]);
  server.close();
});

test('the temporary folder serves where the runtime directory is absent, no directory or too long', async () => {
  const long = join(runtime, 'x'.repeat(90));
  mkdirSync(long);
  writeFileSync(join(runtime, 'file'), '');
  for (const unfit of [join(runtime, 'absent'), join(runtime, 'file'), long]) {
    vi.stubEnv('XDG_RUNTIME_DIR', unfit);
    const directory = createSocketDirectory();
    expect(dirname(dirname(directory?.path ?? ''))).toBe(temporary);
    await directory?.remove();
  }
  expect(readdirSync(temporary)).toEqual([]);
});

test('there is none where every path is too long, and nothing is left behind', () => {
  const long = join(temporary, 'x'.repeat(90));
  mkdirSync(long);
  vi.stubEnv('XDG_RUNTIME_DIR', join(runtime, 'absent'));
  vi.stubEnv('TMPDIR', long);
  expect(createSocketDirectory()).toBeUndefined();
  expect(readdirSync(long)).toEqual([]);
});

test('a folder that was cleaned away is made anew', async () => {
  const first = createSocketDirectory();
  rmSync(dirname(first?.path ?? ''), { recursive: true });
  const second = createSocketDirectory();
  expect(existsSync(second?.path ?? '')).toBe(true);
  await first?.remove();
  expect(existsSync(second?.path ?? '')).toBe(true);
  await second?.remove();
  expect(readdirSync(runtime)).toEqual([]);
});

test('paths fit by their bytes, not their characters', () => {
  const room = MAX_SOCKET_PATH_BYTES - '/control.sock'.length;
  expect(socketPathsFit(`/${'x'.repeat(room - 1)}`)).toBe(true);
  expect(socketPathsFit(`/${'x'.repeat(room)}`)).toBe(false);
  expect(socketPathsFit(`/${'é'.repeat(room / 2 + 1)}`)).toBe(false);
});
