// Longer than others because each way in which files come, change and go is a case of its own.

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ManifestChange } from '../../src/manifest/catalogue.ts';
import type { ManifestProblem } from '../../src/manifest/manifest-problem.ts';
import { PATIENCE_MS } from '../../src/manifest/patience.ts';
import { createManifestSource, type ManifestSource, type ManifestSourceOptions } from '../../src/manifest/source.ts';
import { systemClock } from '../../src/time/clock.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

let root: string;
let source: ManifestSource | undefined;
/** What is in force as those who follow the changes know it: name to version. */
let known: Map<string, string>;
/** The names that went out of force, ever. */
let removed: string[];
let problems: ManifestProblem[];
let listeners: Set<() => void>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'source-'));
  known = new Map();
  removed = [];
  problems = [];
  listeners = new Set();
});

afterEach(async () => {
  await source?.close();
  rmSync(root, { recursive: true, force: true });
});

function learn(changes: readonly ManifestChange[]): void {
  for (const change of changes) {
    if (change.type === 'removed') removed.push(change.name);
    if (change.type === 'removed') known.delete(change.name);
    else known.set(change.name, change.entry.manifest.version ?? '');
  }
  for (const listener of listeners) listener();
}

async function followAs(options: Partial<ManifestSourceOptions>, ...searchPaths: string[]): Promise<void> {
  source = createManifestSource({
    searchPaths,
    watch: true,
    pollMs: 1_000_000,
    clock: systemClock,
    onChanges: learn,
    onProblems: (fresh) => {
      problems.push(...fresh);
      for (const listener of listeners) listener();
    },
    ...options,
  });
  learn(await source.discover());
}

const follow = (...searchPaths: string[]): Promise<void> => followAs({}, ...searchPaths);

