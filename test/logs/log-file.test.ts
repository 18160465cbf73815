import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_LOG_LINE_CHARACTERS, openPluginLog } from '../../src/logs/log-file.ts';
import { tailLog } from '../../src/logs/log-reader.ts';
import { pluginLogFile } from '../../src/logs/plugin-log-file.ts';
import { eventually } from '../eventually.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'greenroom-log-'));
  file = join(folder, 'logs', 'p.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the first line makes the file, with one object a line', async () => {
  const log = openPluginLog({ file, plugin: 'p' });
  expect(existsSync(file)).toBe(false);
  log.line('stderr', 'hello "there"', 3);
  log.event({ exitCode: 1 }, 'the worker ended');
  await log.close();
  const records = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records).toMatchObject([
    { plugin: 'p', stream: 'stderr', generation: 3, msg: 'hello "there"' },
    { plugin: 'p', exitCode: 1, msg: 'the worker ended' },
  ]);
  log.line('stdout', 'too late', 3);
  await log.close();
  expect(await tailLog(file, 10)).toBe('hello "there"\nthe worker ended');
});

test('what was logged is in the file after a flush, also the first line', async () => {
  const log = openPluginLog({ file, plugin: 'p' });
  for (const text of ['one', 'two']) {
    log.line('stdout', text, 1);
    await log.flush();
    expect(await tailLog(file, 1)).toBe(text);
  }
  await log.close();
});

test('files are put aside under load, none beyond the bound, no line lost or out of order', async () => {
  const log = openPluginLog({ file, plugin: 'p', maxBytes: 40_000, keep: 3 });
  for (let number = 0; number < 1_200; number++) {
    log.line('stdout', `line ${number} ${'x'.repeat(20)}`, 1);
    if (number % 50 === 0) await log.flush();
  }
  await log.close();
  expect(readdirSync(join(folder, 'logs')).toSorted()).toEqual(['p.log', 'p.log.1', 'p.log.2', 'p.log.3']);
  for (const name of readdirSync(join(folder, 'logs'))) {
    expect(statSync(join(folder, 'logs', name)).size).toBeLessThan(60_000);
  }
  const numbers = (await tailLog(file, 100_000)).split('\n').map((line) => Number(line.split(' ')[1]));
  expect(numbers).toEqual(numbers.map((_, index) => 1_200 - numbers.length + index));
  expect(numbers.length).toBeGreaterThan(600);
});

test('more than a slow disk takes is dropped, and the log says how much', async () => {
  const log = openPluginLog({ file, plugin: 'p' });
  for (let number = 0; number < 500; number++) log.line('stdout', 'x'.repeat(10_000), 1);
  await log.flush();
  await log.flush();
  await log.close();
  const lines = (await tailLog(file, 1_000)).split('\n');
  const kept = lines.filter((line) => line.startsWith('xxx')).length;
  expect(kept).toBeLessThan(500);
  expect(lines).toContain(`${500 - kept} lines dropped: the disk was too slow`);
});

test('of a long line the beginning and the end are kept, and it says what is missing', async () => {
  const log = openPluginLog({ file, plugin: 'p' });
  const half = MAX_LOG_LINE_CHARACTERS / 2;
  log.line('stdout', `${'x'.repeat(half)}missing${'y'.repeat(half)}`, 1);
  await log.close();
  expect(await tailLog(file, 1)).toBe(`${'x'.repeat(half)} … (7 more characters) … ${'y'.repeat(half)}`);
});

test.each([
  ['deleted', (path: string) => rmSync(path)],
  ['moved', (path: string) => renameSync(path, `${path}.old`)],
  ['deleted with its folder', (path: string) => rmSync(dirname(path), { recursive: true })],
] as const)('a log that is %s by another program begins anew, and says so', async (_how, takeAway) => {
  const log = openPluginLog({ file, plugin: 'p' });
  log.line('stdout', 'before', 1);
  await log.flush();
  takeAway(file);
  // The file is looked at every so often, so a line may still go to the old one.
  await eventually(async () => {
    log.line('stdout', 'after', 1);
    await log.flush();
    expect(await tailLog(file, 10)).toContain('after');
  });
  await log.close();
  expect(await tailLog(file, 10)).toContain('The log was deleted or moved by another program; a new one begins here');
});

test('two programs that write one log, each putting it aside when it is full, lose no line at its end', async () => {
  const loud = openPluginLog({ file, plugin: 'p', maxBytes: 1_000 });
  const quiet = openPluginLog({ file, plugin: 'p', maxBytes: 1_000 });
  quiet.line('stdout', 'quiet', 1);
  await quiet.flush();
  for (let line = 0; line < 100; line += 1) loud.line('stdout', `loud ${line}`, 2);
  await loud.flush();
  await eventually(async () => {
    quiet.line('stdout', 'quiet again', 1);
    await quiet.flush();
    expect(await tailLog(file, 3)).toContain('quiet again');
  });
  await Promise.all([loud.close(), quiet.close()]);
});

test('a plugin whose name has more bytes than a file may have in its name has a log all the same', async () => {
  const [one, other] = ['模', '型'].map((last) => pluginLogFile(folder, `${'模'.repeat(100)}${last}`));
  expect(one).not.toBe(other);
  expect(Buffer.byteLength(basename(one ?? ''))).toBeLessThan(240);
  const log = openPluginLog({ file: one ?? '', plugin: 'p' });
  log.line('stdout', 'hello', 1);
  await log.close();
  expect(await tailLog(one ?? '', 1)).toBe('hello');
});

test('a folder that cannot be made is an E_DATA_DIR error at once', () => {
  writeFileSync(join(folder, 'logs'), '');
  expect(() => openPluginLog({ file, plugin: 'p' })).toThrow(
    expect.objectContaining({ code: 'E_DATA_DIR', plugin: 'p' }),
  );
});

test('a file that cannot be opened is reported once, and nothing throws or hangs', async () => {
  const errors: Error[] = [];
  mkdirSync(file, { recursive: true });
  const log = openPluginLog({ file, plugin: 'p', onError: (error) => errors.push(error) });
  for (const text of ['one', 'two', 'three']) {
    log.line('stdout', text, 1);
    await log.flush();
  }
  await log.close();
  expect(errors).toMatchObject([{ code: 'EISDIR' }]);
});

test.runIf(existsSync('/dev/full'))('a full disk is reported once, and the log can still be closed', async () => {
  const errors: Error[] = [];
  const log = openPluginLog({ file: '/dev/full', plugin: 'p', onError: (error) => errors.push(error) });
  for (let number = 0; number < 300; number++) log.line('stdout', 'x'.repeat(10_000), 1);
  await log.flush();
  log.line('stdout', 'one more', 1);
  await log.close();
  expect(errors).toMatchObject([{ code: 'ENOSPC' }]);
});
