import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPluginLog } from '../../src/logs/log-file.ts';
import { followLog, tailLog } from '../../src/logs/log-reader.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'greenroom-log-'));
  file = join(folder, 'p.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const records = (...texts: string[]): string => texts.map((msg) => `${JSON.stringify({ msg })}\n`).join('');

async function take(lines: AsyncIterator<string>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const { value, done } = await lines.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** Descriptors of this process that lead into a folder, or to inotify. */
const open = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return [];
    }
  });

test('the last lines come from as many files as are needed, oldest first', async () => {
  writeFileSync(`${file}.2`, records('a', 'b'));
  writeFileSync(`${file}.1`, records('c'));
  writeFileSync(file, records('d', 'e'));
  expect(await tailLog(file, 1)).toBe('e');
  expect(await tailLog(file, 4)).toBe('b\nc\nd\ne');
  expect(await tailLog(file, 99)).toBe('a\nb\nc\nd\ne');
  expect(await tailLog(file, 0)).toBe('');
});

test('there are no last lines without a log', async () => {
  expect(await tailLog(file, 5)).toBe('');
});

test('lines longer than what is read at once are whole, and what is no record is shown as it is', async () => {
  const long = '漢'.repeat(60_000);
  writeFileSync(file, `${records('a', long)}half a rec\n`);
  expect(await tailLog(file, 2)).toBe(`${long}\nhalf a rec`);
});

test('following starts with the last lines and goes on with new ones, whole', async () => {
  writeFileSync(file, `${records('a', 'b')}{"msg":`);
  const lines = followLog(file, { lines: 1 });
  expect(await take(lines, 1)).toEqual(['b']);
  const next = lines.next();
  appendFileSync(file, '"c"}\n');
  expect(await next).toEqual({ value: 'c', done: false });
  await lines.return();
  expect(open()).toEqual([]);
});

test('following waits for a file that is not there yet, nor its folder', async () => {
  const deep = join(folder, 'x', 'p.log');
  const lines = followLog(deep);
  const first = lines.next();
  mkdirSync(join(folder, 'x'), { recursive: true });
  writeFileSync(deep, records('a'));
  expect((await first).value).toBe('a');
  await lines.return();
});

test('following misses no line while files are put aside, nor when it is several files behind', async () => {
  writeFileSync(file, records('0'));
  const lines = followLog(file);
  expect(await take(lines, 1)).toEqual(['0']);
  for (const number of [1, 2, 3]) {
    appendFileSync(file, records(`${number}a`, `${number}b`));
    for (const aside of [2, 1]) renameIfThere(`${file}.${aside}`, `${file}.${aside + 1}`);
    renameSync(file, `${file}.1`);
    writeFileSync(file, '');
  }
  appendFileSync(file, records('end'));
  expect(await take(lines, 7)).toEqual(['1a', '1b', '2a', '2b', '3a', '3b', 'end']);
  await lines.return();
  expect(open()).toEqual([]);
});

test('following a log under load gives every line once', async () => {
  const log = openPluginLog({ file, plugin: 'p', maxBytes: 20_000, keep: 9 });
  const lines = followLog(file);
  const taken = take(lines, 1_000);
  for (let number = 0; number < 1_000; number++) {
    log.line('stdout', `${number}`, 1);
    if (number % 40 === 0) await log.flush();
  }
  await log.close();
  expect(await taken).toEqual(Array.from({ length: 1_000 }, (_, number) => `${number}`));
  await lines.return();
});

test('following ends with its signal, and leaves nothing open', async () => {
  const leaving = new AbortController();
  writeFileSync(file, records('a'));
  const lines = followLog(file, { signal: leaving.signal });
  await take(lines, 1);
  const next = lines.next();
  leaving.abort();
  expect((await next).done).toBe(true);
  expect(open()).toEqual([]);
  expect((await followLog(file, { signal: leaving.signal }).next()).done).toBe(true);
});

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Not that many files yet.
  }
}
