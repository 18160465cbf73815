import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type GpuAmounts, sumOf } from '../../../src/scheduler/gpus/gpu-amounts.ts';
import {
  canPlace,
  mostPlaceable,
  placeAnyway,
  placeOnGpus,
  visibleGpus,
} from '../../../src/scheduler/gpus/placement.ts';

const gpusOf = (...free: readonly number[]): GpuAmounts =>
  Object.fromEntries(free.map((freeMb, at) => [`GPU-${at}a`, freeMb]));

test('a plugin goes to the one GPU that it fills best', () => {
  expect(placeOnGpus({ vramMb: 6 }, gpusOf(24, 8, 5, 8))).toEqual({ 'GPU-1a': 6 });
});

test('one that no GPU holds is spread over as few as will do, evenly, and only over as many as it may', () => {
  const room = gpusOf(4, 10, 7);
  expect(placeOnGpus({ vramMb: 12 }, room)).toBeUndefined();
  expect(placeOnGpus({ vramMb: 12, spread: 3 }, room)).toEqual({ 'GPU-1a': 6, 'GPU-2a': 6 });
  expect(placeOnGpus({ vramMb: 16, spread: 2 }, room)).toEqual({ 'GPU-1a': 9, 'GPU-2a': 7 });
  expect(placeOnGpus({ vramMb: 18, spread: 2 }, room)).toBeUndefined();
  expect(Object.keys(placeOnGpus({ vramMb: 18, spread: 3 }, room) ?? {})).toHaveLength(3);
});

test('a plugin that names its GPUs goes to none but those', () => {
  const room = gpusOf(4, 10, 7);
  expect(placeOnGpus({ vramMb: 3, on: ['GPU-1a', 'GPU-2a'] }, room)).toEqual({ 'GPU-2a': 3 });
  expect(placeOnGpus({ vramMb: 9, on: ['GPU-0a', 'GPU-2a'] }, room)).toBeUndefined();
  expect(placeOnGpus({ vramMb: 9, on: ['GPU-0a', 'GPU-2a'], spread: 2 }, room)).toEqual({ 'GPU-0a': 4, 'GPU-2a': 5 });
  expect(placeOnGpus({ vramMb: 1, on: [] }, room)).toBeUndefined();
});

test('a place takes what was asked and no more than there is, and is found whenever there is one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.nat(16), { maxLength: 6 }),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.uniqueArray(fc.nat(5)), { nil: undefined }),
      (vramMb, free, spread, named) => {
        const room = gpusOf(...free);
        const on = named?.map((at) => `GPU-${at}a`);
        const placing = { vramMb, spread, on };
        const usable = free.filter((_, at) => named?.includes(at) ?? true);
        const best = usable.toSorted((a, b) => b - a).slice(0, spread);
        const most = best.reduce((sum, freeMb) => sum + freeMb, 0);
        const place = placeOnGpus(placing, room);
        expect(place !== undefined).toBe(most >= vramMb);
        expect(canPlace(placing, room)).toBe(most >= vramMb);
        expect(mostPlaceable(placing, room)).toBe(most);
        if (place === undefined) return;
        expect(sumOf(place)).toBe(vramMb);
        const shares = Object.entries(place);
        expect(shares.length).toBeLessThanOrEqual(spread);
        if (usable.some((freeMb) => freeMb >= vramMb)) expect(shares).toHaveLength(1);
        for (const [uuid, share] of shares) {
          expect(share).toBeLessThanOrEqual(room[uuid] ?? -1);
          expect(on?.includes(uuid) ?? true).toBe(true);
        }
      },
    ),
  );
});

test('what fits nowhere waits for the emptiest GPU that can ever hold it', () => {
  const [room, ceiling] = [gpusOf(5, 3, 2), gpusOf(8, 12, 12)];
  expect(placeAnyway({ vramMb: 10 }, room, ceiling)).toEqual({ 'GPU-1a': 10 });
  expect(placeAnyway({ vramMb: 7 }, room, ceiling)).toEqual({ 'GPU-0a': 7 });
  expect(placeAnyway({ vramMb: 20, spread: 2 }, room, ceiling)).toEqual({ 'GPU-0a': 8, 'GPU-1a': 12 });
  expect(placeAnyway({ vramMb: 24, spread: 2 }, room, ceiling)).toEqual({ 'GPU-1a': 12, 'GPU-2a': 12 });
  expect(placeAnyway({ vramMb: 1, on: [] }, room, ceiling)).toBeUndefined();
});

test('a CUDA_VISIBLE_DEVICES leaves the GPUs it names, up to the first that is not there', () => {
  const uuids = ['GPU-0a', 'GPU-1a', 'GPU-2a'];
  const named = (value: string | undefined) => visibleGpus(value, uuids).map((uuid) => uuids.indexOf(uuid));
  expect(named(undefined)).toEqual([0, 1, 2]);
  expect(named('')).toEqual([]);
  expect(named('2, 0')).toEqual([2, 0]);
  expect(named('GPU-1')).toEqual([1]);
  expect(named('GPU-')).toEqual([]);
  expect(named('1,7,0')).toEqual([1]);
  expect(named('-1,0')).toEqual([]);
});
