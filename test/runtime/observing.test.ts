import { expect, expectTypeOf, test } from 'vitest';
import { GreenroomError, type PluginSnapshot, type SupervisorSnapshot, type TransitionEvent } from '../../src/index.ts';
import { eventually, eventuallyTrue } from '../eventually.ts';
import { all, failure, openSupervisor } from './greenroom.ts';
import { type About, three } from './workbench.ts';

const names = (plugins: readonly PluginSnapshot[]): string[] => plugins.map(({ name }) => name);

test.each(['workbench', 'workbench-python'])('the figures of a %s worker are those of its tree', async (fixture) => {
  const opened = await openSupervisor({ plugin: { fixture } });
  const { supervisor } = opened;
  expect(await failure(supervisor.stats('plugin'))).toMatchObject({ code: 'E_NOT_LOADED', plugin: 'plugin' });
  await supervisor.load('plugin');
  const alone = await supervisor.stats('plugin');
  const figures = {
    pid: opened.snapshot('plugin').pid,
    cpuPercent: expect.any(Number),
    memoryRssMb: expect.any(Number),
    processes: 1,
    uptimeMs: expect.any(Number),
  };
  expect(alone).toEqual({ ...figures, instances: [{ generation: 1, ...figures }] });
  expect(alone.memoryRssMb).toBeGreaterThan(5);
  await supervisor.execute('plugin', { do: 'child' });
  expect(await supervisor.stats('plugin')).toMatchObject({ pid: alone.pid, processes: 2 });
});

test('the figures of several instances are their sums, and those of each', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', instances: 2 } });
  const { supervisor } = opened;
  await supervisor.load('plugin');
  await eventuallyTrue(() => opened.snapshot('plugin').instances.filter(({ state }) => state === 'ready').length === 2);
  // The least loaded one: the child is of one of them.
  await supervisor.execute('plugin', { do: 'child' });
  const { instances, ...sum } = await supervisor.stats('plugin');
  expect(instances.map(({ generation, pid }) => ({ generation, pid }))).toEqual(
    opened.snapshot('plugin').instances.map(({ generation, pid }) => ({ generation, pid })),
  );
  expect(instances.map(({ processes }) => processes ?? 0).toSorted((a, b) => a - b)).toEqual([1, 2]);
  expect(sum).toMatchObject({ pid: instances[0]?.pid, uptimeMs: instances[0]?.uptimeMs, processes: 3 });
  const [one, other] = instances.map(({ memoryRssMb }) => memoryRssMb ?? 0) as [number, number];
  expect(sum.memoryRssMb).toBeCloseTo(one + other, 1);
});

test('the log of a plugin is what its workers printed, the last lines of it, and when they began and ended', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' }, silent: { fixture: 'workbench' } });
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

test('the log tells that a worker has started before it tells that it has ended, however soon that is', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const loaded = failure(opened.supervisor.load('plugin'));
  await eventuallyTrue(() => opened.snapshot('plugin').pid !== undefined, { interval: 1 });
  await opened.supervisor.unload('plugin');
  await loaded;
  const lines = async (): Promise<string[]> => (await opened.supervisor.logs('plugin')).split('\n');
  await eventuallyTrue(async () => (await lines()).length === 2);
  expect(await lines()).toEqual(['worker started: plugin', expect.stringMatching(/^worker ended/)]);
});

test('the log of several instances says of which worker each line is, and tears none', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', instances: 2 } });
  const { supervisor } = opened;
  await supervisor.load('plugin');
  await eventuallyTrue(() => opened.snapshot('plugin').instances.filter(({ state }) => state === 'ready').length === 2);
  // Longer than a pipe holds, so that both write while the other's lines are half read.
  const printed = [1, 2].map(() => supervisor.execute('plugin', { do: 'print', bytes: 300_000 }));
  await Promise.all(printed);
  const followed: string[] = [];
  for await (const line of supervisor.logs('plugin', { follow: true, lines: Infinity })) {
    if (line.endsWith('x')) followed.push(line);
    if (followed.length === 600) break;
  }
  for (const number of [1, 2]) {
    expect(followed.filter((line) => line === `#${number} ${'x'.repeat(999)}`)).toHaveLength(300);
  }
  expect(await supervisor.logs('plugin', { lines: 1 })).toMatch(/^#[12] x+$/);
});

test('a log that is followed goes on until the loop is left, or the signal aborted', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
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
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  await supervisor.load('plugin');
  const lines = supervisor.logs('plugin', { follow: true })[Symbol.asyncIterator]();
  expect(await lines.next()).toEqual({ value: 'worker started: plugin', done: false });
  const rest = [lines.next(), lines.next()];
  await supervisor.stop();
  await eventually(() => expect(process.getActiveResourcesInfo()).not.toContain('FSEventWrap'), { interval: 5 });
  expect(await Promise.all(rest)).toEqual([
    { value: 'worker ended', done: false },
    { value: undefined, done: true },
  ]);
});

