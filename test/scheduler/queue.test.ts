import { describe, expect, it } from 'vitest';
import type { Asking, MemoryView } from '../../src/scheduler/policies/policy.ts';
import { queue } from '../../src/scheduler/policies/queue.ts';
import type { Resident } from '../../src/scheduler/resident.ts';

const mib = (vramMb: number) => ({ vramMb, ramMb: 0, slots: 0 });
const spare = {
  plugin: 'pool',
  generation: 1,
  standing: 'busy',
  surplus: true,
  since: 0,
  rank: 0,
  need: mib(10),
} as Resident;

/** A house of 1,000 MiB that busy residents hold, of which surplus ones so much; counts the residents that are read. */
function houseWith(surplus: number) {
  const read = { count: 0 };
  const memory: MemoryView = {
    capacity: mib(1_000),
    free: mib(0),
    pinned: mib(0),
    evictable: mib(0),
    yieldable: mib(1_000),
    yieldableSurplus: mib(surplus),
    candidates: () => [],
    *busy() {
      for (let at = 0; at < surplus / 10; at += 1) {
        read.count += 1;
        yield { ...spare, plugin: `pool-${at}` };
      }
    },
    together: () => () => true,
    residents: () => [],
  };
  return { memory, read };
}

describe('The queue policy', () => {
  const asking = { plugin: 'first', generation: 1, need: mib(500), at: 0, further: false } as Asking;

  it('has busy surplus instances yield for the first one of another plugin, once that waited for a second', () => {
    const { memory } = houseWith(600);
    expect(queue(30_000)(asking, memory, 999)).toMatchObject({ outcome: 'wait', again: 1_000 });
    const verdict = queue(30_000)(asking, memory, 1_000);
    expect(verdict).toMatchObject({ outcome: 'evict', reason: 'fits-after-sparing' });
    expect(verdict).toHaveProperty('victims.length', 50);
  });

  it('does not read them one by one where all of them together are not enough', () => {
    const { memory, read } = houseWith(400);
    expect(queue(30_000)(asking, memory, 1_000)).toMatchObject({ outcome: 'wait', again: 30_000 });
    expect(read.count).toBe(1);
  });
});
