import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { ProcessSample } from '../../src/measure/process-sample.ts';
import { createTreeSampler, listProcesses, treeOf } from '../../src/measure/process-tree.ts';
import { readTreeMemories } from '../../src/measure/tree-memory.ts';

const sample = (pid: number, ppid: number, pgid: number, cpuMs = 0, ageMs = 1_000): ProcessSample => ({
  pid,
  ppid,
  pgid,
  cpuMs,
  ageMs,
  rssBytes: 2 ** 20,
});

test('a tree is the root, what descends from it and what is in its group', () => {
  const processes = [
    sample(10, 1, 10),
    sample(11, 10, 10),
    sample(12, 11, 12),
    sample(13, 1, 10),
    sample(14, 13, 14),
    sample(20, 1, 20),
    sample(21, 20, 20),
  ];
  expect(
    treeOf(10, processes)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b),
  ).toEqual([10, 11, 12, 13, 14]);
  expect(
    treeOf([12, 20], processes)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b),
  ).toEqual([12, 20, 21]);
  expect(treeOf(99, processes)).toEqual([]);
});

test('the share of the processor is since the start, then since the last sample', async () => {
  const states = [
    [sample(10, 1, 10, 300, 1_000), sample(11, 10, 10, 200, 500)],
    // One child has ended, another has come.
    [sample(10, 1, 10, 800, 2_000), sample(12, 10, 10, 250, 300)],
    [sample(10, 1, 10, 40, 100)],
    [],
  ];
  const sampler = createTreeSampler(async () => states.shift() ?? []);
  expect(await sampler.sample(10)).toEqual({
    pid: 10,
    cpuPercent: 50,
    memoryRssMb: 2,
    processes: 2,
    uptimeMs: 1_000,
  });
  expect(await sampler.sample(10)).toMatchObject({ cpuPercent: 75, processes: 2 });
  // The same number, but a younger process.
  expect(await sampler.sample(10)).toMatchObject({ cpuPercent: 40, uptimeMs: 100 });
  expect(await sampler.sample(10)).toEqual({
    pid: 10,
    cpuPercent: null,
    memoryRssMb: null,
    processes: null,
    uptimeMs: null,
  });
});

test('a real tree is measured', async () => {
  const child = spawn('/bin/sh', ['-c', 'sleep 300 & echo up; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const stats = await createTreeSampler().sample(child.pid ?? 0);
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  await once(child, 'exit');
  expect(stats).toMatchObject({ pid: child.pid, processes: 2 });
  expect(stats.memoryRssMb).toBeGreaterThan(0);
});

test('the age of a process is what Node says of itself', async () => {
  const own = (await listProcesses()).find(({ pid }) => pid === process.pid);
  expect(own?.ageMs).toBeGreaterThanOrEqual(process.uptime() * 1000 - 1_000);
  expect(own?.cpuMs).toBeGreaterThan(0);
});

test('lists the processes once for all trees that are asked for in one turn', async () => {
  const root = { ppid: 1, cpuMs: 0, ageMs: 1_000, rssBytes: 2 ** 20 };
  let listings = 0;
  const sampler = createTreeSampler(async () => {
    listings += 1;
    return [1, 2, 3].map((pid) => ({ ...root, pid: pid * 10, pgid: pid * 10 }));
  });
  const stats = await Promise.all([10, 20, 30].map((pid) => sampler.sample(pid)));
  expect(stats.map(({ processes, memoryRssMb }) => [processes, memoryRssMb])).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  expect(listings).toBe(1);
  await sampler.sample(10);
  expect(listings).toBe(2);
});

test('the event loop may turn between any two processes and any two trees that are measured', async () => {
  let pauses = 0;
  const pause = async (): Promise<void> => {
    pauses += 1;
  };
  const processes = Array.from({ length: 100 }, (_, index) => sample(100 + index, 1, 100 + index));
  const sampler = createTreeSampler(async () => processes, pause);
  await Promise.all(processes.map(({ pid }) => sampler.sample(pid)));
  // Each process is sorted, and then each tree is measured.
  expect(pauses).toBe(200);
});

test.runIf(process.platform === 'linux')('the event loop may turn while the memory of workers is read', async () => {
  let pauses = 0;
  const own = Array.from({ length: 100 }, () => process.pid);
  const memories = await readTreeMemories(own, async () => {
    pauses += 1;
  });
  expect(memories.get(process.pid)?.rssMb).toBeGreaterThan(0);
  // This process at least is read and sorted, and the trees are measured.
  expect(pauses).toBeGreaterThanOrEqual(own.length + 2);
});