test('free memory is told by the built-in monitor, an object, or a plugin', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
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

test('a plugin that may have several instances is refused as the monitor, and says how to change it', async () => {
  const { supervisor, write } = await openSupervisor({ plugin: { fixture: 'workbench', instances: { max: 4 } } });
  const file = write('plugin', { fixture: 'workbench', instances: { max: 4 } });
  const error = await failure(supervisor.registerSystemMonitor('plugin'));
  expect(error).toMatchObject({ code: 'E_OPTIONS', plugin: 'plugin' });
  expect(error.message).toBe(
    `"plugin" cannot be the system monitor: it may have 4 instances, and a monitor has one. Remove "instances" from ${file}, then call registerSystemMonitor("plugin").`,
  );
  expect(supervisor.status().monitor).toBe('built-in');
  write('plugin', { fixture: 'workbench' });
  await supervisor.discover();
  await supervisor.registerSystemMonitor('plugin');
  // One that gets several later keeps one, and can be registered again.
  write('plugin', { fixture: 'workbench', instances: { max: 4 } });
  await supervisor.discover();
  await supervisor.registerSystemMonitor('plugin');
  expect(supervisor.status().monitor).toBe('plugin');
});

test('more instances than the capacity holds are a problem of which the plugin is not kept from running', async () => {
  const { supervisor, write } = await openSupervisor(
    { plugin: { fixture: 'workbench', instances: 3 } },
    { capacity: { slots: 2 } },
  );
  const file = write('plugin', { fixture: 'workbench', instances: 3 });
  const reason = '3 instances need 3 slots, the capacity is 2: at most 2 fit; lower it, or raise the capacity';
  expect(supervisor.problems()).toEqual([{ file, field: 'instances', reason, severity: 'warning' }]);
  await supervisor.load('plugin');
  write('plugin', { fixture: 'workbench', instances: 2 });
  await supervisor.discover();
  expect(supervisor.problems()).toEqual([]);
});

test('the status says how the supervisor stands and what holds on this machine', async () => {
  const opened = await openSupervisor(three, { transport: 'tcp' });
  await opened.supervisor.load('tools');
  const status = opened.supervisor.status();
  expect(status).toEqual({
    state: 'running',
    policy: 'permissive',
    scheduling: {
      policy: 'permissive',
      order: 'lru',
      capacity: {},
      reserved: { vramMb: 0, ramMb: 0, slots: 1 },
      holders: [
        {
          plugin: 'tools',
          generation: 1,
          standing: 'idle',
          leaving: false,
          since: expect.closeTo(Date.now(), -6),
          holds: { vramMb: 0, ramMb: 0, slots: 1 },
          uses: undefined,
        },
      ],
      waiting: 0,
      evicting: 0,
      granted: 1,
      refused: 0,
      evicted: 0,
    },
    transport: 'tcp',
    dataDir: opened.dataDir,
    searchPaths: [opened.plugins],
    orphanProtection: {
      tier: expect.stringMatching(/^(cgroup|mark|group|lifeline)$/),
      promise: expect.stringContaining('.'),
    },
    monitor: 'built-in',
    counts: { discovered: 2, spawning: 0, ready: 1, busy: 0, released: 0, crashed: 0 },
    workers: 1,
  });
  expect([status, status.orphanProtection].every(Object.isFrozen)).toBe(true);
  await opened.supervisor.stop();
  expect(opened.supervisor.status()).toMatchObject({ state: 'stopped', workers: 0, counts: { discovered: 0 } });
});

test('every transition is told in order, with what led to it, until one stops listening', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
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
  const { supervisor } = await openSupervisor({});
  const on = supervisor.on.bind(supervisor) as (event: string, listener: () => void) => () => void;
  expect(() => on('transitions', () => {})).toThrow(GreenroomError);
  expect(() => on('transitions', () => {})).toThrow('transition, instance, problem');
});

test('listeners that throw change nothing for the plugins or for each other', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
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
  // The last one is told a little later than the snapshot shows it.
  await eventually(() => expect(states).toEqual(['spawning', 'spawning', 'spawning', 'ready', 'busy', 'ready']));
});

test('a subscriber is given everything at once and after every change, until it stops', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
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
  const { pid } = opened.snapshot('plugin');
  expect(pid).not.toBe(first);
  await told({ pid });
  const disabled = told({ enabled: false });
  supervisor.disable('plugin');
  await disabled;
  opened.write('second', { fixture: 'bare' });
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
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' }, other: { fixture: 'workbench' } });
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
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const about = await supervisor.execute<About>('plugin', { do: 'about' });
  expectTypeOf(about).toEqualTypeOf<About>();
  const chunks = await all(supervisor.stream<{ index: number }>('plugin', { count: 2 }));
  expectTypeOf(chunks).toEqualTypeOf<{ index: number }[]>();
  expect(chunks.map(({ index }) => index)).toEqual([0, 1]);
});

test('a call that has just begun, or has just ended, shows at once in everything that can be read', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  await supervisor.load('plugin');
  const readings = () => ({
    snapshot: supervisor.plugin('plugin').snapshot().state,
    busy: supervisor.plugins({ state: 'busy' }).length,
    counts: supervisor.status().counts,
    explained: supervisor.explain('plugin').state,
    standing: supervisor.explain('plugin').holdings[0]?.standing,
  });
  // Told of already, what is left of the load.
  readings();
  const controller = new AbortController();
  const call = failure(supervisor.execute('plugin', { do: 'wait' }, { signal: controller.signal }));
  expect(readings()).toMatchObject({
    snapshot: 'busy',
    busy: 1,
    counts: { busy: 1, ready: 0 },
    explained: 'busy',
    standing: 'busy',
  });
  controller.abort();
  await call;
  await supervisor.execute('plugin', { value: 1 });
  expect(readings()).toMatchObject({
    snapshot: 'ready',
    busy: 0,
    counts: { busy: 0, ready: 1 },
    explained: 'ready',
    standing: 'idle',
  });
});
