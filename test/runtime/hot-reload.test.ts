import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../src/time/clock.ts';
import type { PluginSnapshot } from '../../src/index.ts';
import { PATIENCE_MS } from '../../src/manifest/patience.ts';
import { becomes, door, failure, gone, type ManifestOf, openRoom, type Room, startCall } from './greenroom.ts';

interface About {
  readonly pid: number;
  readonly initialised: number;
  readonly config: unknown;
}

const watching = { watch: true };

const about = (room: Room, plugin = 'plugin'): Promise<About> =>
  room.supervisor.execute<About>(plugin, { do: 'about' });

const schemaWith = (model: string): Record<string, unknown> => ({
  type: 'object',
  properties: { model: { type: 'string', default: model }, beams: { type: 'integer', default: 5 } },
});

/** Resolves once the worker was given this config. */
async function configBecomes(room: Room, config: unknown): Promise<void> {
  await vi.waitFor(async () => expect((await about(room)).config).toEqual(config), { timeout: 10_000, interval: 10 });
}

/** Writes the manifest of a plugin anywhere. */
function writeTo(room: Room, folder: string, name: string, manifest: ManifestOf): string {
  mkdirSync(folder, { recursive: true });
  const draft = room.write('draft-of-a-manifest', manifest);
  const text = JSON.stringify({ ...JSON.parse(readFileSync(draft, 'utf8')), name });
  rmSync(draft);
  const file = join(folder, `${name}.json`);
  writeFileSync(file, text);
  return file;
}

test('a changed description is told, and restarts nothing', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', description: 'old' } }, watching);
  const { pid } = await about(room);
  room.write('plugin', { fixture: 'workbench', description: 'new', category: 'other', version: '2.0.0' });
  await becomes(room, 'plugin', { description: 'new', category: 'other', version: '2.0.0' });
  expect(await about(room)).toMatchObject({ pid, initialised: 1 });
  expect(room.snapshot('plugin').generation).toBe(1);
});

test('a manifest that is away for as long as an editor saves it loses no call, no worker and no config', async () => {
  const held: (() => void)[] = [];
  // Time goes on, but for the patience with manifests.
  const setTimeout = (fn: () => void, ms: number): unknown =>
    ms === PATIENCE_MS ? held.push(fn) : systemClock.setTimeout(fn, ms);
  const clearTimeout = (timer: unknown): void => {
    if (typeof timer !== 'number') systemClock.clearTimeout(timer);
  };
  const room = await openRoom(
    { plugin: { fixture: 'workbench', description: 'old' } },
    { ...watching, clock: { ...systemClock, setTimeout, clearTimeout } },
  );
  await room.supervisor.load('plugin', { config: { model: 'large' } });
  const before = await about(room);
  expect(before.config).toEqual({ model: 'large' });
  const file = join(room.plugins, 'plugin.json');
  renameSync(file, `${file}~`);
  await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 10_000, interval: 5 });
  expect(await about(room)).toEqual(before);
  room.write('plugin', { fixture: 'workbench', description: 'new' });
  await becomes(room, 'plugin', { description: 'new' });
  held[0]?.();
  room.write('other', { fixture: 'workbench' });
  await vi.waitFor(() => expect(room.snapshot('other').name).toBe('other'), { timeout: 10_000, interval: 5 });
  expect(await about(room)).toEqual(before);
  expect(room.snapshot('plugin').generation).toBe(1);
});

test('a module that is away for as long as an editor saves it is no wrong manifest, and the next call runs', async () => {
  const room = await openRoom({});
  const module = join(room.scratch, 'plugin.mjs');
  // It is taken away just as a worker starts, which then ends.
  writeFileSync(
    module,
    `import { renameSync } from 'node:fs';
     renameSync(${JSON.stringify(module)}, ${JSON.stringify(`${module}~`)});
     process.exit(1);`,
  );
  room.write('plugin', { module });
  await room.supervisor.discover();
  const refusal = failure(room.supervisor.execute('plugin'));
  const log = join(room.dataDir, 'logs', 'plugin.log');
  await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('worker ended'), { timeout: 10_000, interval: 5 });
  writeFileSync(module, `export default { execute: () => 'back' };`);
  expect(await refusal).toMatchObject({ code: 'E_START' });
  expect(await room.supervisor.execute('plugin')).toBe('back');
});

