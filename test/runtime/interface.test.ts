import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, expectTypeOf, test, vi } from 'vitest';
import { GreenroomError, type PluginSnapshot, type SupervisorSnapshot, type TransitionEvent } from '../../src/index.ts';
import { all, becomes, door, failure, gone, lives, openRoom, startCall } from './greenroom.ts';

interface About {
  readonly pid: number;
  readonly initialised: number;
  readonly config: unknown;
}

const SCHEMA = {
  type: 'object',
  properties: { model: { type: 'string', default: 'base' }, beams: { type: 'integer', default: 5 } },
};

const three = {
  plain: { fixture: 'bare' },
  python: { fixture: 'workbench-python' },
  tools: { fixture: 'workbench' },
};

const names = (plugins: readonly PluginSnapshot[]): string[] => plugins.map(({ name }) => name);

/* ---- Discovery ---- */

test('plugins are listed by name, all or those of a category, a state, loaded or enabled', async () => {
  const { supervisor } = await openRoom(three);
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
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const idle: PluginSnapshot = {
    name: 'plugin',
    version: '1.0.0',
    description: 'Does what each call says',
    category: 'tools',
    manifestPath: join(room.plugins, 'plugin.json'),
    state: 'discovered',
    phase: 'idle',
    since: expect.any(Number),
    loaded: false,
    replacing: false,
    enabled: true,
    pid: undefined,
    generation: 0,
    restarts: 0,
    inFlight: 0,
    waiting: 0,
    lastUsedAt: undefined,
    lastError: undefined,
  };
  expect(room.snapshot('plugin')).toEqual(idle);
  const { pid } = await room.supervisor.execute<About>('plugin', { do: 'about' });
  await becomes(room, 'plugin', { state: 'ready' });
  const loaded = room.snapshot('plugin');
  expect(loaded).toEqual({
    ...idle,
    state: 'ready',
    phase: 'ready',
    loaded: true,
    pid,
    generation: 1,
    lastUsedAt: expect.any(Number),
  });
  expect(structuredClone(loaded)).toEqual(loaded);
  expect(Object.isFrozen(loaded)).toBe(true);
  const whole = room.supervisor.snapshot();
  expect(whole).toEqual({ state: 'running', plugins: [loaded] });
  expect([whole, whole.plugins].every(Object.isFrozen)).toBe(true);
});

test('the manifest in force is there to be read, with the fields that mean nothing here', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', author: 'Ada', interface: 'transcription', mood: 1 } });
  const plugin = room.supervisor.plugin('plugin');
  expect(plugin.name).toBe('plugin');
  expect(plugin.info).toMatchObject({ name: 'plugin', author: 'Ada', interface: 'transcription', mood: 1 });
  room.write('plugin', { fixture: 'workbench', author: 'Grace' });
  await room.supervisor.discover();
  expect(plugin.info).toMatchObject({ author: 'Grace' });
});

test('categories are listed once each, of all plugins or of those that are loaded', async () => {
  const { supervisor } = await openRoom({ ...three, second: { fixture: 'workbench' } });
  expect(supervisor.categories()).toEqual(['models', 'tools']);
  expect(supervisor.categories({ loaded: true })).toEqual([]);
  await supervisor.load('second');
  expect(supervisor.categories({ loaded: true })).toEqual(['tools']);
  expect(supervisor.categories({ loaded: false })).toEqual(['models', 'tools']);
});

test('discovery without a watcher finds what has come and resolves to it', async () => {
  const room = await openRoom({ first: { fixture: 'bare' } });
  room.write('second', { fixture: 'bare' });
  expect(names(room.supervisor.plugins())).toEqual(['first']);
  expect(names(await room.supervisor.discover())).toEqual(['first', 'second']);
});

/* ---- Loading ---- */

