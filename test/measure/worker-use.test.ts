import { expect, test } from 'vitest';
import { workerUse } from '../../src/measure/worker-use.ts';

const worker = (pid: number, plugin = `p${pid}`) => ({ plugin, generation: 1, pid });

test('a worker uses what its whole tree uses, on every GPU', () => {
  const trees = new Map([
    [10, { pids: [10, 11, 12], rssMb: 120, peakMb: 120 }],
    [20, { pids: [20], rssMb: 30, peakMb: 30 }],
  ]);
  const processes = [
    { pid: 11, gpuUuid: 'GPU-1', usedMb: 500 },
    { pid: 11, gpuUuid: 'GPU-2', usedMb: 100 },
    { pid: 12, gpuUuid: 'MIG-3', usedMb: 50 },
    { pid: 99, gpuUuid: 'GPU-1', usedMb: 9_000 },
  ];
  expect(workerUse([worker(10), worker(20)], trees, processes)).toEqual([
    {
      plugin: 'p10',
      generation: 1,
      ramMb: 120,
      vramMb: 650,
      gpus: { 'GPU-1': 500, 'GPU-2': 100, 'MIG-3': 50 },
    },
    { plugin: 'p20', generation: 1, ramMb: 30, vramMb: undefined },
  ]);
});

test('a figure that the driver does not tell is none, and a worker that is gone has none', () => {
  const trees = new Map([[10, { pids: [10], rssMb: 120, peakMb: 120 }]]);
  expect(workerUse([worker(10), worker(30)], trees, [{ pid: 10, gpuUuid: 'GPU-1', usedMb: null }])).toEqual([
    { plugin: 'p10', generation: 1, ramMb: 120, vramMb: undefined },
  ]);
});
