import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { InspectionEvent, Observer } from 'xstate';
import { createSupervisor, type InspectionObserver } from '../../src/index.ts';
import { openInspector } from '../../src/inspector/index.ts';
import type { TransitionEvent } from '../../src/runtime/supervisor-events.ts';
import { openSupervisor } from '../runtime/greenroom.ts';
import { randomFrom } from '../simulation/random.mjs';
import { choose, pick, World } from '../simulation/world.ts';
import { get, Reader } from './bench.ts';

/** The address of an inspector, taken apart. */
function doorOf(url = ''): { readonly port: number; readonly token: string } {
  const { port, hash } = new URL(url);
  return { port: Number(port), token: hash.replace('#token=', '') };
}

const WORKBENCH = { workbench: { fixture: 'workbench' } };

test('a supervisor has no inspector unless it is asked for', async () => {
  const { supervisor } = await openSupervisor(WORKBENCH);
  expect(supervisor.inspector).toBeUndefined();
});

test('the inspector is there until the supervisor has stopped, and shows that it has', async () => {
  const { supervisor } = await openSupervisor(WORKBENCH, { inspect: true });
  const { port, token } = doorOf(supervisor.inspector?.url);
  const reader = new Reader(port, token);
  expect((await reader.sync()).plugins).toMatchObject([{ name: 'workbench', state: 'discovered' }]);
  await supervisor.execute('workbench', { do: 'about' });
  await reader.record(({ kind, actor }) => kind === 'call' && actor === 'plugin:workbench');
  await supervisor.stop();
  await reader.record((record) => record.kind === 'transition' && record.to === 'stopped');
  await expect(get(port, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('the memory of a process that has ended is not shown', async () => {
  const { supervisor } = await openSupervisor(WORKBENCH, { inspect: true });
  const { port, token } = doorOf(supervisor.inspector?.url);
  const reader = new Reader(port, token);
  await reader.sync();
  await supervisor.load('workbench');
  await reader.record(({ kind, actor }) => kind === 'memory' && actor === 'plugin:workbench');
  await supervisor.unload('workbench');
  const again = new Reader(port, token);
  const { actors, plugins } = await again.sync();
  expect(actors.find(({ id }) => id === 'plugin:workbench')?.context).not.toHaveProperty('memoryMb');
  expect(plugins).toMatchObject([{ name: 'workbench' }]);
  expect(plugins[0]).not.toHaveProperty('memoryMb');
});

test.each([
  [false, 405],
  [true, 202],
])('with control %s an order of the page is answered with %i', async (control, expected) => {
  const { supervisor, entered } = await openSupervisor(WORKBENCH, { inspect: { control } });
  const { port, token } = doorOf(supervisor.inspector?.url);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ action: 'load', plugin: 'workbench' });
  const ready = control ? entered('workbench', 'ready') : undefined;
  const { status } = await get(port, '/api/control', headers, { method: 'POST', body });
  expect(status).toBe(expected);
  await ready;
});

test('a recording ends with the supervisor, and goes into no file that is there already', async () => {
  const { supervisor, scratch } = await openSupervisor(WORKBENCH, { inspect: true });
  const file = join(scratch, 'session.ndjson');
  await supervisor.inspector?.record(file);
  await expect(supervisor.inspector?.record(file)).rejects.toMatchObject({ code: 'E_OPTIONS' });
  await supervisor.stop();
  expect(readFileSync(file, 'utf8')).toMatch(/"from":"draining","to":"stopped"/);
});

test('where the port is taken the supervisor does not start, and nothing is left', async () => {
  const { supervisor } = await openSupervisor(WORKBENCH, { inspect: true });
  const { port } = doorOf(supervisor.inspector?.url);
  const dataDir = mkdtempSync(join(tmpdir(), 'gr-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const listeners = process.listenerCount('exit');
  await expect(createSupervisor({ searchPaths: [], dataDir, inspect: { port } })).rejects.toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringContaining(String(port)) as string,
  });
  expect(process.listenerCount('exit')).toBe(listeners);
});

test.each<[string, (tell: (type: string) => void) => InspectionObserver]>([
  ['a function', (tell) => (event) => tell(event.type)],
  ['an object', (tell) => ({ next: (event) => tell(event.type) })],
  ["a function of XState's own type", (tell) => (event: InspectionEvent) => tell(event.type)],
  ["an object of XState's own type", (tell): Observer<InspectionEvent> => ({ next: (event) => tell(event.type) })],
])('%s that observes gets every event of every actor, and what it throws changes nothing', async (_, observerOf) => {
  const seen = new Set<string>();
  const observer = observerOf((type) => {
    seen.add(type);
    throw new Error('of the observer');
  });
  const { supervisor } = await openSupervisor(WORKBENCH, { observer });
  expect(await supervisor.execute('workbench', { do: 'about' })).toBeDefined();
  const all = ['@xstate.actor', '@xstate.event', '@xstate.snapshot', '@xstate.microstep', '@xstate.action'];
  expect([...seen]).toEqual(expect.arrayContaining(all));
});

/** Lets everything happen that needs no time. */
async function rest(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await turn();
}

/** What happens to a supervisor by chance, as far as it depends on nothing but the numbers. */
async function play(world: World, random: () => number): Promise<void> {
  const { supervisor, workers, clock } = world;
  const number = (): number => Math.floor(random() * 2 ** 31);
  for (let n = 0; n < 500; n += 1) {
    const name = choose(number(), 'a', 'b', 'c');
    const record = world.runtime.records.get(name);
    const worker = pick(workers.living(name), number());
    const actions: readonly (() => void)[] = [
      () => record && world.call(record, number()),
      () => worker?.answer(),
      () => worker?.answer(),
      () => worker?.proceed(),
      () => worker?.bury(),
      () => worker?.exit({ code: choose(number(), 0, 1) }),
      () => void world.operate(() => supervisor.load(name)),
      () => void world.operate(() => supervisor.reload(name)),
      () => void world.operate(() => supervisor.release(name)),
      () => void world.operate(() => supervisor.unload(name)),
      () => world.cancel(number()),
      () => clock.pass(Math.min(clock.next ?? 1, 5_000)),
      () => clock.pass(number() % 1_000),
    ];
    pick(actions, number())?.();
    await rest();
  }
}

test('with the inspector on, looked at or not, everything happens as it does without', async () => {
  const played = async (watch: 'off' | 'on' | 'looked at'): Promise<readonly TransitionEvent[]> => {
    const world = await World.open({ slots: 2 });
    const log: TransitionEvent[] = [];
    const errors: unknown[] = [];
    world.runtime.transitions.add((transition) => log.push(transition));
    const { records, transitions, instances, problems, code, clock, root, settings, systemMonitor } = world.runtime;
    const { maxWaitMs } = settings;
    const { supervisor } = world;
    const onError = (error: unknown): void => void errors.push(error);
    const shown = {
      records,
      transitions,
      instances,
      problems,
      code,
      clock,
      root,
      systemMonitor,
      supervisor,
      maxWaitMs,
      onError,
    };
    const inspector = watch === 'off' ? undefined : await openInspector(shown);
    try {
      if (inspector !== undefined && watch === 'looked at') {
        const { port, token } = doorOf(inspector.url);
        await new Reader(port, token).sync();
      }
      await play(world, randomFrom(7));
      await world.stop();
    } finally {
      await inspector?.close();
      world.close();
    }
    expect(errors).toEqual([]);
    return log;
  };
  const without = await played('off');
  expect(new Set(without.map(({ to }) => to)).size).toBe(6);
  expect(without.length).toBeGreaterThan(200);
  expect(await played('on')).toEqual(without);
  expect(await played('looked at')).toEqual(without);
}, 120_000);