test('all enabled plugins are loaded with their configs, and each that fails has its error', async () => {
  const { supervisor } = await openRoom({
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
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  await supervisor.unload('plugin');
  expect(room.snapshot('plugin')).toMatchObject({ state: 'discovered', generation: 0 });
  const { pid } = await supervisor.execute<About>('plugin', { do: 'about' });
  await supervisor.unload('plugin');
  expect(lives(pid)).toBe(false);
  expect(room.snapshot('plugin')).toMatchObject({ state: 'discovered', phase: 'idle', loaded: false, pid: undefined });
  expect((await supervisor.execute<About>('plugin', { do: 'about' })).pid).not.toBe(pid);
});

test('unloading waits for the calls that run', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { file, open } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const unloaded = room.supervisor.unload('plugin');
  expect(room.snapshot('plugin')).toMatchObject({ state: 'busy', phase: 'draining', inFlight: 1 });
  open();
  expect(await call.result).toBe('done');
  await unloaded;
});

test('all plugins are unloaded, and only those that have something to unload are named', async () => {
  const { supervisor } = await openRoom(three);
  await Promise.all([supervisor.load('plain'), supervisor.load('tools')]);
  expect([...(await supervisor.unloadAll())]).toEqual([
    ['plain', { ok: true }],
    ['tools', { ok: true }],
  ]);
  expect(supervisor.status()).toMatchObject({ workers: 0, counts: { discovered: 3 } });
  expect((await supervisor.unloadAll()).size).toBe(0);
});

test('a reloaded plugin has another worker with the same config, or with the one that is given', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  await supervisor.load('plugin', { config: { a: 1 } });
  const first = room.snapshot('plugin').pid;
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
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  await room.supervisor.reload('plugin', { config: { a: 1 } });
  expect(room.snapshot('plugin')).toMatchObject({ state: 'ready', generation: 1 });
  expect(await room.supervisor.config('plugin')).toEqual({ a: 1 });
});

test('a reload that fails rejects, and the former worker goes on with its config', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  await supervisor.load('plugin', { config: { a: 1 } });
  const { pid } = room.snapshot('plugin');
  const error = await failure(supervisor.reload('plugin', { config: { refuse: 'huge' } }));
  expect(error).toMatchObject({ code: 'E_REMOTE', plugin: 'plugin', message: expect.stringContaining('huge') });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid, config: { a: 1 } });
  expect(room.snapshot('plugin')).toMatchObject({ pid, lastError: { code: 'E_REMOTE' } });
  await supervisor.reload('plugin');
  expect(await supervisor.config('plugin')).toEqual({ a: 1 });
});

test('with explicit loading a call does not load', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'bare' } }, { load: 'explicit' });
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
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  const { file, open } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const { pid } = room.snapshot('plugin');
  const waiting = supervisor.execute('plugin', {});
  supervisor.disable('plugin');
  for (const refused of [waiting, supervisor.execute('plugin', {}), supervisor.load('plugin')]) {
    const error = await failure(refused);
    expect(error).toMatchObject({ code: 'E_DISABLED', plugin: 'plugin', message: expect.stringContaining('enable(') });
  }
  open();
  expect(await call.result).toBe('done');
  expect(room.snapshot('plugin')).toMatchObject({ enabled: false, pid, loaded: true });
  supervisor.enable('plugin');
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid });
});

test('a disabled plugin is not started by load', async () => {
  const room = await openRoom({ plugin: { fixture: 'bare' } });
  room.supervisor.disable('plugin');
  expect((await failure(room.supervisor.load('plugin'))).code).toBe('E_DISABLED');
  expect(room.transitions).toEqual([]);
});

test('a plugin that can release gives up what it holds and keeps its worker, which the next call finds', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  await supervisor.release('plugin');
  expect(room.transitions).toEqual([]);
  await supervisor.load('plugin', { config: { a: 1 } });
  const { pid } = room.snapshot('plugin');
  await supervisor.release('plugin');
  expect(room.snapshot('plugin')).toMatchObject({ state: 'released', phase: 'warm', loaded: true, pid });
  expect(await supervisor.config('plugin')).toEqual({ a: 1 });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ pid, released: 1, config: { a: 1 } });
});

test('a plugin that cannot release has its worker stopped, and the next call starts one with its config', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench-python' } });
  const { supervisor } = room;
  await supervisor.load('plugin', { config: { a: 1 } });
  const { pid = 0 } = room.snapshot('plugin');
  await supervisor.release('plugin');
  expect(lives(pid)).toBe(false);
  expect(room.snapshot('plugin')).toMatchObject({ state: 'released', phase: 'cold', loaded: true, pid: undefined });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ config: { a: 1 } });
});

test('a release waits for the calls that run, and is given up when they do not end within the drain timeout', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', drain_timeout_ms: 50 } });
  const { file, open } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  expect(await failure(room.supervisor.release('plugin'))).toMatchObject({ code: 'E_TIMEOUT', plugin: 'plugin' });
  open();
  expect(await call.result).toBe('done');
});

