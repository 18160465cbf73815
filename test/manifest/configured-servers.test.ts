import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ManifestChange } from '../../src/manifest/catalogue.ts';
import { PATIENCE_MS } from '../../src/manifest/patience.ts';
import { createManifestSource, type ManifestSource } from '../../src/manifest/source.ts';
import { configFileAt } from '../../src/mcp-config/config-files.ts';
import { readMcpConfig } from '../../src/mcp-config/read-config.ts';
import { trustStore } from '../../src/mcp-config/trust.ts';
import { type Clock, systemClock } from '../../src/time/clock.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

let root: string;
let data: string;
/** The configuration of the data directory, which is the user's own. */
let own: string;
let source: ManifestSource | undefined;
/** What is in force as those who follow the changes know it: name to first argument. */
let known: Map<string, string>;
/** Every change that was told, as "added name". */
let told: string[];
let listeners: Set<() => void>;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'configured-')));
  data = join(root, 'data');
  own = join(data, 'mcp.json');
  known = new Map();
  told = [];
  listeners = new Set();
});

afterEach(async () => {
  await source?.close();
  source = undefined;
  rmSync(root, { recursive: true, force: true });
});

function learn(changes: readonly ManifestChange[]): void {
  for (const change of changes) {
    told.push(`${change.type} ${change.name}`);
    if (change.type === 'removed') known.delete(change.name);
    else known.set(change.name, change.entry.manifest.args?.[0] ?? '');
  }
  for (const listener of listeners) listener();
}

/** A clock that stands still, and word of the waits that begin on it. */
class StoppedClock extends SimulatedClock {
  override setTimeout(fn: () => void, ms: number): unknown {
    const timer = super.setTimeout(fn, ms);
    for (const listener of listeners) listener();
    return timer;
  }
}

