import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { PluginSnapshot } from '../../src/index.ts';
import { PATIENCE_MS } from '../../src/manifest/patience.ts';
import { systemClock } from '../../src/time/clock.ts';
import { eventually } from '../eventually.ts';
import {
  becomes,
  door,
  failure,
  gone,
  type ManifestOf,
  type OpenedSupervisor,
  openSupervisor,
  startCall,
} from './greenroom.ts';

interface About {
  readonly pid: number;
  readonly initialised: number;
  readonly config: unknown;
}

const watching = { watch: true };

const about = (opened: OpenedSupervisor, plugin = 'plugin'): Promise<About> =>
  opened.supervisor.execute<About>(plugin, { do: 'about' });

const schemaWith = (model: string): Record<string, unknown> => ({
  type: 'object',
  properties: { model: { type: 'string', default: model }, beams: { type: 'integer', default: 5 } },
});

/** Resolves once the worker was given this config. */
async function configBecomes(opened: OpenedSupervisor, config: unknown): Promise<void> {
  await eventually(async () => expect((await about(opened)).config).toEqual(config), { interval: 10 });
}

/** Writes the manifest of a plugin anywhere. */
function writeTo(opened: OpenedSupervisor, folder: string, name: string, manifest: ManifestOf): string {
  mkdirSync(folder, { recursive: true });
  const draft = opened.write('draft-of-a-manifest', manifest);
  const text = JSON.stringify({ ...JSON.parse(readFileSync(draft, 'utf8')), name });
  rmSync(draft);
  const file = join(folder, `${name}.json`);
  writeFileSync(file, text);
  return file;
}

test('a changed description is told, and restarts nothing', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', description: 'old' } }, watching);
  const { pid } = await about(opened);
  opened.write('plugin', { fixture: 'workbench', description: 'new', category: 'other', version: '2.0.0' });
  await becomes(opened, 'plugin', { description: 'new', category: 'other', version: '2.0.0' });
  expect(await about(opened)).toMatchObject({ pid, initialised: 1 });
  expect(opened.snapshot('plugin').generation).toBe(1);
});

test('a manifest that is away for as long as an editor saves it loses no call, no worker and no config', async () => {
  const held: (() => void)[] = [];
  // Time goes on, but for the patience with manifests.
  const setTimeout = (fn: () => void, ms: number): unknown =>
    ms === PATIENCE_MS ? held.push(fn) : systemClock.setTimeout(fn, ms);
  const clearTimeout = (timer: unknown): void => {
    if (typeof timer !== 'number') systemClock.clearTimeout(timer);
  };
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench', description: 'old' } },
    { ...watching, clock: { ...systemClock, setTimeout, clearTimeout } },
  );
  await opened.supervisor.load('plugin', { config: { model: 'large' } });
  const before = await about(opened);
  expect(before.config).toEqual({ model: 'large' });
  const file = join(opened.plugins, 'plugin.json');
  renameSync(file, `${file}~`);
  await eventually(() => expect(held).toHaveLength(1), { interval: 5 });
  expect(await about(opened)).toEqual(before);
  opened.write('plugin', { fixture: 'workbench', description: 'new' });
  await becomes(opened, 'plugin', { description: 'new' });
  held[0]?.();
  opened.write('other', { fixture: 'workbench' });
  await eventually(() => expect(opened.snapshot('other').name).toBe('other'), { interval: 5 });
  expect(await about(opened)).toEqual(before);
  expect(opened.snapshot('plugin').generation).toBe(1);
});

test('a module that is away for as long as an editor saves it is no wrong manifest, and the next call runs', async () => {
  const opened = await openSupervisor({});
  const module = join(opened.scratch, 'plugin.mjs');
  // It is taken away just as a worker starts, which then ends.
  writeFileSync(
    module,
    `import { renameSync } from 'node:fs';
     renameSync(${JSON.stringify(module)}, ${JSON.stringify(`${module}~`)});
     process.exit(1);`,
  );
  opened.write('plugin', { module });
  await opened.supervisor.discover();
  const refusal = failure(opened.supervisor.execute('plugin'));
  const log = join(opened.dataDir, 'logs', 'plugin.log');
  await eventually(() => expect(readFileSync(log, 'utf8')).toContain('worker ended'), { interval: 5 });
  writeFileSync(module, `export default { execute: () => 'back' };`);
  expect(await refusal).toMatchObject({ code: 'E_START' });
  expect(await opened.supervisor.execute('plugin')).toBe('back');
});

