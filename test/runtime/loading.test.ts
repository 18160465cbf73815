import { expect, test } from 'vitest';
import type { PluginSnapshot } from '../../src/index.ts';
import { door, failure, gone, lives, openSupervisor, startCall } from './greenroom.ts';
import { type About, SCHEMA, three } from './workbench.ts';

const names = (plugins: readonly PluginSnapshot[]): string[] => plugins.map(({ name }) => name);

test('all enabled plugins are loaded with their configs, and each that fails has its error', async () => {
  const { supervisor } = await openSupervisor({
    ...three,
    broken: { fixture: 'bare', args: ['bare.mjs', 'exits'] },
    wrong: { fixture: 'bare', config_schema: SCHEMA },
    disabled: { fixture: 'bare' },
  });
  supervisor.disable('disabled');
  const outcomes = await supervisor.loadAll({ tools: { a: 1 }, wrong: { beams: 'many' } });
  expect([...outcomes.keys()].toSorted()).toEqual(['broken', 'plain', 'python', 'tools', 'wrong']);
  for (const name of ['plain', 'python', 'tools']) expect(outcomes.get(name)).toEqual({ ok: true });
  expect(outcomes.get('broken')).toMatchObject({ ok: false, error: { code: 'E_START', plugin: 'broken' } });
  expect(outcomes.get('wrong')).toMatchObject({ ok: false, error: { code: 'E_CONFIG', plugin: 'wrong' } });
  expect(names(supervisor.plugins({ loaded: true }))).toEqual(['plain', 'python', 'tools']);
  expect(await supervisor.configs()).toMatchObject({ tools: { a: 1 } });
});

test('an unloaded plugin has no worker, and its next call starts one', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.unload('plugin');
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'discovered', generation: 0 });
  const { pid } = await supervisor.execute<About>('plugin', { do: 'about' });
  await supervisor.unload('plugin');
  expect(lives(pid)).toBe(false);
  expect(opened.snapshot('plugin')).toMatchObject({
    state: 'discovered',
    phase: 'idle',
    loaded: false,
    pid: undefined,
  });
  expect((await supervisor.execute<About>('plugin', { do: 'about' })).pid).not.toBe(pid);
});

test('unloading waits for the calls that run', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file, open } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const unloaded = opened.supervisor.unload('plugin');
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'busy', phase: 'draining', inFlight: 1 });
  open();
  expect(await call.result).toBe('done');
  await unloaded;
});

test('all plugins are unloaded, and only those that have something to unload are named', async () => {
  const { supervisor } = await openSupervisor(three);
  await Promise.all([supervisor.load('plain'), supervisor.load('tools')]);
  expect([...(await supervisor.unloadAll())]).toEqual([
    ['plain', { ok: true }],
    ['tools', { ok: true }],
  ]);
  expect(supervisor.status()).toMatchObject({ workers: 0, counts: { discovered: 3 } });
  expect((await supervisor.unloadAll()).size).toBe(0);
});

test('a reloaded plugin has another worker with the same config, or with the one that is given', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.load('plugin', { config: { a: 1 } });
  const first = opened.snapshot('plugin').pid;
  await supervisor.reload('plugin');
  const second = await supervisor.execute<About>('plugin', { do: 'about' });
  expect(second).toMatchObject({ config: { a: 1 }, initialised: 1 });
  expect(second.pid).not.toBe(first);
  await supervisor.reload('plugin', { config: { b: 2 } });
  const third = await supervisor.execute<About>('plugin', { do: 'about' });
  expect(third.config).toEqual({ b: 2 });
  expect(third.pid).not.toBe(second.pid);
  await gone([first ?? 0, second.pid]);
});

test('a reload of a plugin that is not loaded loads it', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  await opened.supervisor.reload('plugin', { config: { a: 1 } });
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'ready', generation: 1 });
  expect(await opened.supervisor.config('plugin')).toEqual({ a: 1 });
});

test('a reload that fails rejects, and the former worker goes on with its config', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.load('plugin', { config: { a: 1 } });
  const { pid } = opened.snapshot('plugin');
  const error = await failure(supervisor.reload('plugin', { config: { refuse: 'huge' } }));
  expect(error).toMatchObject({ code: 'E_REMOTE', plugin: 'plugin', message: expect.stringContaining('huge') });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid, config: { a: 1 } });
  expect(opened.snapshot('plugin')).toMatchObject({ pid, lastError: { code: 'E_REMOTE' } });
  await supervisor.reload('plugin');
  expect(await supervisor.config('plugin')).toEqual({ a: 1 });
});

test('with explicit loading a call does not load', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'bare' } }, { load: 'explicit' });
  const error = await failure(supervisor.execute('plugin'));
  expect(error).toMatchObject({
    code: 'E_NOT_LOADED',
    plugin: 'plugin',
    message: expect.stringContaining('load("plug'),
  });
  expect(() => supervisor.stream('plugin')).toThrow('Load it first');
  await supervisor.load('plugin');
  await supervisor.execute('plugin');
});

test('a disabled plugin refuses calls, lets the running one end and keeps its worker', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const { file, open } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const { pid } = opened.snapshot('plugin');
  const waiting = supervisor.execute('plugin', {});
  supervisor.disable('plugin');
  for (const refused of [waiting, supervisor.execute('plugin', {}), supervisor.load('plugin')]) {
    const error = await failure(refused);
    expect(error).toMatchObject({ code: 'E_DISABLED', plugin: 'plugin', message: expect.stringContaining('enable(') });
  }
  open();
  expect(await call.result).toBe('done');
  expect(opened.snapshot('plugin')).toMatchObject({ enabled: false, pid, loaded: true });
  supervisor.enable('plugin');
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid });
});

test('a disabled plugin is not started by load', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
  opened.supervisor.disable('plugin');
  expect((await failure(opened.supervisor.load('plugin'))).code).toBe('E_DISABLED');
  expect(opened.transitions).toEqual([]);
});

test('a plugin that can release gives up what it holds and keeps its worker, which the next call finds', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.release('plugin');
  expect(opened.transitions).toEqual([]);
  await supervisor.load('plugin', { config: { a: 1 } });
  const { pid } = opened.snapshot('plugin');
  await supervisor.release('plugin');
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'released', phase: 'warm', loaded: true, pid });
  expect(await supervisor.config('plugin')).toEqual({ a: 1 });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid, released: 1, config: { a: 1 } });
});

test('a plugin that cannot release has its worker stopped, and the next call starts one with its config', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench-python' } });
  const { supervisor } = opened;
  await supervisor.load('plugin', { config: { a: 1 } });
  const { pid = 0 } = opened.snapshot('plugin');
  await supervisor.release('plugin');
  expect(lives(pid)).toBe(false);
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'released', phase: 'cold', loaded: true, pid: undefined });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ config: { a: 1 } });
});

test('a release waits for the calls that run, and is given up when they do not end within the drain timeout', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', drain_timeout_ms: 50 } });
  const { file, open } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  expect(await failure(opened.supervisor.release('plugin'))).toMatchObject({ code: 'E_TIMEOUT', plugin: 'plugin' });
  open();
  expect(await call.result).toBe('done');
});
