import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Decision, Policy, Supervisor } from '../../src/index.ts';
import { eventuallyTrue } from '../eventually.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';
import {
  all,
  becomes,
  door,
  failure,
  type ManifestOf,
  type OpenedSupervisor,
  openSupervisor,
  startCall,
} from './greenroom.ts';

/** What a hoard holds; its worker takes about 15 MiB more. */
const HOARD_MB = 32;
const NEED_MB = 50;
const NAMES = Array.from({ length: 10 }, (_, at) => `hoard-${at}`);
/** Three fit, whether by their manifests or as measured; four do not. */
const BUDGET_MB = 170;

const hoard = (resources: Record<string, unknown> = {}): ManifestOf => ({
  fixture: 'hoard',
  env_vars: { HOARD_MB },
  resources: { min_system_ram_mb: NEED_MB, ...resources },
});
const SLOT: ManifestOf = { fixture: 'workbench' };

/** Looks at the memory of all workers again and again; `stop` gives the most that was seen, in MiB. */
function watchMemory(opened: OpenedSupervisor): { stop(): number } {
  let most = 0;
  const look = (): void => {
    const pids = opened.supervisor.plugins().flatMap(({ pid }) => pid ?? []);
    const used = pids.reduce((sum, pid) => sum + rssOf(pid), 0);
    most = Math.max(most, used);
  };
  const timer = setInterval(look, 10);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}

function rssOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function decisionsOf(supervisor: Supervisor): Decision[] {
  const decisions: Decision[] = [];
  supervisor.on('decision', (decision) => decisions.push(decision));
  return decisions;
}

const evictionsIn = (decisions: readonly Decision[]): string[] =>
  decisions.flatMap(({ chosen }) => chosen.map(({ plugin }) => plugin));