/* ---- Config ---- */

test('a config is the given values over the defaults of the schema, and is replaced as a whole', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', config_schema: SCHEMA } });
  const { supervisor } = room;
  expect(await supervisor.configSchema('plugin')).toEqual(SCHEMA);
  expect(await supervisor.config('plugin')).toEqual({ model: 'base', beams: 5 });
  expect(await failure(supervisor.updateConfig('plugin', {}))).toMatchObject({
    code: 'E_NOT_LOADED',
    plugin: 'plugin',
  });
  await supervisor.load('plugin', { config: { model: 'large' } });
  const { pid } = room.snapshot('plugin');
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
  const room = await openRoom({ plugin: { fixture: 'workbench', config_schema: SCHEMA } });
  const { supervisor } = room;
  await supervisor.load('plugin', { config: { beams: 2 } });
  const { pid } = room.snapshot('plugin');
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
  const { supervisor } = await openRoom({ plugin: { worker: 'node', module } });
  expect(await supervisor.configSchema('plugin')).toBeNull();
  await failure(supervisor.load('plugin'));
  await supervisor.load('plugin', { config: { size: 3 } });
  expect(await supervisor.configSchema('plugin')).toMatchObject({ required: ['size'] });
  expect(await supervisor.execute('plugin')).toMatchObject({ size: 3 });
});

test('a config update of a released plugin counts when it comes back', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  await supervisor.load('plugin', { config: { a: 1 } });
  await supervisor.release('plugin');
  await supervisor.updateConfig('plugin', { a: 2 });
  expect(room.snapshot('plugin').state).toBe('released');
  expect(await supervisor.config('plugin')).toEqual({ a: 2 });
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ config: { a: 2 } });
});

/* ---- Looking ---- */

test.each(['workbench', 'workbench-python'])('the figures of a %s worker are those of its tree', async (fixture) => {
  const room = await openRoom({ plugin: { fixture } });
  const { supervisor } = room;
  expect(await failure(supervisor.stats('plugin'))).toMatchObject({ code: 'E_NOT_LOADED', plugin: 'plugin' });
  await supervisor.load('plugin');
  const alone = await supervisor.stats('plugin');
  expect(alone).toEqual({
    pid: room.snapshot('plugin').pid,
    cpuPercent: expect.any(Number),
    memoryRssMb: expect.any(Number),
    processes: 1,
    uptimeMs: expect.any(Number),
  });
  expect(alone.memoryRssMb).toBeGreaterThan(5);
  await supervisor.execute('plugin', { do: 'child' });
  expect(await supervisor.stats('plugin')).toMatchObject({ pid: alone.pid, processes: 2 });
});

test('the log of a plugin is what its workers printed, the last lines of it, and when they began and ended', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' }, silent: { fixture: 'workbench' } });
  const say = (text: string): Promise<unknown> => supervisor.execute('plugin', { do: 'say', text });
  await say('one');
  await say('two');
  await supervisor.unload('plugin');
  await say('three');
  await supervisor.unload('plugin');
  const [started, ended] = ['worker started: plugin', 'worker ended'];
  expect(await supervisor.logs('plugin')).toBe([started, 'one', 'two', ended, started, 'three', ended].join('\n'));
  expect(await supervisor.logs('plugin', { lines: 2 })).toBe(`three\n${ended}`);
  expect(await supervisor.logs('silent')).toBe('');
});

test('a log that is followed goes on until the loop is left, or the signal aborted', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' } });
  const say = (text: string): Promise<unknown> => supervisor.execute('plugin', { do: 'say', text });
  await say('one');
  const seen: string[] = [];
  for await (const line of supervisor.logs('plugin', { follow: true })) {
    seen.push(line);
    if (line === 'one') await say('two');
    if (line === 'two') break;
  }
  expect(seen).toEqual(['worker started: plugin', 'one', 'two']);
  const controller = new AbortController();
  const rest: string[] = [];
  for await (const line of supervisor.logs('plugin', { follow: true, lines: 1, signal: controller.signal })) {
    rest.push(line);
    if (line === 'two') await say('three');
    if (line === 'three') controller.abort();
  }
  expect(rest).toEqual(['two', 'three']);
});