test('a changed default of the config is given to the worker that runs, under what was given by hand', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', config_schema: schemaWith('base') } });
  await room.supervisor.load('plugin', { config: { beams: 2 } });
  const { pid } = await about(room);
  await becomes(room, 'plugin', { state: 'ready' });
  room.write('plugin', { fixture: 'workbench', config_schema: schemaWith('large') });
  await room.supervisor.discover();
  await configBecomes(room, { model: 'large', beams: 2 });
  expect(await about(room)).toMatchObject({ pid, initialised: 2 });
  expect(room.snapshot('plugin')).toMatchObject({ generation: 1, pid });
});

test('a changed default of the config does not wake a released plugin, which has it when it comes back', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', config_schema: schemaWith('base') } });
  await room.supervisor.load('plugin');
  const { pid } = await about(room);
  await room.supervisor.release('plugin');
  room.write('plugin', { fixture: 'workbench', config_schema: schemaWith('large') });
  await room.supervisor.discover();
  expect(room.snapshot('plugin')).toMatchObject({ state: 'released', phase: 'warm' });
  expect(await about(room)).toMatchObject({ pid, config: { model: 'large', beams: 5 } });
});

test('a changed default of the config reaches a worker that is still starting', async () => {
  const room = await openRoom({});
  const gate = door(room);
  const manifest = { fixture: 'gated', env_vars: { GATE: gate.file } };
  room.write('plugin', { ...manifest, config_schema: schemaWith('base') });
  await room.supervisor.discover();
  const call = room.supervisor.execute('plugin');
  await becomes(room, 'plugin', {
    state: 'spawning',
    phase: 'launching',
    pid: expect.any(Number),
  });
  room.write('plugin', { ...manifest, config_schema: schemaWith('large') });
  await room.supervisor.discover();
  gate.open();
  expect(await call).toEqual({ model: 'large', beams: 5 });
});

test('a changed environment replaces the worker while calls flow, and none is lost', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', max_concurrency: 4 } }, watching);
  const { pid } = await about(room);
  const { file, open } = door(room);
  const long = startCall(room, 'plugin', { do: 'wait', for: file, value: 'from the old one' });
  await long.running;
  const seen = new Set<number>();
  const over = new AbortController();
  const flow = Promise.all(
    Array.from({ length: 3 }, async () => {
      while (!over.signal.aborted) seen.add((await about(room)).pid);
    }),
  );
  room.write('plugin', { fixture: 'workbench', max_concurrency: 4, env_vars: { GREETING: 'hello' } });
  await vi.waitFor(() => expect(seen.size).toBe(2), { timeout: 10_000, interval: 5 });
  // The old worker still has a call, and ends when that does.
  expect(room.supervisor.status().workers).toBe(2);
  open();
  expect(await long.result).toBe('from the old one');
  await gone([pid]);
  over.abort();
  await flow;
  const world = await room.supervisor.execute<{ env: Record<string, string> }>('plugin', { do: 'world' });
  expect(world.env['GREETING']).toBe('hello');
  await becomes(room, 'plugin', { state: 'ready', generation: 2, restarts: 0, lastError: undefined });
  expect(room.path('plugin').filter((step) => !/^(busy\.serving|ready\.ready|spawning\..*)$/.test(step))).toEqual([]);
});

test('those who watch a plugin are told when the replacement of its worker begins and ends', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } }, watching);
  const { pid } = await about(room);
  const seen: PluginSnapshot[] = [];
  room.supervisor.plugin('plugin').subscribe((snapshot) => seen.push(snapshot));
  room.write('plugin', { fixture: 'workbench', env_vars: { GREETING: 'hello' } });
  await vi.waitFor(() => expect(seen.at(-1)).toMatchObject({ replacing: false, generation: 2 }), { timeout: 10_000 });
  expect(seen.find(({ replacing }) => replacing)?.pid).toBe(pid);
  expect(seen.at(-1)?.pid).not.toBe(pid);
});

