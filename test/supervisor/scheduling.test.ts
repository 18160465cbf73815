import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Decision, Policy, Supervisor } from '../../src/index.ts';
import { all, becomes, door, failure, type ManifestOf, openRoom, type Room, startCall } from './greenroom.ts';

/** What a hoard holds, and what its worker takes without it: an interpreter, about 15 MiB. */
const HOARD_MB = 32;
const NEED_MB = 50;
const NAMES = Array.from({ length: 10 }, (_, at) => `hoard-${at}`);
/** Three with their hoards and seven without fit, whether by their manifests or as measured; four and six do not. */
const BUDGET_MB = 265;

const hoard = (resources: Record<string, unknown> = {}): ManifestOf => ({
  fixture: 'hoard',
  env_vars: { HOARD_MB },
  resources: { min_system_ram_mb: NEED_MB, ...resources },
});
const SLOT: ManifestOf = { fixture: 'gated' };

/** Numbers from 0 to below 1 that follow from the seed (the minimal standard generator). */
function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Looks at the memory of all workers again and again; `stop` gives the most that was seen, in MiB. */
function watchMemory(room: Room): { stop(): number } {
  let most = 0;
  const look = (): void => {
    const pids = room.supervisor.plugins().flatMap(({ pid }) => pid ?? []);
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

test('ten plugins share the memory of three for 500 calls, and none fails', { timeout: 60_000 }, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const random = randomFrom(seed);
  const some = (): string => NAMES[Math.floor(random() * NAMES.length)] ?? '';
  const room = await openRoom(Object.fromEntries(NAMES.map((name) => [name, hoard()])), {
    capacity: { ramMb: BUDGET_MB },
    maxWaitMs: 1_000,
  });
  const { supervisor } = room;
  // Each is started once, so that all that is left to do is to give memory back and to take it again.
  for (const name of NAMES) await supervisor.execute(name);
  const decisions = decisionsOf(supervisor);
  const memory = watchMemory(room);

  // One call after the other: the least recently used of three has to go, as a model of three lines says.
  const resident = NAMES.slice(-3);
  const expected: string[] = [];
  for (let call = 0; call < 120; call += 1) {
    const name = some();
    if (resident.includes(name)) resident.splice(resident.indexOf(name), 1);
    else expected.push(resident.shift() ?? '');
    resident.push(name);
    if (call % 4 === 0) expect(await all(supervisor.stream(name, { pieces: 2 }))).toHaveLength(2);
    else expect(await supervisor.execute(name)).toMatchObject({ first: 'x' });
  }
  expect(evictionsIn(decisions)).toEqual(expected);

  // And many at once, streams among them.
  const callers = Array.from({ length: 10 }, async () => {
    for (let call = 0; call < 38; call += 1) {
      const name = some();
      if (random() < 0.25) {
        for await (const { first } of supervisor.stream<{ first: string }>(name, { pieces: 2, ms: 1 })) {
          expect(first).toBe('x');
        }
      } else {
        expect(await supervisor.execute(name, { ms: 1 })).toMatchObject({ first: 'x' });
      }
    }
  });
  await Promise.all(callers);
  expect(memory.stop()).toBeLessThan(BUDGET_MB);
  expect(memory.stop()).toBeGreaterThan(3 * HOARD_MB);

  const { scheduling } = supervisor.status();
  expect(scheduling).toMatchObject({ policy: 'queue', order: 'lru', waiting: 0, evicting: 0, refused: 0 });
  expect(scheduling.reserved.ramMb).toBeLessThanOrEqual(BUDGET_MB);
  // A busy one is told only to finish, and a worker is stopped for nobody's sake: what it holds is enough.
  expect(room.transitions.filter(({ to }) => to === 'crashed')).toEqual([]);
  expect(supervisor.plugins().every(({ generation }) => generation === 1)).toBe(true);
});

test('what a plugin takes up is measured and kept on disk, so that an estimate too high stops counting', async () => {
  const room = await openRoom({ big: hoard({ min_system_ram_mb: 200 }), other: hoard() }, { capacity: { ramMb: 220 } });
  await room.supervisor.execute('big');
  expect(room.supervisor.explain('big').holdings).toMatchObject([{ holds: { ramMb: 200 }, standing: 'idle' }]);
  // There is no room for both by the manifests.
  await room.supervisor.execute('other');
  const decisions = decisionsOf(room.supervisor);
  await room.supervisor.execute('big');
  await room.supervisor.execute('other');
  expect(evictionsIn(decisions)).toEqual([]);
  const { ramMb } = room.supervisor.explain('big').need;
  expect(ramMb).toBeGreaterThan(HOARD_MB);
  expect(ramMb).toBeLessThan(100);
  expect(readdirSync(join(room.dataDir, 'footprints'))).toContain('big.json');
});

test('a plugin that fits nowhere is refused at once, nobody goes for it, and the error says why', async () => {
  const room = await openRoom(
    { small: hoard(), huge: hoard({ min_system_ram_mb: 900 }) },
    { capacity: { ramMb: 200 } },
  );
  await room.supervisor.execute('small');
  const error = await failure(room.supervisor.execute('huge'));
  expect(error).toMatchObject({ code: 'E_REFUSED', details: { reason: 'never-fits', asked: { ramMb: 900 } } });
  expect(error.message).toContain('900 MiB of RAM');
  expect(room.snapshot('small').state).toBe('ready');
  expect(room.supervisor.explain('huge').decision).toMatchObject({ outcome: 'refuse', reason: 'never-fits' });
});

test('under safety, who does not fit beside those at work is refused; under queue it waits for them', async () => {
  for (const policy of ['safety', 'queue'] as const) {
    const room = await openRoom({ a: SLOT, b: SLOT }, { policy, capacity: { slots: 1 } });
    const { file, open } = door(room);
    const first = startCall(room, 'a', { path: file });
    await first.running;
    const second = room.supervisor.execute('b', {});
    if (policy === 'safety') {
      expect(await failure(second)).toMatchObject({ code: 'E_REFUSED', details: { waitingFor: [{ plugin: 'a' }] } });
    } else {
      await becomes(room, 'b', { state: 'spawning', phase: 'admitting', waiting: 1 });
      const { asking, lines } = room.supervisor.explain('b');
      expect(asking).toMatchObject({ priority: 0 });
      expect(lines.join('\n')).toMatch(/waits for a \(worker 1\), busy/);
      expect(room.supervisor.status().scheduling.waiting).toBe(1);
      open();
      await second;
    }
    open();
    await first.result;
  }
});

test('of two that wait for the same place the one with the higher priority has it first', async () => {
  const room = await openRoom(
    { a: SLOT, low: SLOT, high: { ...SLOT, resources: { priority: 5 } } },
    { capacity: { slots: 1 } },
  );
  const { file, open } = door(room);
  const first = startCall(room, 'a', { path: file });
  await first.running;
  const order: string[] = [];
  const calls = ['low', 'high'].map((name) => room.supervisor.execute(name, {}).then(() => order.push(name)));
  await becomes(room, 'high', { phase: 'admitting' });
  open();
  await Promise.all([...calls, first.result]);
  expect(order).toEqual(['high', 'low']);
});

test('only the last caller to leave takes the plugin out of the queue', async () => {
  const room = await openRoom({ a: SLOT, b: SLOT }, { capacity: { slots: 1 } });
  const { file, open } = door(room);
  const first = startCall(room, 'a', { path: file });
  await first.running;
  const [one, two] = [new AbortController(), new AbortController()];
  const calls = [one, two].map(({ signal }) => room.supervisor.execute('b', {}, { signal }));
  one.abort();
  expect(await failure(calls[0] as Promise<unknown>)).toMatchObject({ code: 'E_CANCELLED' });
  expect(room.supervisor.explain('b').asking).toBeDefined();
  two.abort();
  expect(await failure(calls[1] as Promise<unknown>)).toMatchObject({ code: 'E_CANCELLED' });
  expect(room.supervisor.explain('b').asking).toBeUndefined();
  expect(room.snapshot('b').state).toBe('discovered');
  open();
  await first.result;
});

test('a pinned plugin stays whatever comes, and an idle one goes by itself when its time is over', async () => {
  const room = await openRoom(
    {
      pinned: { ...SLOT, resources: { pin: true } },
      brief: { ...SLOT, resources: { idle_release_ms: 50 } },
      other: SLOT,
    },
    { capacity: { slots: 2 } },
  );
  await room.supervisor.execute('pinned', {});
  const released = room.entered('brief', 'released', 'cold');
  await room.supervisor.execute('brief', {});
  await released;
  const { pid } = room.snapshot('pinned');
  await room.supervisor.execute('other', {});
  await room.supervisor.execute('brief', {});
  expect(room.snapshot('pinned')).toMatchObject({ pid, state: 'ready' });
});

test('a changed manifest changes what is reserved for a plugin that runs', async () => {
  const room = await openRoom({ a: hoard() }, { capacity: { ramMb: 500 } });
  await room.supervisor.execute('a');
  room.write('a', hoard({ min_system_ram_mb: 70 }));
  await room.supervisor.discover();
  expect(room.supervisor.explain('a').holdings).toMatchObject([{ generation: 1, holds: { ramMb: 70 } }]);
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
  const room = await openRoom({ a: SLOT, b: SLOT, c: SLOT }, { policy });
  await room.supervisor.execute('a', {});
  expect(await failure(room.supervisor.execute('b', {}))).toMatchObject({
    code: 'E_REFUSED',
    details: { reason: 'not-b' },
  });
  expect(await failure(room.supervisor.execute('c', {}))).toMatchObject({ details: { reason: 'policy-failed' } });
  expect(room.supervisor.status()).toMatchObject({ policy: 'no-b' });
});