test('a log that is followed ends, with all that was printed, when the supervisor has stopped', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' } });
  await supervisor.load('plugin');
  const lines = supervisor.logs('plugin', { follow: true })[Symbol.asyncIterator]();
  expect(await lines.next()).toEqual({ value: 'worker started: plugin', done: false });
  const rest = [lines.next(), lines.next()];
  await supervisor.stop();
  await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain('FSEventWrap'), { interval: 5 });
  expect(await Promise.all(rest)).toEqual([
    { value: 'worker ended', done: false },
    { value: undefined, done: true },
  ]);
});

test('free memory is told by the built-in monitor, an object, or a plugin', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' } });
  expect(supervisor.status().monitor).toBe('built-in');
  const builtIn = await supervisor.systemStats();
  expect(builtIn.memoryTotalMb).toBeGreaterThan(0);
  const figures = {
    memoryTotalMb: 2,
    memoryAvailableMb: 1,
    gpuTotalMb: undefined,
    gpuFreeMb: undefined,
    gpus: [],
  };
  await supervisor.registerSystemMonitor({ read: () => Promise.resolve(figures) });
  expect(supervisor.status().monitor).toBe('custom');
  expect(await supervisor.systemStats()).toEqual(figures);
  await supervisor.registerSystemMonitor('plugin');
  expect(names(supervisor.plugins({ state: 'ready' }))).toEqual(['plugin']);
  expect(supervisor.status().monitor).toBe('plugin');
  expect(await supervisor.systemStats()).toEqual({
    memoryTotalMb: 1_000,
    memoryAvailableMb: 500,
    gpuTotalMb: 80,
    gpuFreeMb: 40,
    gpus: [],
  });
  expect((await failure(supervisor.registerSystemMonitor('plugging'))).code).toBe('E_UNKNOWN_PLUGIN');
  expect(supervisor.status().monitor).toBe('plugin');
});

test('the status says how the supervisor stands and what holds on this machine', async () => {
  const room = await openRoom(three, { transport: 'tcp' });
  await room.supervisor.load('tools');
  const status = room.supervisor.status();
  expect(status).toEqual({
    state: 'running',
    policy: 'permissive',
    scheduling: {
      policy: 'permissive',
      order: 'lru',
      capacity: {},
      reserved: { vramMb: 0, ramMb: 0, slots: 1 },
      waiting: 0,
      evicting: 0,
      granted: 1,
      refused: 0,
      evicted: 0,
    },
    transport: 'tcp',
    dataDir: room.dataDir,
    searchPaths: [room.plugins],
    orphanProtection: {
      tier: expect.stringMatching(/^(cgroup|mark|group|lifeline)$/),
      promise: expect.stringContaining('.'),
    },
    monitor: 'built-in',
    counts: { discovered: 2, spawning: 0, ready: 1, busy: 0, released: 0, crashed: 0 },
    workers: 1,
  });
  expect(Object.isFrozen(status)).toBe(true);
  await room.supervisor.stop();
  expect(room.supervisor.status()).toMatchObject({ state: 'stopped', workers: 0, counts: { discovered: 0 } });
});

test('every transition is told in order, with what led to it, until one stops listening', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' } });
  const told: TransitionEvent[] = [];
  const off = supervisor.on('transition', (transition) => told.push(transition));
  await supervisor.load('plugin');
  await supervisor.unload('plugin');
  expect(told.map(({ from, to, phase }) => `${from} -> ${to}.${phase}`)).toEqual([
    'discovered -> spawning.admitting',
    'spawning -> spawning.launching',
    'spawning -> spawning.initializing',
    'spawning -> ready.ready',
    'ready -> discovered.stopping',
    'discovered -> discovered.idle',
  ]);
  expect(told[0]).toEqual({
    plugin: 'plugin',
    from: 'discovered',
    to: 'spawning',
    phase: 'admitting',
    event: 'LOAD',
    at: expect.any(Number),
    reason: undefined,
  });
  expect(told.every(Object.isFrozen)).toBe(true);
  expect(told.map(({ at }) => at)).toEqual(told.map(({ at }) => at).toSorted((a, b) => a - b));
  off();
  await supervisor.load('plugin');
  expect(told).toHaveLength(6);
});

test('an event that is not there is refused with those that are', async () => {
  const { supervisor } = await openRoom({});
  const on = supervisor.on.bind(supervisor) as (event: string, listener: () => void) => () => void;
  expect(() => on('transitions', () => {})).toThrow(GreenroomError);
  expect(() => on('transitions', () => {})).toThrow('transition, problem');
});