test('a changed module is read anew', async () => {
  const room = await openRoom({});
  const module = (version: number): string => {
    const file = join(room.scratch, `version-${version}.mjs`);
    writeFileSync(file, `export default { name: 'plugin', execute: () => ${version} };\n`);
    return file;
  };
  room.write('plugin', { worker: 'node', module: module(1) });
  await room.supervisor.discover();
  expect(await room.supervisor.execute('plugin')).toBe(1);
  room.write('plugin', { worker: 'node', module: module(2) });
  await room.supervisor.discover();
  await becomes(room, 'plugin', { generation: 2, state: 'ready' });
  await vi.waitFor(async () => expect(await room.supervisor.execute('plugin')).toBe(2), { interval: 5 });
});

test('a new version that fails is reported, the old worker keeps running, and a mended one replaces it', async () => {
  const warnings: unknown[] = [];
  const room = await openRoom(
    { plugin: { fixture: 'workbench' } },
    { ...watching, logger: pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) }) },
  );
  const { pid } = await about(room);
  room.write('plugin', { fixture: 'workbench', module: './gone.mjs' });
  await becomes(room, 'plugin', {
    lastError: { code: 'E_MANIFEST', message: expect.stringContaining('gone.mjs') },
  });
  expect(await about(room)).toMatchObject({ pid });
  expect(warnings).toContainEqual(
    expect.objectContaining({
      plugin: 'plugin',
      err: expect.objectContaining({ code: 'E_MANIFEST' }),
      msg: expect.stringContaining('the old worker keeps running'),
    }),
  );
  room.write('plugin', { fixture: 'workbench', env_vars: { MENDED: '1' } });
  await vi.waitFor(async () => expect((await about(room)).pid).not.toBe(pid), { timeout: 10_000, interval: 10 });
  expect(room.path('plugin')).not.toContain('crashed.deciding');
});

test('a manifest that is renamed over another counts', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', description: 'old' } }, watching);
  const next = writeTo(room, room.scratch, 'plugin', { fixture: 'workbench', description: 'new' });
  renameSync(next, join(room.plugins, 'plugin.json'));
  await becomes(room, 'plugin', { description: 'new' });
});

test('a plugin that is renamed ends under its old name and is there under the new one', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } }, watching);
  const { pid } = await about(room);
  writeTo(room, room.plugins, 'renamed', { fixture: 'workbench' });
  rmSync(join(room.plugins, 'plugin.json'));
  await gone([pid]);
  await vi.waitFor(() => expect(room.supervisor.plugins().map(({ name }) => name)).toEqual(['renamed']), {
    interval: 5,
  });
  expect((await about(room, 'renamed')).pid).not.toBe(pid);
});

test('a folder that is a link is followed to its next target', async () => {
  const room = await openRoom({}, watching);
  for (const version of ['1', '2']) {
    const file = writeTo(room, join(room.scratch, version), 'plugin', {
      worker: 'node',
      module: './plugin.mjs',
      version,
    });
    renameSync(file, join(room.scratch, version, 'manifest.json'));
    writeFileSync(
      join(room.scratch, version, 'plugin.mjs'),
      `export default { name: 'plugin', execute: () => ${version} };`,
    );
  }
  const link = join(room.plugins, 'current');
  symlinkSync(join(room.scratch, '1'), link);
  await becomes(room, 'plugin', { version: '1' });
  expect(await room.supervisor.execute('plugin')).toBe(1);
  symlinkSync(join(room.scratch, '2'), `${link}-next`);
  renameSync(`${link}-next`, link);
  await becomes(room, 'plugin', { version: '2' });
});

test('a manifest that is deleted takes its plugin with it once its calls have ended', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } }, watching);
  const { file, open } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const { pid = 0 } = room.snapshot('plugin');
  const waiting = room.supervisor.execute('plugin', {});
  const draining = room.entered('plugin', 'busy', 'draining');
  rmSync(join(room.plugins, 'plugin.json'));
  expect(await failure(waiting)).toMatchObject({
    code: 'E_UNKNOWN_PLUGIN',
    plugin: 'plugin',
    message: expect.stringContaining('removed'),
  });
  await draining;
  expect((await failure(room.supervisor.execute('plugin', {}))).code).toBe('E_UNKNOWN_PLUGIN');
  open();
  expect(await call.result).toBe('done');
  await gone([pid]);
  await vi.waitFor(() => expect(room.supervisor.plugins()).toEqual([]), { interval: 5 });
});

