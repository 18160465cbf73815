import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realPath } from '../../src/files/real-path.ts';

test('links are followed, also above what is not there', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'real-path-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a', 'file'), '');
  symlinkSync('a', join(folder, 'link'));
  symlinkSync('file', join(folder, 'a', 'other'));
  symlinkSync('nowhere', join(folder, 'broken'));
  const paths = ['link/file', 'link/other', 'link/none', 'link/none/deeper', 'broken', 'a/../link/file'];
  expect(paths.map((path) => realPath(join(folder, path)))).toEqual(
    ['a/file', 'a/file', 'a/none', 'a/none/deeper', 'broken', 'a/file'].map((path) => join(folder, path)),
  );
});