test('listeners that throw change nothing for the plugins or for each other', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  let armed = false;
  const bug = (): void => {
    if (armed) throw new Error('a bug of the host');
  };
  supervisor.on('transition', bug);
  supervisor.plugin('plugin').subscribe(bug);
  supervisor.subscribe(bug);
  const states: string[] = [];
  supervisor.on('transition', ({ to }) => states.push(to));
  armed = true;
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
  await becomes(room, 'plugin', { state: 'ready' });
  expect(states).toEqual(['spawning', 'spawning', 'spawning', 'ready', 'busy', 'ready']);
});

test('a subscriber is given everything at once and after every change, until it stops', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  const seen: SupervisorSnapshot[] = [];
  const last = (): PluginSnapshot | undefined => seen.at(-1)?.plugins.at(-1);
  const off = supervisor.subscribe((snapshot) => seen.push(snapshot));
  expect(seen).toEqual([supervisor.snapshot()]);
  const told = (expected: Partial<PluginSnapshot>): Promise<void> =>
    new Promise((resolve) => {
      const stop = supervisor.subscribe(() => {
        const plugin = last();
        if (!Object.entries(expected).every(([key, value]) => plugin?.[key as keyof PluginSnapshot] === value)) return;
        resolve();
        setImmediate(() => stop());
      });
    });
  const ready = told({ state: 'ready' });
  await supervisor.load('plugin');
  await ready;
  const first = last()?.pid;
  await supervisor.reload('plugin');
  const { pid } = room.snapshot('plugin');
  expect(pid).not.toBe(first);
  await told({ pid });
  const disabled = told({ enabled: false });
  supervisor.disable('plugin');
  await disabled;
  room.write('second', { fixture: 'bare' });
  const added = told({ name: 'second' });
  await supervisor.discover();
  await added;
  off();
  const { length } = seen;
  await supervisor.unload('plugin');
  await new Promise(setImmediate);
  expect(seen).toHaveLength(length);
});

test('a subscriber of one plugin sees every state of that one', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' }, other: { fixture: 'workbench' } });
  const seen: PluginSnapshot[] = [];
  const off = supervisor.plugin('plugin').subscribe((plugin) => seen.push(plugin));
  await Promise.all([supervisor.load('plugin'), supervisor.load('other')]);
  expect(seen.map(({ name, state, phase }) => `${name} ${state}.${phase}`)).toEqual([
    'plugin spawning.admitting',
    'plugin spawning.launching',
    'plugin spawning.initializing',
    'plugin ready.ready',
  ]);
  expect(seen.every(Object.isFrozen)).toBe(true);
  expect(seen.at(-1)?.pid).toBe(supervisor.plugin('plugin').snapshot().pid);
  off();
  await supervisor.unload('plugin');
  expect(seen).toHaveLength(4);
});

test('a call is typed by its input, its output and its chunks', async () => {
  const { supervisor } = await openRoom({ plugin: { fixture: 'workbench' } });
  const about = await supervisor.execute<About>('plugin', { do: 'about' });
  expectTypeOf(about).toEqualTypeOf<About>();
  const chunks = await all(supervisor.stream<{ index: number }>('plugin', { count: 2 }));
  expectTypeOf(chunks).toEqualTypeOf<{ index: number }[]>();
  expect(chunks.map(({ index }) => index)).toEqual([0, 1]);
});

/* ---- The end ---- */

test('a stop lets running calls end and refuses new ones, and every further stop is the same', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  const { file, open } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, value: 'done' });
  await call.running;
  const { pid = 0 } = room.snapshot('plugin');
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
  const room = await openRoom(
    { plugin: { fixture: 'workbench' } },
    { drainTimeoutMs: 600_000, stopTimeoutMs: 600_000 },
  );
  const call = startCall(room, 'plugin', { do: 'deaf' });
  await call.running;
  await room.supervisor.stop({ timeoutMs: 20 });
  expect(await failure(call.result)).toMatchObject({ code: 'E_STOPPING' });
});

test('a disposed supervisor is stopped', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { pid } = await room.supervisor.execute<About>('plugin', { do: 'about' });
  await room.supervisor[Symbol.asyncDispose]();
  expect(room.supervisor.status().state).toBe('stopped');
  expect(lives(pid)).toBe(false);
});
