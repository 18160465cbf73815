import * as fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { World } from './world.ts';

const RUNS = 85;
const EVENTS = 1_200;

// Vitest picks XState's development build, which warns of events that come after the end, and writing that takes time.
vi.spyOn(console, 'warn').mockImplementation(() => {});

const PHASES = [
  'discovered.idle',
  'discovered.stopping',
  'spawning.admitting',
  'spawning.launching',
  'spawning.initializing',
  'spawning.resuming',
  'ready.ready',
  'busy.serving',
  'busy.draining',
  'released.releasing',
  'released.warm',
  'released.cold',
  'crashed.deciding',
  'crashed.backoff',
  'crashed.failed',
];

test('whatever happens in whatever order, no invariant of the supervisor is broken', { timeout: 120_000 }, async () => {
  const seen = new Set<string>();
  let events = 0;
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(), { minLength: EVENTS, maxLength: EVENTS, size: 'max' }),
      fc.boolean(),
      fc.constantFrom(undefined, 2),
      async (list, suddenly, slots) => {
        const world = await World.open(slots);
        try {
          for (const n of list) await world.do(n);
          if (!suddenly) {
            await world.settle();
            await world.revive();
          }
          await world.stop();
        } catch (error) {
          throw new Error(`${String(error)}, after:\n${world.story}`, { cause: error });
        } finally {
          world.close();
        }
        for (const place of world.seen) seen.add(place);
        events += list.length;
        calls += world.calls;
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(events).toBeGreaterThanOrEqual(100_000);
  expect(calls).toBeGreaterThan(10_000);
  // Without this the events might never leave the beaten track.
  expect(PHASES.filter((phase) => !seen.has(phase))).toEqual([]);
});

test('a hundred first calls at the same time start one worker', async () => {
  const world = await World.open();
  onTestFinished(() => world.close());
  const calls = Array.from({ length: 100 }, () => world.supervisor.execute('a'));
  await world.rest();
  expect(world.workers.all).toHaveLength(1);
  expect(world.workers.all[0]?.calls.size).toBe(2);
  while (world.workers.all[0]?.calls.size !== 0) world.workers.all[0]?.answer();
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, () => 'result'));
  await world.stop();
  expect(world.workers.all).toHaveLength(1);
});