test('a changed default of the config is given to the worker that runs, under what was given by hand', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', config_schema: schemaWith('base') } });
  await opened.supervisor.load('plugin', { config: { beams: 2 } });
  const { pid } = await about(opened);
  await becomes(opened, 'plugin', { state: 'ready' });
  opened.write('plugin', { fixture: 'workbench', config_schema: schemaWith('large') });
  await opened.supervisor.discover();
  await configBecomes(opened, { model: 'large', beams: 2 });
  expect(await about(opened)).toMatchObject({ pid, initialised: 2 });
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 1, pid });
});

test('a changed default of the config does not wake a released plugin, which has it when it comes back', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', config_schema: schemaWith('base') } });
  await opened.supervisor.load('plugin');
  const { pid } = await about(opened);
  await opened.supervisor.release('plugin');
  opened.write('plugin', { fixture: 'workbench', config_schema: schemaWith('large') });
  await opened.supervisor.discover();
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'released', phase: 'warm' });
  expect(await about(opened)).toMatchObject({ pid, config: { model: 'large', beams: 5 } });
});

test('a changed default of the config reaches a worker that is still starting', async () => {
  const opened = await openSupervisor({});
  const gate = door(opened);
  const manifest = { fixture: 'gated', env_vars: { GATE: gate.file } };
  opened.write('plugin', { ...manifest, config_schema: schemaWith('base') });
  await opened.supervisor.discover();
  const call = opened.supervisor.execute('plugin');
  await becomes(opened, 'plugin', {
    state: 'spawning',
    phase: 'launching',
    pid: expect.any(Number),
  });
  opened.write('plugin', { ...manifest, config_schema: schemaWith('large') });
  await opened.supervisor.discover();
  gate.open();
  expect(await call).toEqual({ model: 'large', beams: 5 });
});

test('a changed environment replaces the worker while calls flow, and none is lost', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', max_concurrency: 4 } }, watching);
  const { pid } = await about(opened);
  const { file, open } = door(opened);
  const long = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'from the old one' });
  await long.running;
  const seen = new Set<number>();
  const over = new AbortController();
  const flow = Promise.all(
    Array.from({ length: 3 }, async () => {
      while (!over.signal.aborted) seen.add((await about(opened)).pid);
    }),
  );
  opened.write('plugin', { fixture: 'workbench', max_concurrency: 4, env_vars: { GREETING: 'hello' } });
  await eventually(() => expect(seen.size).toBe(2), { interval: 5 });
  // The old worker still has a call, and ends when that does.
  expect(opened.supervisor.status().workers).toBe(2);
  open();
  expect(await long.result).toBe('from the old one');
  await gone([pid]);
  over.abort();
  await flow;
  const world = await opened.supervisor.execute<{ env: Record<string, string> }>('plugin', { do: 'world' });
  expect(world.env['GREETING']).toBe('hello');
  await becomes(opened, 'plugin', { state: 'ready', generation: 2, restarts: 0, lastError: undefined });
  expect(opened.path('plugin').filter((step) => !/^(busy\.serving|ready\.ready|spawning\..*)$/.test(step))).toEqual([]);
});

test('those who watch a plugin are told when the replacement of its worker begins and ends', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, watching);
  const { pid } = await about(opened);
  const seen: PluginSnapshot[] = [];
  opened.supervisor.plugin('plugin').subscribe((snapshot) => seen.push(snapshot));
  opened.write('plugin', { fixture: 'workbench', env_vars: { GREETING: 'hello' } });
  await eventually(() => expect(seen.at(-1)).toMatchObject({ replacing: false, generation: 2 }));
  expect(seen.find(({ replacing }) => replacing)?.pid).toBe(pid);
  expect(seen.at(-1)?.pid).not.toBe(pid);
});

