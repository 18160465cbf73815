import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { PluginSnapshot } from '../../src/index.ts';
import { becomes, door, failure, lives, openSupervisor, startCall } from './greenroom.ts';
import { type About, SCHEMA, three } from './workbench.ts';

const names = (plugins: readonly PluginSnapshot[]): string[] => plugins.map(({ name }) => name);

/* ---- Discovery ---- */

test('plugins are listed by name, all or those of a category, a state, loaded or enabled', async () => {
  const { supervisor } = await openSupervisor(three);
  expect(names(supervisor.plugins())).toEqual(['plain', 'python', 'tools']);
  expect(names(supervisor.plugins({ category: 'models' }))).toEqual(['python']);
  expect(names(supervisor.plugins({ category: '' }))).toEqual(['plain']);
  expect(supervisor.plugins({ loaded: true })).toEqual([]);
  await supervisor.load('tools');
  supervisor.disable('plain');
  expect(names(supervisor.plugins({ loaded: true }))).toEqual(['tools']);
  expect(names(supervisor.plugins({ loaded: false }))).toEqual(['plain', 'python']);
  expect(names(supervisor.plugins({ state: 'ready' }))).toEqual(['tools']);
  expect(names(supervisor.plugins({ enabled: false }))).toEqual(['plain']);
  expect(supervisor.plugins({ category: 'models', loaded: true })).toEqual([]);
});

test('a plugin is told as plain frozen data', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const idle: PluginSnapshot = {
    name: 'plugin',
    version: '1.0.0',
    description: 'Does what each call says',
    category: 'tools',
    manifestPath: join(opened.plugins, 'plugin.json'),
    state: 'discovered',
    phase: 'idle',
    since: expect.any(Number),
    loaded: false,
    replacing: false,
    enabled: true,
    pid: undefined,
    instances: [],
    generation: 0,
    restarts: 0,
    inFlight: 0,
    waiting: 0,
    lastUsedAt: undefined,
    lastError: undefined,
    lastErrorAt: undefined,
  };
  expect(opened.snapshot('plugin')).toEqual(idle);
  const { pid } = await opened.supervisor.execute<About>('plugin', { do: 'about' });
  await becomes(opened, 'plugin', { state: 'ready' });
  const loaded = opened.snapshot('plugin');
  expect(loaded).toEqual({
    ...idle,
    state: 'ready',
    phase: 'ready',
    loaded: true,
    pid,
    instances: [{ generation: 1, state: 'ready', phase: 'ready', since: expect.any(Number), pid, inFlight: 0 }],
    generation: 1,
    lastUsedAt: expect.any(Number),
  });
  expect(structuredClone(loaded)).toEqual(loaded);
  expect(Object.isFrozen(loaded)).toBe(true);
  const whole = opened.supervisor.snapshot();
  expect(whole).toEqual({ state: 'running', plugins: [loaded] });
  expect([whole, whole.plugins].every(Object.isFrozen)).toBe(true);
});

test('the manifest in force is there to be read, with the fields that mean nothing here', async () => {
  const opened = await openSupervisor({
    plugin: { fixture: 'workbench', author: 'Ada', interface: 'transcription', mood: 1 },
  });
  const plugin = opened.supervisor.plugin('plugin');
  expect(plugin.name).toBe('plugin');
  expect(plugin.info).toMatchObject({ name: 'plugin', author: 'Ada', interface: 'transcription', mood: 1 });
  opened.write('plugin', { fixture: 'workbench', author: 'Grace' });
  await opened.supervisor.discover();
  expect(plugin.info).toMatchObject({ author: 'Grace' });
});

test('categories are listed once each, of all plugins or of those that are loaded', async () => {
  const { supervisor } = await openSupervisor({ ...three, second: { fixture: 'workbench' } });
  expect(supervisor.categories()).toEqual(['models', 'tools']);
  expect(supervisor.categories({ loaded: true })).toEqual([]);
  await supervisor.load('second');
  expect(supervisor.categories({ loaded: true })).toEqual(['tools']);
  expect(supervisor.categories({ loaded: false })).toEqual(['models', 'tools']);
});

