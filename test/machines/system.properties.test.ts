import * as fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SEED } from '../seed.ts';
import { GOOD } from '../simulation/fake-workers.ts';
import { causeEvent } from '../simulation/random-events.ts';
import { choose, INSTANCES, PHASES, threeWith, World } from '../simulation/world.ts';

// SYSTEM_RUNS has more of them; a seed of one's own has others.
const RUNS = Number(process.env['SYSTEM_RUNS'] ?? 40);
const EVENTS = 1_200;

// Vitest picks XState's development build, which warns of events that come after the end, and writing that takes time.
vi.spyOn(console, 'warn').mockImplementation(() => {});

test(`whatever happens in whatever order, no invariant of the supervisor is broken (seed ${SEED})`, {
  timeout: RUNS * 10_000,
}, async () => {
  const seen = new Set<string>();
  let events = 0;
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(), { minLength: EVENTS, maxLength: EVENTS, size: 'max' }),
      fc.boolean(),
      fc.constantFrom({}, { slots: 2 }, { slots: 5 }, { gpus: { 'GPU-a': 110, 'GPU-b': 60 } }),
      fc.tuple(fc.constantFrom(...INSTANCES), fc.constantFrom(...INSTANCES), fc.constantFrom(...INSTANCES)),
      async (list, suddenly, capacity, instances) => {
        const world = await World.run({ ...capacity, manifests: threeWith(...instances) }, async (world) => {
          const { names } = world;
          for (const n of list) await causeEvent(world, choose(n, 'a', 'b', 'c'), Math.floor(n / names.length));
          if (!suddenly) {
            await world.settle();
            await world.revive();
          }
          await world.stop();
        });
        for (const place of world.seen) seen.add(place);
        events += list.length;
        calls += world.tally.calls;
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(events).toBe(RUNS * EVENTS);
  expect(calls).toBeGreaterThan(10_000);
  // Without this the events might never leave the beaten track.
  expect(PHASES.filter((phase) => !seen.has(phase))).toEqual([]);
});

test('whatever is done to a plugin that always takes too much memory, no invariant is broken, and it is given up', async () => {
  const givenUp = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { minLength: 200, maxLength: 200, size: 'max' }), async (list) => {
      const manifests = { a: { max_concurrency: 2, max_rss_mb: 500, restart: { intensity: 1 } } };
      await World.run({ manifests }, async (world) => {
        world.runtime.transitions.add(({ from, to, phase, event, reason }) => {
          const isForMemory = reason?.includes('max_rss_mb') === true;
          if (from !== 'crashed' && isForMemory) givenUp.add(`${event}: ${to}.${phase}`);
        });
        for (const [step, n] of list.entries()) {
          await causeEvent(world, 'a', n);
          if (step % 10 > 0) continue;
          // Two workers that come up and are over the limit at the first look.
          world.behave('a', { ...GOOD, rssMb: 100_000 });
          void world.operate(() => world.supervisor.load('a'));
          for (let look = 0; look < 3; look += 1) {
            await world.clock.advance(5_100);
            world.check();
          }
        }
        await world.settle();
        await world.revive();
        await world.stop();
      });
    }),
    { numRuns: 20, endOnFailure: true },
  );
  expect([...givenUp]).toEqual(expect.arrayContaining(['GIVE_UP: busy.draining', 'GIVE_UP: crashed.failed']));
});

test('a hundred first calls at the same time start one worker', async () => {
  const world = await World.open();
  onTestFinished(() => world.close());
  const calls = Array.from({ length: 100 }, (_, value) => world.supervisor.execute('a', { value }));
  await world.rest();
  expect(world.workers.all).toHaveLength(1);
  expect(world.workers.all[0]?.calls.size).toBe(2);
  while (world.workers.all[0]?.calls.size !== 0) world.workers.all[0]?.answer();
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, (_, value) => value));
  await world.stop();
  expect(world.workers.all).toHaveLength(1);
});
