import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ManifestChange } from '../../src/manifest/catalogue.ts';
import type { ManifestProblem } from '../../src/manifest/read.ts';
import { createManifestSource, type ManifestSource } from '../../src/manifest/source.ts';

let root: string;
let source: ManifestSource | undefined;
/** What is in force as those who follow the changes know it: name to version. */
let known: Map<string, string>;
let problems: ManifestProblem[];
let listeners: Set<() => void>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'source-'));
  known = new Map();
  problems = [];
  listeners = new Set();
});

afterEach(async () => {
  await source?.close();
  rmSync(root, { recursive: true, force: true });
});

function learn(changes: readonly ManifestChange[]): void {
  for (const change of changes) {
    if (change.type === 'removed') known.delete(change.name);
    else known.set(change.name, change.entry.manifest.version ?? '');
  }
  for (const listener of listeners) listener();
}

async function follow(...searchPaths: string[]): Promise<void> {
  source = createManifestSource({
    searchPaths,
    watch: true,
    onChanges: learn,
    onProblems: (fresh) => {
      problems.push(...fresh);
      for (const listener of listeners) listener();
    },
  });
  learn(await source.discover());
}

/** Resolves once what is known satisfies the condition. */
function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!condition()) return;
      listeners.delete(look);
      resolve();
    };
    listeners.add(look);
    look();
  });
}

function put(path: string, name: string, version: string): void {
  writeFileSync(path, JSON.stringify({ name, version, command: 'run' }));
}

describe('a source that follows its search paths', () => {
  it('sees a manifest come, change and go', async () => {
    await follow(root);
    put(join(root, 'a.json'), 'a', '1');
    await until(() => known.get('a') === '1');
    put(join(root, 'a.json'), 'a', '2');
    await until(() => known.get('a') === '2');
    unlinkSync(join(root, 'a.json'));
    await until(() => !known.has('a'));
  });

  it('sees manifests in folders, and folders that are moved in and away', async () => {
    await follow(join(root, 'plugins'));
    const outside = join(root, 'outside');
    mkdirSync(outside);
    put(join(outside, 'manifest.json'), 'a', '1');
    mkdirSync(join(root, 'plugins'));
    renameSync(outside, join(root, 'plugins', 'a'));
    await until(() => known.get('a') === '1');
    put(join(root, 'plugins', 'a', 'manifest.json'), 'a', '2');
    await until(() => known.get('a') === '2');
    renameSync(join(root, 'plugins', 'a'), outside);
    await until(() => !known.has('a'));
  });

  it('sees a search path that appears later, however deep, is deleted and comes back', async () => {
    const path = join(root, 'not', 'there', 'yet');
    await follow(path);
    for (const version of ['1', '2']) {
      mkdirSync(path, { recursive: true });
      put(join(path, 'a.json'), 'a', version);
      await until(() => known.get('a') === version);
      rmSync(join(root, 'not'), { recursive: true });
      await until(() => !known.has('a'));
    }
  });

  it('sees a link that is swapped for another', async () => {
    for (const version of ['1', '2']) {
      mkdirSync(join(root, version));
      put(join(root, version, 'a.json'), 'a', version);
    }
    symlinkSync(join(root, '1'), join(root, 'current'));
    await follow(join(root, 'current'));
    expect(known.get('a')).toBe('1');
    symlinkSync(join(root, '2'), join(root, 'next'));
    renameSync(join(root, 'next'), join(root, 'current'));
    await until(() => known.get('a') === '2');
    put(join(root, '2', 'a.json'), 'a', '3');
    await until(() => known.get('a') === '3');
  });

  it('sees a file that is replaced by a rename', async () => {
    put(join(root, 'a.json'), 'a', '1');
    await follow(root);
    put(join(root, 'a.tmp'), 'a', '2');
    renameSync(join(root, 'a.tmp'), join(root, 'a.json'));
    await until(() => known.get('a') === '2');
  });

  it('keeps the former manifest while a file is half written, and says so', async () => {
    put(join(root, 'a.json'), 'a', '1');
    await follow(root);
    writeFileSync(join(root, 'a.json'), '{"name": "a", "vers');
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ file: join(root, 'a.json'), severity: 'error' });
    expect(known.get('a')).toBe('1');
    put(join(root, 'a.json'), 'a', '2');
    await until(() => known.get('a') === '2');
    expect(source?.problems()).toEqual([]);
  });

  it('ends a burst of a hundred writes with the last content', async () => {
    put(join(root, 'a.json'), 'a', '0');
    await follow(root);
    for (let version = 1; version <= 100; version += 1) put(join(root, 'a.json'), 'a', String(version));
    await until(() => known.get('a') === '100');
  });

  it('uncovers a shadowed manifest when the one before it is deleted', async () => {
    const [local, global] = [join(root, 'local'), join(root, 'global')];
    mkdirSync(local);
    mkdirSync(global);
    put(join(local, 'a.json'), 'a', 'local');
    put(join(global, 'a.json'), 'a', 'global');
    await follow(local, global);
    expect(known.get('a')).toBe('local');
    unlinkSync(join(local, 'a.json'));
    await until(() => known.get('a') === 'global');
  });
});
