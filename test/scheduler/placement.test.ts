import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeOnGpus, visibleGpus } from '../../src/scheduler/placement.ts';

const gpusOf = (...free: readonly number[]) => free.map((freeMb, at) => ({ uuid: `GPU-${at}a`, freeMb }));

test('a plugin goes to the one GPU that it fills best', () => {
  expect(placeOnGpus(6, gpusOf(24, 8, 5, 8))).toEqual({
    reason: 'best-fit',
    shares: [{ uuid: 'GPU-1a', vramMb: 6 }],
  });
});

test('one that no GPU holds is spread over as few as will do, and only as many as it may take', () => {
  const gpus = gpusOf(4, 10, 7);
  expect(placeOnGpus(12, gpus)).toBeUndefined();
  expect(placeOnGpus(12, gpus, 2)).toEqual({
    reason: 'spread',
    shares: [
      { uuid: 'GPU-1a', vramMb: 10 },
      { uuid: 'GPU-2a', vramMb: 2 },
    ],
  });
  expect(placeOnGpus(18, gpus, 2)).toBeUndefined();
  expect(placeOnGpus(18, gpus, 3)?.shares).toHaveLength(3);
});

test('a placement takes what was asked and no more than there is, and is found whenever there is one', () => {
  fc.assert(
    fc.property(
      fc.nat(40),
      fc.array(fc.nat(16), { maxLength: 6 }),
      fc.integer({ min: 1, max: 6 }),
      (asked, free, most) => {
        const gpus = gpusOf(...free);
        const placement = placeOnGpus(asked, gpus, most);
        const best = free.toSorted((a, b) => b - a).slice(0, most);
        const can = best.reduce((sum, freeMb) => sum + freeMb, 0) >= asked;
        expect(placement !== undefined).toBe(can);
        if (placement === undefined) return;
        expect(placement.shares.reduce((sum, { vramMb }) => sum + vramMb, 0)).toBe(asked);
        for (const { uuid, vramMb } of placement.shares) {
          expect(vramMb).toBeLessThanOrEqual(gpus.find((gpu) => gpu.uuid === uuid)?.freeMb ?? -1);
        }
      },
    ),
  );
});

test('a CUDA_VISIBLE_DEVICES leaves the GPUs it names, up to the first that is not there', () => {
  const gpus = gpusOf(1, 2, 3);
  const named = (value: string | undefined) => visibleGpus(value, gpus).map(({ freeMb }) => freeMb);
  expect(named(undefined)).toEqual([1, 2, 3]);
  expect(named('')).toEqual([]);
  expect(named('2, 0')).toEqual([3, 1]);
  expect(named('GPU-1')).toEqual([2]);
  expect(named('GPU-')).toEqual([]);
  expect(named('1,7,0')).toEqual([2]);
  expect(named('-1,0')).toEqual([]);
});