test('a changed module is read anew', async () => {
  const opened = await openSupervisor({});
  const module = (version: number): string => {
    const file = join(opened.scratch, `version-${version}.mjs`);
    writeFileSync(file, `export default { name: 'plugin', execute: () => ${version} };\n`);
    return file;
  };
  opened.write('plugin', { worker: 'node', module: module(1) });
  await opened.supervisor.discover();
  expect(await opened.supervisor.execute('plugin')).toBe(1);
  opened.write('plugin', { worker: 'node', module: module(2) });
  await opened.supervisor.discover();
  await becomes(opened, 'plugin', { generation: 2, state: 'ready' });
  await eventually(async () => expect(await opened.supervisor.execute('plugin')).toBe(2), { interval: 5 });
});

test('a new version that fails is reported, the old worker keeps running, and a mended one replaces it', async () => {
  const warnings: unknown[] = [];
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench' } },
    { ...watching, logger: pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) }) },
  );
  const { pid } = await about(opened);
  opened.write('plugin', { fixture: 'workbench', module: './gone.mjs' });
  await becomes(opened, 'plugin', {
    lastError: { code: 'E_MANIFEST', message: expect.stringContaining('gone.mjs') },
  });
  expect(await about(opened)).toMatchObject({ pid });
  expect(warnings).toContainEqual(
    expect.objectContaining({
      plugin: 'plugin',
      err: expect.objectContaining({ code: 'E_MANIFEST' }),
      msg: expect.stringContaining('the old worker keeps running'),
    }),
  );
  opened.write('plugin', { fixture: 'workbench', env_vars: { MENDED: '1' } });
  await eventually(async () => expect((await about(opened)).pid).not.toBe(pid), { interval: 10 });
  expect(opened.path('plugin')).not.toContain('crashed.deciding');
});

test('a manifest that is renamed over another counts', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', description: 'old' } }, watching);
  const next = writeTo(opened, opened.scratch, 'plugin', { fixture: 'workbench', description: 'new' });
  renameSync(next, join(opened.plugins, 'plugin.json'));
  await becomes(opened, 'plugin', { description: 'new' });
});

test('a plugin that is renamed ends under its old name and is there under the new one', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, watching);
  const { pid } = await about(opened);
  writeTo(opened, opened.plugins, 'renamed', { fixture: 'workbench' });
  rmSync(join(opened.plugins, 'plugin.json'));
  await gone([pid]);
  await eventually(() => expect(opened.supervisor.plugins().map(({ name }) => name)).toEqual(['renamed']), {
    interval: 5,
  });
  expect((await about(opened, 'renamed')).pid).not.toBe(pid);
});

test('a folder that is a link is followed to its next target', async () => {
  const opened = await openSupervisor({}, watching);
  for (const version of ['1', '2']) {
    const file = writeTo(opened, join(opened.scratch, version), 'plugin', {
      worker: 'node',
      module: './plugin.mjs',
      version,
    });
    renameSync(file, join(opened.scratch, version, 'manifest.json'));
    writeFileSync(
      join(opened.scratch, version, 'plugin.mjs'),
      `export default { name: 'plugin', execute: () => ${version} };`,
    );
  }
  const link = join(opened.plugins, 'current');
  symlinkSync(join(opened.scratch, '1'), link);
  await becomes(opened, 'plugin', { version: '1' });
  expect(await opened.supervisor.execute('plugin')).toBe(1);
  symlinkSync(join(opened.scratch, '2'), `${link}-next`);
  renameSync(`${link}-next`, link);
  await becomes(opened, 'plugin', { version: '2' });
});

test('a manifest that is deleted takes its plugin with it once its calls have ended', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, watching);
  const { file, open } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const { pid = 0 } = opened.snapshot('plugin');
  const waiting = opened.supervisor.execute('plugin', {});
  const draining = opened.entered('plugin', 'busy', 'draining');
  rmSync(join(opened.plugins, 'plugin.json'));
  expect(await failure(waiting)).toMatchObject({
    code: 'E_UNKNOWN_PLUGIN',
    plugin: 'plugin',
    message: expect.stringContaining('removed'),
  });
  await draining;
  expect((await failure(opened.supervisor.execute('plugin', {}))).code).toBe('E_UNKNOWN_PLUGIN');
  open();
  expect(await call.result).toBe('done');
  await gone([pid]);
  await eventually(() => expect(opened.supervisor.plugins()).toEqual([]), { interval: 5 });
});

