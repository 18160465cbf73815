import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { InstanceEvent } from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import {
  becomes,
  door,
  failure,
  lives,
  type ManifestOf,
  type OpenedSupervisor,
  openSupervisor,
  startCall,
} from './greenroom.ts';
import type { About } from './workbench.ts';

const pool = (instances: unknown, more: ManifestOf = {}): { plugin: ManifestOf } => ({
  plugin: { fixture: 'workbench', instances, ...more },
});

/** So many calls that wait for a door, each at an instance of its own once all run. */
function hold(
  opened: OpenedSupervisor,
  count: number,
): { open(): void; results: Promise<unknown[]>; running: Promise<unknown> } {
  const gate = door(opened, `door-${Math.random()}`);
  const calls = Array.from({ length: count }, () => startCall(opened, 'plugin', { do: 'wait', for: gate.file }));
  return {
    open: () => gate.open(),
    results: Promise.all(calls.map(({ result }) => result)),
    running: Promise.all(calls.map(({ running }) => running)),
  };
}

/** Grows a plugin to so many instances, all at rest. */
async function grown(
  count: number,
  more: ManifestOf = {},
  instances: unknown = { max: count },
): Promise<OpenedSupervisor> {
  const opened = await openSupervisor(pool(instances, more));
  const held = hold(opened, count);
  await held.running;
  held.open();
  await held.results;
  await becomes(opened, 'plugin', { state: 'ready', inFlight: 0 });
  return opened;
}

const pidsOf = (opened: OpenedSupervisor): (number | undefined)[] =>
  opened.snapshot('plugin').instances.map(({ pid }) => pid);

/** Asks each instance about itself: as many calls at once as there are. */
async function about(opened: OpenedSupervisor): Promise<About[]> {
  const asked = opened
    .snapshot('plugin')
    .instances.map(() => opened.supervisor.execute<About>('plugin', { do: 'about' }));
  return Promise.all(asked);
}

describe.each(['workbench', 'workbench-python'])('a plugin of %s with several instances', (fixture) => {
  test('runs as many calls at once as it may have instances, each in a process of its own', async () => {
    const opened = await openSupervisor({ plugin: { fixture, instances: { max: 3 } } });
    const stop = door(opened);
    const calls = [1, 2, 3].map(() => startCall(opened, 'plugin', { do: 'spin', for: stop.file }));
    await Promise.all(calls.map(({ running }) => running));
    const { state, inFlight, waiting, instances } = opened.snapshot('plugin');
    expect([state, inFlight, waiting, instances.length]).toEqual(['busy', 3, 0, 3]);
    expect(new Set(instances.map(({ pid }) => pid)).size).toBe(3);
    expect(instances.map(({ state: own, inFlight: calls }) => [own, calls])).toEqual([
      ['busy', 1],
      ['busy', 1],
      ['busy', 1],
    ]);
    stop.open();
    expect(await Promise.all(calls.map(({ result }) => result))).toEqual(['stopped', 'stopped', 'stopped']);
  });
});

test('with a fixed number of instances the others follow the first as soon as it is ready', async () => {
  const opened = await openSupervisor(pool(3));
  await opened.supervisor.load('plugin');
  await eventually(() => {
    expect(opened.snapshot('plugin').instances.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
  });
  expect(opened.path('plugin').filter((place) => place === 'ready.ready')).toEqual(['ready.ready']);
});

test('instances that were not needed for a while end, the newest first, and the plugin stays ready', async () => {
  const opened = await openSupervisor(pool({ max: 3, idle_ms: 400 }));
  const events: InstanceEvent[] = [];
  opened.supervisor.on('instance', (event) => events.push(event));
  const held = hold(opened, 3);
  await held.running;
  const pids = pidsOf(opened) as number[];
  held.open();
  await held.results;
  await eventually(() => expect(pidsOf(opened)).toEqual([pids[0]]));
  expect(pids.map(lives)).toEqual([true, false, false]);
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'ready', pid: pids[0], restarts: 0 });
  const of = (generation: number): string[] =>
    events.filter((event) => event.generation === generation).map(({ to, phase }) => `${to}.${phase}`);
  expect(of(2)[0]).toBe('spawning.launching');
  expect(of(2).slice(-2)).toEqual(['discovered.stopping', 'discovered.idle']);
  expect(events.filter(({ to }) => to === 'crashed')).toEqual([]);
});

