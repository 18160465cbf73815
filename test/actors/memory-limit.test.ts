import { expect, test } from 'vitest';
import { watchMemory } from '../../src/actors/memory-limit.ts';
import { TestClock } from '../machines/test-clock.ts';

test('memory over the limit is told at every look, with how long the worker was within it; a look that fails tells nothing', async () => {
  const clock = new TestClock();
  const measured: (number | null | Error)[] = [90, new Error('It cannot be read.'), 110, 120, null, 100, 130];
  const sampler = {
    sample: () => {
      const next = measured.shift() ?? null;
      if (next instanceof Error) return Promise.reject(next);
      return Promise.resolve({ memoryRssMb: next } as never);
    },
  } as never;
  const told: unknown[] = [];
  const stop = watchMemory({ plugin: 'p', pid: 1, maxRssMb: 100 }, sampler, clock, ({ error, withinMs }) =>
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
