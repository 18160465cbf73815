import { expect, test } from 'vitest';
import { MemoryLimits } from '../../src/actors/memory-limit.ts';
import { createTreeSampler } from '../../src/measure/process-tree.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

test('memory over the limit is told at every look, with how long the worker was within it; a look that fails tells nothing', async () => {
  const clock = new SimulatedClock();
  const measured: (number | null | Error)[] = [90, new Error('It cannot be read.'), 110, 120, null, 100, 130];
  const sampler = {
    sample: () => {
      const next = measured.shift() ?? null;
      if (next instanceof Error) return Promise.reject(next);
      return Promise.resolve({ memoryRssMb: next } as never);
    },
  } as never;
  const told: unknown[] = [];
  const stop = new MemoryLimits(sampler, clock).watch({ plugin: 'p', pid: 1, maxRssMb: 100 }, ({ error, withinMs }) =>
    told.push([error.code, error.details, withinMs]),
  );
  const looks = measured.length;
  for (let look = 0; look < looks; look += 1) await clock.advance(5_000);
  stop();
  expect(told).toEqual([
    ['E_MEMORY', { memoryRssMb: 110, maxRssMb: 100 }, 5_000],
    ['E_MEMORY', { memoryRssMb: 120, maxRssMb: 100 }, 5_000],
    ['E_MEMORY', { memoryRssMb: 130, maxRssMb: 100 }, 30_000],
  ]);
  expect(clock.pending).toBe(0);
});

test('workers that start at different times are measured from one listing of the processes', async () => {
  const clock = new SimulatedClock();
  let listings = 0;
  const list = async () => {
    listings += 1;
    return [1, 2].map((pid) => ({ pid, ppid: 0, pgid: pid, cpuMs: 0, ageMs: 1_000, rssBytes: 200 * 2 ** 20 }));
  };
  // Without slices: on a busy machine they take real time, which the simulated clock does not wait for.
  const sampler = createTreeSampler(list, () => undefined);
  const limits = new MemoryLimits(sampler, clock);
  const told: string[] = [];
  const watch = (plugin: string, pid: number) =>
    limits.watch({ plugin, pid, maxRssMb: 100 }, ({ error }) => told.push(error.message.slice(0, 17)));
  const stopFirst = watch('a', 1);
  await clock.advance(2_000);
  const stopSecond = watch('b', 2);
  await clock.advance(3_000);
  expect([listings, told]).toEqual([1, ['The worker of "a"', 'The worker of "b"']]);
  stopFirst();
  await clock.advance(5_000);
  expect([listings, told.at(-1)]).toEqual([2, 'The worker of "b"']);
  stopSecond();
  expect(clock.pending).toBe(0);
});