async function follow(files: readonly string[] = [own], watch: boolean | 'poll' = true, clock: Clock = systemClock) {
  source = createManifestSource({
    searchPaths: [join(root, 'plugins')],
    mcpConfigs: { files, dataDir: data, userDataDir: data, home: join(root, 'home'), env: { TOKEN: 'sesame' } },
    watch,
    pollMs: watch === 'poll' ? 5 : 1_000_000,
    clock,
    onChanges: learn,
    onProblems: () => {
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

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Writes servers, by their names, with their first arguments. */
function put(file: string, servers: Readonly<Record<string, string | object>>): void {
  const entries = Object.entries(servers).map(([name, given]) => [
    name,
    typeof given === 'string' ? { command: 'serve', args: [given, name] } : given,
  ]);
  write(file, JSON.stringify({ mcpServers: Object.fromEntries(entries) }));
}

const problems = (): string[] =>
  (source?.problems() ?? []).map(({ severity, file, field, reason }) =>
    [severity, file.replace(root, ''), ...(field === undefined ? [] : [field]), reason].join(' '),
  );

function trust(path: string): void {
  const file = configFileAt(path, { platform: process.platform, env: {}, home: join(root, 'home'), cwd: root });
  const content = readMcpConfig(file, { platform: process.platform, env: {}, home: join(root, 'home') })?.content;
  if (content === undefined) throw new Error(`${path} cannot be read`);
  trustStore(data).trust(content);
}

test('the servers of the configuration in the data directory are plugins, with the file as their manifest', async () => {
  put(own, { files: 'one', notes: { command: './notes', env: { KEY: '${TOKEN}' } } });
  await follow();
  expect(source?.entries()).toMatchObject([
    {
      manifest: { name: 'files', worker: 'mcp', command: 'serve', args: ['one', 'files'] },
      file: own,
      folder: data,
      searchPath: own,
      resolved: { command: 'serve', cwd: join(root, 'home') },
    },
    { manifest: { env_vars: { KEY: 'sesame' } }, resolved: { command: join(root, 'home', 'notes') } },
  ]);
  expect(problems()).toEqual([]);
});

test('no configuration in the data directory is no problem, and a named file that is not there is one', async () => {
  await follow([own, join(root, 'other.json')]);
  expect(problems()).toEqual(['error /other.json does not exist']);
});

test('an edit of one server changes that server alone', async () => {
  put(own, { a: '1', b: '1', c: '1' });
  await follow();
  told = [];
  put(own, { a: '1', b: '2', d: '1' });
  await until(() => known.get('b') === '2');
  expect(told.toSorted()).toEqual(['added d', 'changed b', 'removed c']);
});

test('a configuration that comes later, is replaced by another file, goes and comes back is followed', async () => {
  await follow();
  put(own, { a: '1' });
  await until(() => known.get('a') === '1');
  put(join(data, 'mcp.json.tmp'), { a: '2' });
  renameSync(join(data, 'mcp.json.tmp'), own);
  await until(() => known.get('a') === '2');
  put(own, { a: '3' });
  await until(() => known.get('a') === '3');
  rmSync(data, { recursive: true });
  await until(() => !known.has('a'));
  put(own, { a: '4' });
  await until(() => known.get('a') === '4');
});

test('a configuration that is a link is followed to the file that it leads to, also once it leads to another', async () => {
  const [first, second] = [join(root, 'dotfiles', 'first.json'), join(root, 'dotfiles', 'second.json')];
  put(first, { a: '1' });
  put(second, { a: '3' });
  mkdirSync(data);
  symlinkSync(first, own);
  await follow();
  put(first, { a: '2' });
  await until(() => known.get('a') === '2');
  unlinkSync(own);
  symlinkSync(second, own);
  await until(() => known.get('a') === '3');
  put(second, { a: '4' });
  await until(() => known.get('a') === '4');
});

test('a configuration is read again and again where the events of the system are not used', async () => {
  await follow([own], 'poll');
  put(own, { a: '1' });
  await until(() => known.get('a') === '1');
});

test('a file that an editor empties and writes anew, or that is away for a moment, ends no server', async () => {
  const clock = new StoppedClock();
  put(own, { a: '1', b: '1' });
  await follow([own], true, clock);
  told = [];
  write(own, '');
  await until(() => clock.pending > 0);
  put(own, { a: '2', b: '1' });
  await until(() => known.get('a') === '2');
  clock.pass(PATIENCE_MS);
  unlinkSync(own);
  await until(() => clock.pending > 0);
  put(own, { a: '3', b: '1' });
  await until(() => known.get('a') === '3');
  expect(told).toEqual(['changed a', 'changed a']);
});

test('a file that is no longer valid keeps its last servers in force, and so does one server', async () => {
  put(own, { a: '1', b: '1' });
  await follow();
  write(own, '{ "mcpServers": { "a": ');
  await until(() => problems().length > 0);
  expect([...known]).toEqual([
    ['a', '1'],
    ['b', '1'],
  ]);
  expect(problems()).toEqual([expect.stringContaining('error /data/mcp.json is not JSON')]);
  put(own, { a: { command: 5 }, b: '2' });
  await until(() => known.get('b') === '2');
  expect(known.get('a')).toBe('1');
  expect(problems()).toEqual([expect.stringContaining('mcpServers.a.command')]);
  put(own, { b: '3' });
  await until(() => !known.has('a'));
});

test('a change of an environment file changes the servers that use it', async () => {
  const env = join(root, 'keys.env');
  write(env, 'KEY=1');
  put(own, { a: { command: 'serve', args: ['x'], envFile: env }, b: '1' });
  await follow();
  told = [];
  write(env, 'KEY=2');
  await until(() => told.length > 0);
  expect(told).toEqual(['changed a']);
  expect(source?.entries().find(({ manifest }) => manifest.name === 'a')?.manifest.env_vars).toEqual({ KEY: '2' });
});

test("a project's file runs nothing until it is trusted, then at once, and nothing more once it has changed", async () => {
  const file = join(root, 'shop', '.mcp.json');
  put(file, { a: '1' });
  put(own, { mine: '1' });
  await follow([own, file]);
  expect([...known.keys()]).toEqual(['mine']);
  const next = `greenroom mcp trust "${file}"`;
  expect(problems()).toEqual([expect.stringMatching(/^error \/shop\/\.mcp\.json is not trusted: /)]);
  expect(problems()[0]).toContain(next);
  trust(file);
  await until(() => known.has('a'));
  expect(problems()).toEqual([]);
  put(file, { a: '2' });
  await until(() => !known.has('a'));
  expect(problems()[0]).toContain('has changed since it was trusted');
  trust(file);
  await until(() => known.get('a') === '2');
  trustStore(data).distrust(file);
  await until(() => !known.has('a'));
  expect(known.has('mine')).toBe(true);
});

test("a server of a project's file that was never trusted does not run once the file is trusted without it", async () => {
  const file = join(root, 'shop', '.mcp.json');
  put(file, { a: 'harm', b: '1' });
  await follow([file]);
  put(file, { a: { command: 5 }, b: '1' });
  await until(() => problems().some((problem) => problem.includes('mcpServers.a')));
  trust(file);
  await until(() => known.has('b'));
  expect([...known.keys()]).toEqual(['b']);
});

test('a file at a path that is nobody’s counts as a project’s', async () => {
  const file = join(root, 'list.json');
  put(file, { a: '1' });
  await follow([file]);
  expect([...known]).toEqual([]);
  expect(problems()[0]).toContain('is not trusted');
});

test('a plugin of a folder wins over a server of its name, which is told and takes its place once it is gone', async () => {
  const manifest = join(root, 'plugins', 'a.json');
  write(manifest, JSON.stringify({ name: 'a', command: 'run', args: ['folder'] }));
  put(own, { a: 'server', b: '1' });
  await follow();
  expect(known.get('a')).toBe('folder');
  expect(source?.shadowed()).toMatchObject([{ entry: { file: own }, by: { file: manifest } }]);
  expect(problems()).toEqual([
    `warning /data/mcp.json the server "a" is not run: the plugin of ${manifest} has its name`,
  ]);
  unlinkSync(manifest);
  await until(() => known.get('a') === 'server');
  expect(problems()).toEqual([]);
});

test('servers that are not run, or not as their file says, are told of', async () => {
  put(own, {
    far: { url: 'https://example.com/mcp?key=sesame' },
    off: { command: 'serve', disabled: true, timeout: 5 },
    self: { command: 'npx', args: ['-y', 'greenroom', 'mcp'] },
    some: { command: 'serve', disabledTools: ['x'], timeout: 5 },
  });
  const other = join(root, 'home', '.cursor', 'mcp.json');
  put(other, { some: 'other' });
  await follow([own, other]);
  expect([...known.keys()]).toEqual(['some', 'some-2']);
  expect(source?.entries()[0]?.manifest).toMatchObject({ name: 'some', deny_tools: ['x'] });
  expect(problems()).toEqual([
    expect.stringMatching(/^warning \/data\/mcp\.json mcpServers\.far remote: not run by Greenroom/),
    'warning /data/mcp.json mcpServers.self left out: it is Greenroom itself, which would call itself',
    'warning /data/mcp.json mcpServers.some.timeout not heeded: a call may take as long as its caller waits',
    'warning /home/.cursor/mcp.json mcpServers.some "some" is another server; this one is the plugin "some-2"',
  ]);
  expect(problems().join()).not.toContain('sesame');
});

test('a part of a file that is not valid takes nothing from the others', async () => {
  put(own, { a: '1', b: '1' });
  await follow();
  write(own, JSON.stringify({ mcpServers: { a: { command: 'serve', args: ['2', 'a'] } }, servers: 5 }));
  await until(() => known.get('a') === '2');
  expect([...known.keys()]).toEqual(['a']);
  expect(problems()).toEqual([expect.stringMatching(/^error \/data\/mcp\.json servers expected an object/)]);
});

test("a project's file that would run nothing needs no trust", async () => {
  const file = join(root, 'shop', '.mcp.json');
  put(file, { off: { command: 'serve', disabled: true } });
  await follow([file]);
  expect(problems()).toEqual([]);
});