test(`ten plugins share the memory of three for 500 calls, and none fails (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  // Some are called much more often than others, or next to every call would start a worker.
  const some = (): string => NAMES[Math.floor(random() ** 30 * NAMES.length)] ?? '';
  const opened = await openSupervisor(Object.fromEntries(NAMES.map((name) => [name, hoard()])), {
    capacity: { ramMb: BUDGET_MB },
  });
  const { supervisor } = opened;
  const decisions = decisionsOf(supervisor);
  const memory = watchMemory(opened);

  // One call after the other: the least recently used of three has to go, as a model of three lines says.
  const resident: string[] = [];
  const expected: string[] = [];
  for (let call = 0; call < 200; call += 1) {
    const name = some();
    if (resident.includes(name)) resident.splice(resident.indexOf(name), 1);
    else if (resident.length === 3) expected.push(resident.shift() ?? '');
    resident.push(name);
    if (call % 4 === 0) expect(await all(supervisor.stream(name, { pieces: 2 }))).toHaveLength(2);
    else expect(await supervisor.execute(name)).toMatchObject({ first: 'x' });
  }
  expect(evictionsIn(decisions)).toEqual(expected);
  expect(expected.length).toBeGreaterThan(3);

  // And many at once, streams among them.
  const callers = Array.from({ length: 6 }, async () => {
    for (let call = 0; call < 50; call += 1) {
      const name = some();
      if (random() < 0.25) {
        const pieces = await all(supervisor.stream<{ first: string }>(name, { pieces: 2, ms: 1 }));
        expect(pieces.map(({ first }) => first)).toEqual(['x', 'x']);
      } else {
        expect(await supervisor.execute(name, { ms: 1 })).toMatchObject({ first: 'x' });
      }
    }
  });
  await Promise.all(callers);
  const most = memory.stop();
  expect(most).toBeLessThan(BUDGET_MB);
  expect(most).toBeGreaterThan(2 * HOARD_MB);

  // Nobody went but idle ones: a worker that had a call was told nothing, and none ended with a call lost.
  const told = decisions.flatMap(({ chosen }) => chosen.map(({ ask }) => ask));
  expect(new Set(told)).toEqual(new Set(['RELEASE']));
  expect(opened.transitions.filter(({ to }) => to === 'crashed')).toEqual([]);
  expect(opened.transitions.filter(({ phase }) => phase === 'draining')).toEqual([]);
  const { scheduling } = supervisor.status();
  expect(scheduling).toMatchObject({ policy: 'queue', order: 'lru', waiting: 0, evicting: 0, refused: 0 });
  expect(scheduling.evicted).toBe(told.length);
  expect(scheduling.reserved.ramMb).toBeLessThanOrEqual(BUDGET_MB);
});

test('every victim that a decision names leaves, when plugins take turns that are called at once', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const opened = await openSupervisor(Object.fromEntries(names.map((name) => [name, hoard()])), {
    capacity: { slots: 2 },
  });
  const decisions = decisionsOf(opened.supervisor);
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(names.map((name) => opened.supervisor.execute(name, { ms: 10 })));
  }
  const left = opened.transitions.filter(({ to, phase }) => to === 'released' && phase === 'releasing');
  const named = evictionsIn(decisions);
  expect(named.length).toBeGreaterThan(8);
  expect(left.map(({ plugin }) => plugin)).toEqual(named);
  expect(opened.supervisor.status().scheduling.evicted).toBe(named.length);
});

test('a worker that is called while memory is measured for a decision is not evicted by that decision', async () => {
  const gpu = (mb: number): ManifestOf => ({ ...SLOT, resources: { min_gpu_vram_mb: mb } });
  const opened = await openSupervisor({ a: gpu(50), b: gpu(100), c: gpu(50) }, { capacity: { vramMb: 100 } });
  const { supervisor } = opened;
  for (const name of ['a', 'c']) await supervisor.execute(name, { do: 'about' });
  // What was measured before that is too old to decide by.
  await supervisor.unload('c');
  await eventuallyTrue(() => supervisor.explain('c').holdings.length === 0);
  const { file, open } = door(opened);
  const decisions = decisionsOf(supervisor);
  let first: Promise<unknown> | undefined;
  const figures = await supervisor.systemStats();
  await supervisor.registerSystemMonitor({
    read: () => {
      first ??= startCall(opened, 'a', { do: 'wait', for: file }).result;
      return Promise.resolve(figures);
    },
  });
  const second = supervisor.execute('b', { do: 'about' });
  await eventuallyTrue(() => decisions.length > 0);
  expect(decisions).toMatchObject([{ plugin: 'b', outcome: 'wait', waitingFor: [{ plugin: 'a' }] }]);
  open();
  await Promise.all([first, second]);
  expect(evictionsIn(decisions)).toEqual(['a']);
});

test('what is heavy is given up where that is enough, and the worker that stays warm keeps what it still takes', async () => {
  const model = { ...hoard({ min_gpu_vram_mb: 100 }), class: 'SoftHoard' };
  const opened = await openSupervisor({ a: model, b: model }, { capacity: { vramMb: 150, ramMb: 400 } });
  for (const name of ['a', 'b', 'a', 'b']) await opened.supervisor.execute(name);
  expect(['a', 'b'].map((name) => opened.snapshot(name).generation)).toEqual([1, 1]);
  expect(opened.snapshot('a')).toMatchObject({ state: 'released', phase: 'warm' });
  const [kept] = opened.supervisor.explain('a').holdings;
  expect(kept).toMatchObject({ standing: 'warm', holds: { vramMb: 0, slots: 1 } });
  expect(kept?.holds.ramMb).toBeGreaterThan(0);
  expect(kept?.holds.ramMb).toBeLessThan(HOARD_MB);
});

test('what a plugin takes up is measured and kept on disk, so that an estimate too high stops counting', async () => {
  const opened = await openSupervisor(
    { big: hoard({ min_system_ram_mb: 200 }), other: hoard() },
    { capacity: { ramMb: 220 } },
  );
  await opened.supervisor.execute('big');
  expect(opened.supervisor.explain('big').holdings).toMatchObject([{ holds: { ramMb: 200 } }]);
  // There is no room for both by the manifests.
  await opened.supervisor.execute('other');
  const decisions = decisionsOf(opened.supervisor);
  await opened.supervisor.execute('big');
  await opened.supervisor.execute('other');
  expect(evictionsIn(decisions)).toEqual([]);
  const { ramMb } = opened.supervisor.explain('big').need;
  expect(ramMb).toBeGreaterThan(HOARD_MB);
  expect(ramMb).toBeLessThan(100);
  expect(readdirSync(join(opened.dataDir, 'footprints'))).toContain('big.json');
});

test('a plugin that fits nowhere is refused at once, nobody goes for it, and the error says why', async () => {
  const opened = await openSupervisor(
    { small: hoard(), huge: hoard({ min_system_ram_mb: 900 }) },
    { capacity: { ramMb: 200 } },
  );
  await opened.supervisor.execute('small');
  const error = await failure(opened.supervisor.execute('huge'));
  expect(error).toMatchObject({ code: 'E_REFUSED', details: { reason: 'never-fits', asked: { ramMb: 900 } } });
  expect(error.message).toContain(
    'It needs 900 MiB of RAM and 1 slot; free: 150 MiB of RAM; 750 MiB of RAM short. Call explain("huge")',
  );
  expect(opened.path('small').at(-1)).toMatch(/busy|ready/);
  expect(opened.supervisor.explain('huge').decision).toMatchObject({ outcome: 'refuse', reason: 'never-fits' });
});

test('under safety, who does not fit beside those at work is refused', async () => {
  const opened = await openSupervisor({ a: SLOT, b: SLOT }, { policy: 'safety', capacity: { slots: 1 } });
  const { file, open } = door(opened);
  const first = startCall(opened, 'a', { do: 'wait', for: file });
  await first.running;
  const error = await failure(opened.supervisor.execute('b', { do: 'about' }));
  expect(error).toMatchObject({ code: 'E_REFUSED', details: { reason: 'no-capacity', waitingFor: [{ plugin: 'a' }] } });
  open();
  await first.result;
});

test('under queue, who does not fit beside those at work waits for them, and it is told for whom', async () => {
  const opened = await openSupervisor({ a: SLOT, b: SLOT }, { capacity: { slots: 1 } });
  const { file, open } = door(opened);
  const first = startCall(opened, 'a', { do: 'wait', for: file });
  await first.running;
  const second = opened.supervisor.execute('b', { do: 'about' });
  expect(opened.snapshot('b')).toMatchObject({ state: 'spawning', phase: 'admitting', waiting: 1 });
  const { asking, lines } = opened.supervisor.explain('b');
  expect(asking).toMatchObject({ priority: 0 });
  expect(lines.join('\n')).toMatch(/waits for a \(worker 1\), busy/);
  expect(opened.supervisor.status().scheduling.waiting).toBe(1);
  open();
  await Promise.all([first.result, second]);
  const { eviction } = opened.supervisor.explain('a');
  expect(eviction).toMatchObject({ plugin: 'b', chosen: [{ plugin: 'a', ask: 'RELEASE' }] });
});

test('it is told what each instance holds, and why there are no more of them', async () => {
  const pool = { ...SLOT, instances: 3 };
  const opened = await openSupervisor({ a: pool, b: SLOT }, { policy: 'safety', capacity: { slots: 2 } });
  const { supervisor } = opened;
  await supervisor.load('a');
  await eventuallyTrue(() => supervisor.explain('a').growth?.state === 'waiting');
  const { growth, holdings, lines, decision } = supervisor.explain('a');
  expect(growth).toEqual({ instances: 2, min: 3, max: 3, wanted: true, state: 'waiting' });
  expect(holdings.map(({ generation }) => generation)).toEqual([1, 2]);
  expect(lines).toContain('runs     2 of 3 instances');
  expect(lines).toContain('more     another instance is asked for again after a while; the last request was refused');
  expect(lines.find((line) => line.startsWith('free now'))).toMatch(/\b0 slots$/);
  expect(lines.filter((line) => line.startsWith('holds'))).toEqual([
    expect.stringContaining('for instance 1, '),
    expect.stringContaining('for instance 2, '),
  ]);
  expect(decision).toMatchObject({ outcome: 'refuse', generation: 3 });
  expect(supervisor.explain('b')).toMatchObject({ growth: undefined });
});

test('an instance that waits for memory is told of, and at rest none is wanted', async () => {
  const pool = { ...SLOT, instances: { min: 2, max: 4 } };
  const opened = await openSupervisor({ a: pool, b: SLOT }, { capacity: { slots: 2 } });
  const { supervisor } = opened;
  expect(supervisor.explain('a').growth).toEqual({ instances: 0, min: 2, max: 4, wanted: false, state: 'free' });
  const { file, open } = door(opened);
  const busy = startCall(opened, 'b', { do: 'wait', for: file });
  await busy.running;
  await supervisor.load('a');
  await eventuallyTrue(() => supervisor.explain('a').decision?.outcome === 'wait');
  const { growth, lines } = supervisor.explain('a');
  expect(growth).toEqual({ instances: 1, min: 2, max: 4, wanted: true, state: 'free' });
  expect(lines).toContain('runs     1 of 2 to 4 instances');
  expect(lines).toContain('more     another instance is asked for; the decision below is about it');
  expect(lines.filter((line) => line.startsWith('holds'))).toEqual([expect.stringContaining('for worker 1, ')]);
  open();
  await busy.result;
});

test('of two that wait for the same place the one with the higher priority has it first', async () => {
  const opened = await openSupervisor(
    { a: SLOT, low: SLOT, high: { ...SLOT, resources: { priority: 5 } } },
    { capacity: { slots: 1 } },
  );
  const { file, open } = door(opened);
  const first = startCall(opened, 'a', { do: 'wait', for: file });
  await first.running;
  const order: string[] = [];
  const calls = ['low', 'high'].map((name) =>
    opened.supervisor.execute(name, { do: 'about' }).then(() => order.push(name)),
  );
  await becomes(opened, 'high', { phase: 'admitting' });
  open();
  await Promise.all([...calls, first.result]);
  expect(order).toEqual(['high', 'low']);
});

test('only the last caller to leave takes the plugin out of the queue', async () => {
  const opened = await openSupervisor({ a: SLOT, b: SLOT }, { capacity: { slots: 1 } });
  const { file, open } = door(opened);
  const first = startCall(opened, 'a', { do: 'wait', for: file });
  await first.running;
  const [one, two] = [new AbortController(), new AbortController()];
  const calls = [one, two].map(({ signal }) => opened.supervisor.execute('b', { do: 'about' }, { signal }));
  one.abort();
  expect(await failure(calls[0] as Promise<unknown>)).toMatchObject({ code: 'E_CANCELLED' });
  expect(opened.supervisor.explain('b').asking).toBeDefined();
  two.abort();
  expect(await failure(calls[1] as Promise<unknown>)).toMatchObject({ code: 'E_CANCELLED' });
  expect(opened.supervisor.explain('b').asking).toBeUndefined();
  expect(opened.snapshot('b').state).toBe('discovered');
  open();
  await first.result;
});

test('a pinned plugin stays whatever comes, and an idle one goes by itself when its time is over', async () => {
  const opened = await openSupervisor(
    {
      pinned: { ...SLOT, resources: { pin: true } },
      brief: { ...SLOT, resources: { idle_release_ms: 50 } },
      other: SLOT,
    },
    { capacity: { slots: 2 } },
  );
  await opened.supervisor.execute('pinned', { do: 'about' });
  const released = opened.entered('brief', 'released', 'warm');
  await opened.supervisor.execute('brief', { do: 'about' });
  await released;
  const { pid } = opened.snapshot('pinned');
  await opened.supervisor.execute('other', { do: 'about' });
  await opened.supervisor.execute('brief', { do: 'about' });
  expect(opened.snapshot('pinned')).toMatchObject({ pid, state: 'ready' });
});

test('a changed manifest changes what is reserved for a plugin that runs', async () => {
  const opened = await openSupervisor({ a: hoard() }, { capacity: { ramMb: 500 } });
  await opened.supervisor.execute('a');
  opened.write('a', hoard({ min_system_ram_mb: 70 }));
  await opened.supervisor.discover();
  expect(opened.supervisor.explain('a').holdings).toMatchObject([{ generation: 1, holds: { ramMb: 70 } }]);
});

test('a policy of the user decides, and what it does wrong is refused to the one who asked', async () => {
  const policy: Policy = {
    name: 'no-b',
    measures: false,
    decide({ plugin }) {
      if (plugin === 'c') throw new Error('What is c?');
      return plugin === 'b' ? { outcome: 'refuse', reason: 'not-b' } : { outcome: 'grant', reason: 'not-b' };
    },
  };
  const opened = await openSupervisor({ a: SLOT, b: SLOT, c: SLOT }, { policy });
  await opened.supervisor.execute('a', { do: 'about' });
  expect(await failure(opened.supervisor.execute('b', { do: 'about' }))).toMatchObject({
    code: 'E_REFUSED',
    details: { reason: 'not-b' },
  });
  expect(await failure(opened.supervisor.execute('c', { do: 'about' }))).toMatchObject({
    details: { reason: 'policy-failed' },
  });
  expect(opened.supervisor.status()).toMatchObject({ policy: 'no-b' });
});
