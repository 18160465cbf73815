import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRequirements } from '../../src/python-envs/requirements.ts';
import { write } from './python.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-req-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string): string => write(join(folder, name), text);
const read = (text: string, env = {}) => readRequirements(file('requirements.txt', text), env);

test('the lines of all files that are included are read, without comments, each file once', () => {
  file('more/base.txt', 'b # needed\n-r ../requirements.txt\n');
  file('limits.txt', 'c<2');
  const { lines } = read(
    '\ufeff# mine\r\na==1 \\\n  --hash=sha256:1#no\r\n-r more/base.txt\n--constraint=limits.txt\n-climits.txt',
  );
  expect(lines).toEqual([
    'a==1   --hash=sha256:1#no',
    '-r more/base.txt',
    'b',
    '-r ../requirements.txt',
    '--constraint=limits.txt',
    'c<2',
    '-climits.txt',
  ]);
});

test('folders of wheels are those of options and variables, and the index is asked unless that is forbidden', () => {
  const text = '-f wheels\n--find-links ${PLACE}/x\n--find-links https://host/simple\n';
  const { wheelFolders, usesIndex } = read(text, {
    PLACE: '/opt',
    PIP_FIND_LINKS: '/a file:///b',
    UV_FIND_LINKS: '/c',
  });
  expect(wheelFolders).toEqual([join(folder, 'wheels'), '/opt/x', '/a', '/b', '/c']);
  expect(usesIndex).toBe(true);
  expect(read('--no-index').usesIndex).toBe(false);
  expect(read('', { PIP_NO_INDEX: '1' }).usesIndex).toBe(false);
  expect(read('', { PIP_NO_INDEX: 'false' }).usesIndex).toBe(true);
});

test('a wheel is known by its size and time, whether its folder is named or it is itself', () => {
  const wheel = file('wheels/a-1-py3-none-any.whl', 'one');
  const texts = [
    '-f wheels\na',
    './wheels/a-1-py3-none-any.whl',
    'a @ file:wheels/a-1-py3-none-any.whl',
    `a @ file://${wheel}`,
  ];
  const before = texts.map((text) => read(text).wheels);
  expect(before.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  utimesSync(wheel, 1, 1);
  for (const [at, text] of texts.entries()) expect(read(text).wheels).not.toEqual(before[at]);
});

test.each([
  ['-e .', 'requirements.txt:1: "-e ." is a folder'],
  ['a\n\n--editable=../x', 'requirements.txt:3: "--editable=../x" is a folder'],
  ['./wheels', '"./wheels" is a folder'],
  ['a @ file:wheels', 'is a folder'],
  ['./gone.whl', 'gone.whl does not exist'],
  ['-r gone.txt', 'requirements.txt:1: the included file'],
  ['-r https://host/r.txt', 'is read from the network'],
  ['-r wheels', 'is a folder, not a file'],
])('"%s" is refused', (text, reason) => {
  file('wheels/readme', '');
  expect(() => read(text)).toThrow(reason);
});

test.each([
  'a',
  'a[b]>=1 ; python_version < "4"',
  'git+https://host/a.git@main',
  'a @ https://host/a.whl',
  '--pre',
  'a.b-c',
])('"%s" is left to the installer', (text) => {
  expect(read(text)).toMatchObject({ lines: [text], wheels: [] });
});
