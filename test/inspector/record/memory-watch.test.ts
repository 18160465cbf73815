import { expect, it, onTestFinished } from 'vitest';
import { watchMemoryOf } from '../../../src/inspector/record/memory-watch.ts';

it('measures all workers from one listing, and tells of none whose process is gone', async () => {
  const workers = Array.from({ length: 1_000 }, (_, index) => ({ plugin: `p${index}`, pid: 1_000_000 + index * 2 }));
  let listings = 0;
  const list = async () => {
    listings += 1;
    // The last is gone, and what it has started lives on.
    return workers.flatMap(({ pid }, index) => {
      const shared = { pgid: pid, cpuMs: 0, ageMs: 1, rssBytes: 2 ** 20 };
      const child = { ...shared, pid: pid + 1, ppid: pid };
      return index === workers.length - 1 ? [child] : [{ ...shared, pid, ppid: 1 }, child];
    });
  };
  const measured = new Map<string, number>();
  await new Promise<void>((resolve, reject) => {
    const stop = watchMemoryOf(
      () => workers,
      ({ plugin }, memoryMb) => {
        measured.set(plugin, memoryMb);
        if (measured.size === workers.length - 1) setImmediate(resolve);
      },
      reject,
      list,
    );
    onTestFinished(stop);
  });
  expect(listings).toBe(1);
  expect(measured.has('p999')).toBe(false);
  expect(new Set(measured.values())).toEqual(new Set([2]));
});
