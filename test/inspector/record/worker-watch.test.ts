import { expect, it, onTestFinished } from 'vitest';
import { WorkerWatch } from '../../../src/inspector/record/worker-watch.ts';

it('measures all workers from one listing, and tells of none whose process is gone', async () => {
  const workers = Array.from({ length: 1_000 }, (_, index) => ({ plugin: `p${index}`, pid: 1_000_000 + index * 2 }));
  let listings = 0;
  const list = async () => {
    listings += 1;
    // The last is gone, and what it has started lives on. Each is busy all the time, its child half of it.
    return workers.flatMap(({ pid }, index) => {
      const shared = { pgid: pid, ageMs: listings * 1_000, rssBytes: 2 ** 20 };
      const child = { ...shared, pid: pid + 1, ppid: pid, cpuMs: listings * 500 };
      return index === workers.length - 1 ? [child] : [{ ...shared, pid, ppid: 1, cpuMs: listings * 1_000 }, child];
    });
  };
  const measured = new Map<string, readonly number[]>();
  const rounds: (() => void)[] = [];
  const round = (): Promise<void> => new Promise((resolve) => rounds.push(resolve));
  const watch = new WorkerWatch({
    workers: () => workers,
    onUse: ({ plugin }, { memoryMb, cpuPercent }) => measured.set(plugin, [memoryMb, cpuPercent]),
    onRound: () => rounds.shift()?.(),
    onError: (error) => expect.unreachable(String(error)),
    list,
  });
  onTestFinished(() => watch.stop());
  for (const time of [1, 2]) {
    const done = round();
    watch.look(true);
    await done;
    expect(listings).toBe(time);
    expect(measured.size).toBe(workers.length - 1);
    expect(measured.has('p999')).toBe(false);
    expect(new Set([...measured.values()].map(String))).toEqual(new Set(['2,150']));
    await new Promise((resolve) => setImmediate(resolve));
  }
});