test('discovery without a watcher finds what has come and resolves to it', async () => {
  const opened = await openSupervisor({ first: { fixture: 'bare' } });
  opened.write('second', { fixture: 'bare' });
  expect(names(opened.supervisor.plugins())).toEqual(['first']);
  expect(names(await opened.supervisor.discover())).toEqual(['first', 'second']);
});

/* ---- Config ---- */

test('a config is the given values over the defaults of the schema, and is replaced as a whole', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', config_schema: SCHEMA } });
  const { supervisor } = opened;
  expect(await supervisor.configSchema('plugin')).toEqual(SCHEMA);
  expect(await supervisor.config('plugin')).toEqual({ model: 'base', beams: 5 });
  expect(await failure(supervisor.updateConfig('plugin', {}))).toMatchObject({
    code: 'E_NOT_LOADED',
    plugin: 'plugin',
  });
  await supervisor.load('plugin', { config: { model: 'large' } });
  const { pid } = opened.snapshot('plugin');
  expect(await supervisor.config('plugin')).toEqual({ model: 'large', beams: 5 });
  await supervisor.updateConfig('plugin', { beams: 2 });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({
    pid,
    initialised: 2,
    config: { model: 'base', beams: 2 },
  });
  expect(await supervisor.configs()).toEqual({ plugin: { model: 'base', beams: 2 } });
});

test('loading what is loaded with another config updates it, with the same one does nothing', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', config_schema: SCHEMA } });
  const { supervisor } = opened;
  await supervisor.load('plugin', { config: { beams: 2 } });
  const { pid } = opened.snapshot('plugin');
  await supervisor.load('plugin', { config: { beams: 2, model: 'base' } });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid, initialised: 1 });
  await supervisor.load('plugin', { config: { beams: 3 } });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({
    pid,
    initialised: 2,
    config: { beams: 3 },
  });
});

test('a schema that stands in the plugin alone is told by its worker', async () => {
  const module = fileURLToPath(new URL('../fixtures/worker/schema.mjs', import.meta.url));
  const { supervisor } = await openSupervisor({ plugin: { worker: 'node', module } });
  expect(await supervisor.configSchema('plugin')).toBeNull();
  await failure(supervisor.load('plugin'));
  await supervisor.load('plugin', { config: { size: 3 } });
  expect(await supervisor.configSchema('plugin')).toMatchObject({ required: ['size'] });
  expect(await supervisor.execute('plugin')).toMatchObject({ size: 3 });
});

test('a config update of a released plugin counts when it comes back', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.load('plugin', { config: { a: 1 } });
  await supervisor.release('plugin');
  await supervisor.updateConfig('plugin', { a: 2 });
  expect(opened.snapshot('plugin').state).toBe('released');
  expect(await supervisor.config('plugin')).toEqual({ a: 2 });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ config: { a: 2 } });
});

/* ---- The end ---- */

test('a stop lets running calls end and refuses new ones, and every further stop is the same', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const { file, open } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const { pid = 0 } = opened.snapshot('plugin');
  const stopped = supervisor.stop();
  expect(supervisor.stop()).toBe(stopped);
  const error = await failure(supervisor.execute('plugin', {}));
  expect(error).toMatchObject({ code: 'E_STOPPING' });
  open();
  expect(await call.result).toBe('done');
  await stopped;
  await supervisor.stop();
  expect(lives(pid)).toBe(false);
  for (const refused of [supervisor.execute('plugin'), supervisor.load('plugin'), supervisor.discover()])
    expect(await failure(refused)).toMatchObject({ code: 'E_STOPPING', message: expect.stringContaining('Create') });
  expect(supervisor.plugins()).toEqual([]);
});

test('a stop with a limit does not wait for calls that do not end', async () => {
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench' } },
    { drainTimeoutMs: 600_000, stopTimeoutMs: 600_000 },
  );
  const call = startCall(opened, 'plugin', { do: 'deaf' });
  await call.running;
  await opened.supervisor.stop({ timeoutMs: 20 });
  expect(await failure(call.result)).toMatchObject({ code: 'E_STOPPING' });
});

test('a disposed supervisor is stopped', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { pid } = await opened.supervisor.execute<About>('plugin', { do: 'about' });
  await opened.supervisor[Symbol.asyncDispose]();
  expect(opened.supervisor.status().state).toBe('stopped');
  expect(lives(pid)).toBe(false);
});