test('a manifest that comes back while its plugin is still ending is in force after it', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file, open } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  rmSync(join(opened.plugins, 'plugin.json'));
  await opened.supervisor.discover();
  opened.write('plugin', { fixture: 'workbench', description: 'back' });
  await opened.supervisor.discover();
  open();
  expect(await call.result).toBe('done');
  await becomes(opened, 'plugin', { description: 'back', state: 'discovered', phase: 'idle', generation: 0 });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('an earlier search path shadows a later one, and what it shadowed comes back when it goes', async () => {
  const opened = await openSupervisor({}, ({ plugins, scratch }) => ({
    ...watching,
    searchPaths: [join(scratch, 'local'), plugins],
  }));
  const { supervisor } = opened;
  opened.write('plugin', { fixture: 'workbench', description: 'global' });
  await becomes(opened, 'plugin', { description: 'global' });
  const { pid } = await about(opened);
  const local = writeTo(opened, join(opened.scratch, 'local'), 'plugin', {
    fixture: 'workbench',
    description: 'local',
  });
  await becomes(opened, 'plugin', { description: 'local', manifestPath: local });
  expect(supervisor.problems()).toEqual([]);
  rmSync(local);
  await becomes(opened, 'plugin', { description: 'global', manifestPath: join(opened.plugins, 'plugin.json') });
  // Both start the same program, so that there was nothing to replace but its folder.
  await eventually(async () => expect((await about(opened)).pid).not.toBe(pid), { interval: 10 });
});

test('a half-written manifest is reported and changes nothing until it is complete', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', description: 'old' } }, watching);
  const { pid } = await about(opened);
  const file = join(opened.plugins, 'plugin.json');
  const complete = JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), description: 'new' });
  const reported = new Promise((resolve) => opened.supervisor.on('problem', resolve));
  writeFileSync(file, complete.slice(0, 40));
  expect(await reported).toMatchObject([{ file, severity: 'error', reason: expect.stringContaining('JSON') }]);
  expect(opened.snapshot('plugin').description).toBe('old');
  expect(await about(opened)).toMatchObject({ pid });
  writeFileSync(file, complete);
  await becomes(opened, 'plugin', { description: 'new' });
  await eventually(() => expect(opened.supervisor.problems()).toEqual([]), { interval: 5 });
  expect(await about(opened)).toMatchObject({ pid });
});

test('a burst of a hundred writes ends in the last content', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, watching);
  await about(opened);
  for (let write = 1; write <= 100; write += 1) {
    opened.write('plugin', { fixture: 'workbench', description: `${write}`, env_vars: { WRITE: `${write}` } });
    if (write % 10 === 0) await new Promise(setImmediate);
  }
  await becomes(opened, 'plugin', { description: '100' });
  const written = async (): Promise<unknown> =>
    (await opened.supervisor.execute<{ env: Record<string, string> }>('plugin', { do: 'world' })).env['WRITE'];
  await eventually(async () => expect(await written()).toBe('100'), { interval: 20 });
  // All but one or two of the versions in between were never started.
  expect(opened.snapshot('plugin').generation).toBeLessThan(20);
});

test('a search path that is deleted and made again is followed as before', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, watching);
  const text = readFileSync(join(opened.plugins, 'plugin.json'), 'utf8');
  const { pid } = await about(opened);
  rmSync(opened.plugins, { recursive: true });
  await gone([pid]);
  await eventually(() => expect(opened.supervisor.plugins()).toEqual([]), { interval: 5 });
  mkdirSync(opened.plugins);
  writeFileSync(join(opened.plugins, 'plugin.json'), text);
  await becomes(opened, 'plugin', { state: 'discovered' });
  opened.write('plugin', { fixture: 'workbench', description: 'followed' });
  await becomes(opened, 'plugin', { description: 'followed' });
});

test('a search path that appears later is found', async () => {
  const opened = await openSupervisor({}, ({ scratch }) => ({
    ...watching,
    searchPaths: [join(scratch, 'not', 'yet')],
  }));
  expect(opened.supervisor.plugins()).toEqual([]);
  writeTo(opened, join(opened.scratch, 'not', 'yet'), 'plugin', { fixture: 'workbench' });
  await becomes(opened, 'plugin', { state: 'discovered' });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
});