test('an instance that is killed loses its own call alone, and another takes its place for the next burst', async () => {
  const opened = await grown(3);
  const gate = door(opened);
  const calls = [1, 2, 3].map(() => startCall(opened, 'plugin', { do: 'wait', for: gate.file }));
  await Promise.all(calls.map(({ running }) => running));
  const [, victim] = opened.snapshot('plugin').instances;
  process.kill(victim?.pid as number, 'SIGKILL');
  const lost = await failure(
    Promise.any(
      calls.map(({ result }) =>
        result.then(
          () => Promise.reject(),
          (error: Error) => error,
        ),
      ),
    ).then((error) => Promise.reject(error)),
  );
  expect(lost.code).toBe('E_CRASHED');
  expect(opened.snapshot('plugin').state).toBe('busy');
  gate.open();
  const outcomes = await Promise.allSettled(calls.map(({ result }) => result));
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  const again = hold(opened, 3);
  await again.running;
  again.open();
  await again.results;
  expect(opened.path('plugin')).not.toContain('crashed.deciding');
});

test('an idempotent call that kills its worker is sent to one other, and to no third', async () => {
  const opened = await grown(3, { idempotent: true });
  const before = pidsOf(opened) as number[];
  const error = await failure(opened.supervisor.execute('plugin', { do: 'exit', code: 3 }));
  expect(error.code).toBe('E_CRASHED');
  expect(before.filter(lives)).toHaveLength(1);
});

test('two configs that are given at once leave every instance with the same one', async () => {
  const opened = await grown(2, { config_schema: {} });
  const { supervisor } = opened;
  await Promise.all(['large', 'small'].map((model) => supervisor.updateConfig('plugin', { model })));
  const held = await about(opened);
  expect(held.map(({ config }) => config)).toEqual([{ model: 'small' }, { model: 'small' }]);
  expect(await supervisor.config('plugin')).toEqual({ model: 'small' });
});

test('a config reaches every instance, and each that starts later', async () => {
  const opened = await grown(2);
  await opened.supervisor.updateConfig('plugin', { model: 'large' });
  const told = await about(opened);
  expect(new Set(told.map(({ pid }) => pid)).size).toBeGreaterThan(0);
  const held = hold(opened, 2);
  await held.running;
  held.open();
  await held.results;
  for (const each of await about(opened)) expect(each.config).toEqual({ model: 'large' });
});

test('instances are replaced one after the other, and no call is refused or lost meanwhile', async () => {
  const opened = await grown(3);
  const before = pidsOf(opened);
  const over = new AbortController();
  let count = 0;
  const callers = [1, 2, 3].map(async () => {
    while (!over.signal.aborted) {
      await opened.supervisor.execute('plugin', { do: 'about' });
      count += 1;
    }
  });
  let most = 0;
  opened.supervisor.on('instance', () => {
    const serving = opened
      .snapshot('plugin')
      .instances.filter(({ state, phase }) => state === 'ready' || phase === 'serving');
    most = Math.max(most, serving.length);
  });
  await opened.supervisor.reload('plugin');
  over.abort();
  await Promise.all(callers);
  await eventually(() => expect(opened.snapshot('plugin').instances).toHaveLength(3));
  expect(pidsOf(opened).filter((pid) => before.includes(pid))).toEqual([]);
  expect(count).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(4);
  expect(opened.path('plugin').every((place) => /^(spawning|ready|busy)/.test(place))).toBe(true);
});

test('unloading ends all instances', async () => {
  const opened = await grown(3);
  const pids = pidsOf(opened) as number[];
  await opened.supervisor.unload('plugin');
  expect(pids.filter(lives)).toEqual([]);
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'discovered', instances: [] });
});

test('with room for two workers in all, a further instance leaves its place to the first of another plugin', async () => {
  const opened = await openSupervisor(
    { ...pool({ max: 2 }), other: { fixture: 'workbench' } },
    { policy: 'queue', capacity: { slots: 2 } },
  );
  const held = hold(opened, 2);
  await held.running;
  held.open();
  await held.results;
  expect(await opened.supervisor.execute('other', { do: 'about' })).toMatchObject({ initialised: 1 });
  await eventually(() => expect(opened.snapshot('plugin').instances).toHaveLength(1));
  expect(opened.snapshot('plugin').state).toBe('ready');
  const more = hold(opened, 2);
  await eventually(() => expect(opened.snapshot('plugin').waiting).toBe(1));
  await delay(300);
  // A further instance never takes the only one of another plugin.
  expect(opened.snapshot('other')).toMatchObject({ state: 'ready' });
  more.open();
  await more.results;
});

test('a first instance that cannot start fails the calls as before; further ones that cannot fail none', async () => {
  const opened = await grown(1, { instances: { max: 3 } }, { max: 3 });
  const held = hold(opened, 2);
  await eventually(() => expect(opened.snapshot('plugin').instances.length).toBeGreaterThan(1));
  held.open();
  expect(await held.results).toEqual(['waited', 'waited']);
});