/** A clock that stands still, and word of the waits that begin on it. */
class StoppedClock extends SimulatedClock {
  override setTimeout(fn: () => void, ms: number): unknown {
    const timer = super.setTimeout(fn, ms);
    for (const listener of listeners) listener();
    return timer;
  }
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

describe('what is gone for a moment', () => {
  const paths = (): Record<'plugins' | 'folder' | 'file' | 'away', string> => {
    const plugins = join(root, 'plugins');
    const folder = join(plugins, 'a');
    return { plugins, folder, file: join(folder, 'manifest.json'), away: join(root, 'away') };
  };

  beforeEach(() => {
    const { folder, file } = paths();
    mkdirSync(folder, { recursive: true });
    put(file, 'a', '1');
  });

  it.each<[string, () => void, () => void]>([
    ['a file that is moved away', () => renameSync(paths().file, paths().away), () => {}],
    ['a file that is deleted', () => unlinkSync(paths().file), () => {}],
    ['a file that is emptied', () => writeFileSync(paths().file, ''), () => {}],
    ['a file that is half written', () => writeFileSync(paths().file, '{"name": "a", "comma'), () => {}],
    [
      'a file in whose place there is a folder',
      () => {
        unlinkSync(paths().file);
        mkdirSync(paths().file);
      },
      () => rmSync(paths().file, { recursive: true }),
    ],
    ['its folder', () => renameSync(paths().folder, paths().away), () => renameSync(paths().away, paths().folder)],
    [
      'its search path',
      () => renameSync(paths().plugins, paths().away),
      () => renameSync(paths().away, paths().plugins),
    ],
  ])('stays in force: %s', async (_what, take, giveBack) => {
    const clock = new StoppedClock();
    await followAs({ clock }, paths().plugins);
    take();
    await until(() => clock.pending > 0);
    clock.pass(PATIENCE_MS - 1);
    giveBack();
    put(paths().file, 'a', '2');
    await until(() => known.get('a') === '2');
    clock.pass(PATIENCE_MS);
    put(join(paths().plugins, 'b.json'), 'b', '1');
    await until(() => known.has('b'));
    expect({ removed, problems }).toEqual({ removed: [], problems: [] });
  });

  it('is followed as before when its search path comes back, even where its watcher had only begun', async () => {
    const { plugins, away, file } = paths();
    for (let round = 0; round < 30; round += 1) {
      const clock = new StoppedClock();
      put(file, 'a', '1');
      await followAs({ clock }, plugins);
      for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      renameSync(plugins, away);
      await until(() => clock.pending > 0);
      renameSync(away, plugins);
      put(file, 'a', '2');
      await until(() => known.get('a') === '2');
      put(join(plugins, 'b.json'), 'b', String(round));
      await until(() => known.get('b') === String(round));
      await source?.close();
    }
    expect(removed).toEqual([]);
  });

  it('goes once it has been gone for longer, and each time anew', async () => {
    const clock = new StoppedClock();
    const { plugins, file } = paths();
    await followAs({ clock }, plugins);
    unlinkSync(file);
    await until(() => clock.pending === 1);
    put(file, 'a', '2');
    await until(() => known.get('a') === '2');
    clock.pass(PATIENCE_MS - 1);
    unlinkSync(file);
    await until(() => clock.pending === 2);
    clock.pass(1);
    put(join(plugins, 'b.json'), 'b', '1');
    await until(() => known.has('b'));
    expect(removed).toEqual([]);
    clock.pass(PATIENCE_MS - 1);
    await until(() => !known.has('a'));
  });

  it('is waited for by a discovery too, which tells what it came to', async () => {
    const clock = new StoppedClock();
    const { plugins, file } = paths();
    await followAs({ clock, watch: false }, plugins);
    unlinkSync(file);
    const changes = source?.discover();
    await until(() => clock.pending === 1);
    expect(source?.entries()).toHaveLength(1);
    clock.pass(PATIENCE_MS);
    expect(await changes).toMatchObject([{ type: 'removed', name: 'a' }]);
  });

  it('is a swap of the whole search path, as deployments do it', async () => {
    const { plugins, away } = paths();
    mkdirSync(join(root, 'next', 'a'), { recursive: true });
    put(join(root, 'next', 'a', 'manifest.json'), 'a', '2');
    await follow(plugins);
    renameSync(plugins, away);
    renameSync(join(root, 'next'), plugins);
    await until(() => known.get('a') === '2');
    expect(removed).toEqual([]);
  });

  it('and comes back elsewhere has moved, which is no problem', async () => {
    const clock = new StoppedClock();
    const { plugins, folder } = paths();
    await followAs({ clock }, plugins);
    renameSync(folder, join(plugins, 'elsewhere'));
    await until(() => clock.pending > 0);
    clock.pass(PATIENCE_MS);
    await until(() => source?.entries()[0]?.folder === join(plugins, 'elsewhere'));
    expect({ removed, problems }).toEqual({ removed: [], problems: [] });
  });
});

describe('what cannot be read', () => {
  const loop = (path: string): void => symlinkSync(path, path);

  it('is not taken for deleted: a search path, which is tried again', async () => {
    const clock = new StoppedClock();
    mkdirSync(join(root, 'there'));
    put(join(root, 'there', 'a.json'), 'a', '1');
    symlinkSync(join(root, 'there'), join(root, 'plugins'));
    await followAs({ clock, watch: 'poll', pollMs: 1_000 }, join(root, 'plugins'));
    unlinkSync(join(root, 'plugins'));
    loop(join(root, 'plugins'));
    clock.pass(1_000);
    await until(() => problems.length > 0);
    expect(problems).toMatchObject([{ file: join(root, 'plugins'), reason: expect.stringContaining('ELOOP') }]);
    await until(() => clock.pending === 2);
    clock.pass(PATIENCE_MS);
    await until(() => clock.pending === 2);
    expect(known.get('a')).toBe('1');
    unlinkSync(join(root, 'plugins'));
    put(join(root, 'there', 'a.json'), 'a', '2');
    symlinkSync(join(root, 'there'), join(root, 'plugins'));
    clock.pass(2 * PATIENCE_MS);
    await until(() => known.get('a') === '2');
    expect({ removed, problems: source?.problems() }).toEqual({ removed: [], problems: [] });
  });

  it('is not taken for deleted: a file, which is read once it can be, without a change of it', async () => {
    const clock = new StoppedClock();
    const [plugins, outside] = [join(root, 'plugins'), join(root, 'outside')];
    mkdirSync(plugins);
    loop(outside);
    symlinkSync(join(outside, 'a.json'), join(plugins, 'a.json'));
    await followAs({ clock }, plugins);
    expect(problems).toMatchObject([{ file: join(plugins, 'a.json'), reason: expect.stringContaining('ELOOP') }]);
    unlinkSync(outside);
    mkdirSync(outside);
    put(join(outside, 'a.json'), 'a', '1');
    clock.pass(PATIENCE_MS);
    await until(() => known.get('a') === '1');
    expect(source?.problems()).toEqual([]);
  });
});

describe('where the system tells of no changes', () => {
  it('a source that is told to polls, and sees a manifest change and go', async () => {
    const clock = new StoppedClock();
    put(join(root, 'a.json'), 'a', '1');
    await followAs({ clock, watch: 'poll', pollMs: 100 }, root);
    const pass = async (ms: number): Promise<void> => {
      await until(() => clock.pending > 0);
      clock.pass(ms);
    };
    for (const version of ['2', '3']) {
      put(join(root, 'a.json'), 'a', version);
      await pass(100);
      await until(() => known.get('a') === version);
    }
    unlinkSync(join(root, 'a.json'));
    await pass(100);
    await pass(PATIENCE_MS);
    await until(() => !known.has('a'));
    expect(problems).toEqual([]);
  });

  it('it polls of itself, and says so: a search path that cannot be watched', async () => {
    const clock = new StoppedClock();
    symlinkSync(join(root, 'loop'), join(root, 'loop'));
    put(join(root, 'a.json'), 'a', '1');
    await followAs({ clock, pollMs: 100 }, join(root, 'loop', 'plugins'));
    await until(() => problems.some(({ severity }) => severity === 'warning'));
    expect(problems).toContainEqual({
      file: join(root, 'loop', 'plugins'),
      reason: expect.stringMatching(/cannot be watched: ELOOP.*it is scanned every 100 ms/),
      severity: 'warning',
    });
  });

  it.runIf(process.platform === 'linux')('it polls of itself, and says so: a file system that tells none', async () => {
    const clock = new StoppedClock();
    await followAs({ clock }, '/proc/tty');
    await until(() => clock.pending === 1);
    await until(() => problems.length > 0);
    expect(problems).toMatchObject([
      { file: '/proc/tty', severity: 'warning', reason: expect.stringContaining('proc') },
    ]);
  });

  it('variables of a library it is built on change nothing', async () => {
    vi.stubEnv('CHOKIDAR_USEPOLLING', '1');
    vi.stubEnv('CHOKIDAR_INTERVAL', '600000');
    onTestFinished(() => void vi.unstubAllEnvs());
    mkdirSync(join(root, 'a'));
    put(join(root, 'a', 'manifest.json'), 'a', '1');
    await follow(root);
    for (const version of ['2', '3']) {
      put(join(root, 'a', 'manifest.json'), 'a', version);
      await until(() => known.get('a') === version);
    }
  });
});

describe('what was set aside', () => {
  it('is no plugin, beside its plugin or alone', async () => {
    const plugins = join(root, 'plugins');
    for (const name of ['voice', '.voice', 'voice.bak', 'voice~', '#voice#', 'voice-old', 'voice (copy)']) {
      mkdirSync(join(plugins, name), { recursive: true });
      put(join(plugins, name, 'manifest.json'), 'voice', name);
    }
    put(join(plugins, 'voice copy.json'), 'voice', 'file');
    await follow(plugins);
    expect(known).toEqual(new Map([['voice', 'voice']]));
    mkdirSync(join(plugins, 'voice.orig'));
    put(join(plugins, 'voice.orig', 'manifest.json'), 'voice', 'later');
    put(join(plugins, 'voice', 'manifest.json'), 'voice', '2');
    await until(() => known.get('voice') === '2');
    rmSync(join(plugins, 'voice'), { recursive: true });
    await until(() => !known.has('voice'));
  });
});
