import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { planFiles, writeFiles } from '../../src/imports/written-files.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes files as an import does; gives the plan. */
function write(files: Readonly<Record<string, string>>) {
  const wanted = new Map(Object.entries(files));
  const plan = planFiles(folder, wanted);
  writeFiles(plan, wanted);
  return plan;
}

const plan = (files: Readonly<Record<string, string>>) => planFiles(folder, new Map(Object.entries(files)));
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

test('files are written once, only their owner may read them, and those that would not change stay', () => {
  expect(write({ a: '1', 'b/c': '2' })).toMatchObject({ written: ['a', 'b/c'], unchanged: [], foreign: [] });
  expect(read('b/c')).toBe('2');
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  expect(write({ a: '1', 'b/c': '3' })).toMatchObject({ written: ['b/c'], unchanged: ['a'], foreign: [] });
  expect(read('b/c')).toBe('3');
});

test('what an earlier import has written, and this one does not, is removed, unless it was edited', () => {
  write({ a: '1', b: '2', c: '3' });
  writeFileSync(join(folder, 'b'), 'edited');
  expect(write({ c: '3' })).toMatchObject({ removed: ['a'] });
  expect([existsSync(join(folder, 'a')), read('b'), read('c')]).toEqual([false, 'edited', '3']);
});

test('files that others have written, or edited since, are foreign', () => {
  write({ a: '1', b: '2' });
  writeFileSync(join(folder, 'a'), 'edited');
  writeFileSync(join(folder, 'c'), 'of another');
  expect(plan({ a: '1', b: '3', c: '3' })).toMatchObject({ written: ['a', 'b', 'c'], foreign: ['a', 'c'] });
});

test('without a record that can be read, every file is foreign', () => {
  write({ a: '1' });
  writeFileSync(join(folder, '.greenroom', 'imported.json'), 'broken');
  expect(plan({ a: '2' })).toMatchObject({ foreign: ['a'], removed: [] });
});

test('a folder that cannot be written is an error that names it', () => {
  writeFileSync(join(folder, 'b'), 'a file');
  expect(() => write({ 'b/c': '1' })).toThrow(expect.objectContaining({ code: 'E_OPTIONS' }));
});
