import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readManifest } from '../../src/manifest/read.ts';
import { identityOf, ToolCache } from '../../src/tools/tool-cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tools-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TOOLS = [{ name: 'read', input_schema: { type: 'object' } }];

test('what is kept of a plugin is given out for the same plugin of the same identity alone', () => {
  const cache = new ToolCache(folder);
  expect(cache.read('a', 'x')).toBeUndefined();
  cache.write('a', 'x', { tools: TOOLS });
  expect(new ToolCache(folder).read('a', 'x')).toEqual({ tools: TOOLS });
  expect(cache.read('a', 'y')).toBeUndefined();
  expect(cache.read('b', 'x')).toBeUndefined();
  cache.write('a', 'y', { tools: [] });
  expect(cache.read('a', 'y')).toEqual({ tools: [] });
  expect(cache.read('a', 'x')).toBeUndefined();
});

test('a copy of a plugin is the same program', () => {
  const file = join(folder, 'a.json');
  writeFileSync(file, JSON.stringify({ name: 'a', worker: 'mcp', command: 'true' }));
  const entry = readManifest(file, folder)?.entry;
  if (entry === undefined) throw new Error('The manifest of the test is not valid.');
  const copy = { ...entry, manifest: { ...entry.manifest, name: 'a@2' } };
  expect(identityOf({ ...copy, copyOf: 'a' })).toBe(identityOf(entry));
  expect(identityOf(copy)).not.toBe(identityOf(entry));
});

test('integers of any size in schemas are kept as they are', () => {
  const tools = [{ name: 'read', input_schema: { type: 'integer', maximum: 2n ** 64n - 1n, default: 1e20 } }];
  new ToolCache(folder).write('a', 'x', { tools });
  expect(new ToolCache(folder).read('a', 'x')).toEqual({ tools });
});

test('a list that is too long to be read again is not kept, nor what was kept before', () => {
  const cache = new ToolCache(folder);
  cache.write('a', 'x', { tools: TOOLS });
  cache.write('a', 'x', { tools: [{ name: 'read', description: 'é'.repeat(512 * 1024) }] });
  expect(cache.read('a', 'x')).toBeUndefined();
  expect(readdirSync(join(folder, 'tools'))).toEqual([]);
});

test('the files of a thousand plugins are kept, and beyond it those that were written the longest ago are removed', () => {
  mkdirSync(join(folder, 'tools'));
  for (let at = 0; at < 1_001; at += 1) {
    const file = join(folder, 'tools', `plugin-${at}.json`);
    writeFileSync(file, '{}');
    utimesSync(file, at + 1, at + 1);
  }
  const cache = new ToolCache(folder);
  cache.write('a', 'x', { tools: TOOLS });
  const left = readdirSync(join(folder, 'tools'));
  expect(left).toHaveLength(1_000);
  expect(left).not.toContain('plugin-0.json');
  expect(left).not.toContain('plugin-1.json');
  expect(cache.read('a', 'x')).toEqual({ tools: TOOLS });
});

test('a data directory that cannot be written keeps nothing, and nothing fails', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const cache = new ToolCache(file);
  cache.write('a', 'x', { tools: TOOLS });
  expect(cache.read('a', 'x')).toBeUndefined();
});

test.each([
  ['a dotted module of Python', { module: 'pkg.tools' }, 'pkg/tools.py'],
  ['a package of Python', { module: 'pkg.tools', class: 'Tools' }, 'pkg/tools/__init__.py'],
  ['a module file', { module: './plugin.mjs' }, 'plugin.mjs'],
  ['an argument', { command: 'node', args: ['--quiet', 'main.mjs'], cwd: '.' }, 'main.mjs'],
  ['a program', { command: './bin/main' }, 'bin/main'],
])('the identity of a plugin changes with the time and the size of %s', (_what, fields, source) => {
  const manifest = join(folder, 'manifest.json');
  writeFileSync(manifest, JSON.stringify({ name: 'p', worker: workerOf(fields), ...fields }));
  const identity = (): string => {
    const entry = readManifest(manifest, folder)?.entry;
    if (entry === undefined) throw new Error('The manifest is not valid.');
    return identityOf(entry);
  };
  const file = join(folder, source);
  const seen = new Set([identity()]);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, 'a');
  utimesSync(file, 5, 5);
  seen.add(identity());
  utimesSync(file, 6, 6);
  seen.add(identity());
  writeFileSync(file, 'ab');
  utimesSync(file, 6, 6);
  seen.add(identity());
  expect(seen.size).toBe(4);
  expect(seen.has(identity())).toBe(true);
});

function workerOf(fields: { readonly module?: string; readonly command?: string }): string {
  if (fields.command !== undefined) return 'command';
  return fields.module?.endsWith('.mjs') === true ? 'node' : 'python';
}