test('a manifest that comes back while its plugin is still ending is in force after it', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { file, open } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  rmSync(join(room.plugins, 'plugin.json'));
  await room.supervisor.discover();
  room.write('plugin', { fixture: 'workbench', description: 'back' });
  await room.supervisor.discover();
  open();
  expect(await call.result).toBe('done');
  await becomes(room, 'plugin', { description: 'back', state: 'discovered', phase: 'idle', generation: 0 });
  expect(await room.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('an earlier search path shadows a later one, and what it shadowed comes back when it goes', async () => {
  const room = await openRoom({}, ({ plugins, scratch }) => ({
    ...watching,
    searchPaths: [join(scratch, 'local'), plugins],
  }));
  const { supervisor } = room;
  room.write('plugin', { fixture: 'workbench', description: 'global' });
  await becomes(room, 'plugin', { description: 'global' });
  const { pid } = await about(room);
  const local = writeTo(room, join(room.scratch, 'local'), 'plugin', { fixture: 'workbench', description: 'local' });
  await becomes(room, 'plugin', { description: 'local', manifestPath: local });
  expect(supervisor.problems()).toEqual([]);
  rmSync(local);
  await becomes(room, 'plugin', { description: 'global', manifestPath: join(room.plugins, 'plugin.json') });
  // Both start the same program, so that there was nothing to replace but its folder.
  await vi.waitFor(async () => expect((await about(room)).pid).not.toBe(pid), { timeout: 10_000, interval: 10 });
});

test('a half-written manifest is reported and changes nothing until it is complete', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', description: 'old' } }, watching);
  const { pid } = await about(room);
  const file = join(room.plugins, 'plugin.json');
  const complete = JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), description: 'new' });
  const reported = new Promise((resolve) => room.supervisor.on('problem', resolve));
  writeFileSync(file, complete.slice(0, 40));
  expect(await reported).toMatchObject([{ file, severity: 'error', reason: expect.stringContaining('JSON') }]);
  expect(room.snapshot('plugin').description).toBe('old');
  expect(await about(room)).toMatchObject({ pid });
  writeFileSync(file, complete);
  await becomes(room, 'plugin', { description: 'new' });
  await vi.waitFor(() => expect(room.supervisor.problems()).toEqual([]), { interval: 5 });
  expect(await about(room)).toMatchObject({ pid });
});

test('a burst of a hundred writes ends in the last content', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } }, watching);
  await about(room);
  for (let write = 1; write <= 100; write += 1) {
    room.write('plugin', { fixture: 'workbench', description: `${write}`, env_vars: { WRITE: `${write}` } });
    if (write % 10 === 0) await new Promise(setImmediate);
  }
  await becomes(room, 'plugin', { description: '100' });
  const written = async (): Promise<unknown> =>
    (await room.supervisor.execute<{ env: Record<string, string> }>('plugin', { do: 'world' })).env['WRITE'];
  await vi.waitFor(async () => expect(await written()).toBe('100'), { timeout: 20_000, interval: 20 });
  // All but one or two of the versions in between were never started.
  expect(room.snapshot('plugin').generation).toBeLessThan(20);
});

test('a search path that is deleted and made again is followed as before', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } }, watching);
  const text = readFileSync(join(room.plugins, 'plugin.json'), 'utf8');
  const { pid } = await about(room);
  rmSync(room.plugins, { recursive: true });
  await gone([pid]);
  await vi.waitFor(() => expect(room.supervisor.plugins()).toEqual([]), { interval: 5 });
  mkdirSync(room.plugins);
  writeFileSync(join(room.plugins, 'plugin.json'), text);
  await becomes(room, 'plugin', { state: 'discovered' });
  room.write('plugin', { fixture: 'workbench', description: 'followed' });
  await becomes(room, 'plugin', { description: 'followed' });
});

test('a search path that appears later is found', async () => {
  const room = await openRoom({}, ({ scratch }) => ({ ...watching, searchPaths: [join(scratch, 'not', 'yet')] }));
  expect(room.supervisor.plugins()).toEqual([]);
  writeTo(room, join(room.scratch, 'not', 'yet'), 'plugin', { fixture: 'workbench' });
  await becomes(room, 'plugin', { state: 'discovered' });
  expect(await room.supervisor.execute('plugin', { value: 1 })).toBe(1);
});
