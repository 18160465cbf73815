import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseGpuProcesses, parseGpus, readGpuProcesses, readGpus } from '../../src/actors/nvidia-smi.ts';

const command = (name: string): string => fileURLToPath(new URL(`../fixtures/processes/${name}`, import.meta.url));

test('GPUs are read', () => {
  const text =
    'GPU-5a1b2c3d-0000-1111-2222-333344445555, 0, NVIDIA GeForce RTX 4090, 24564, 23500, 1064\n' +
    'GPU-6a1b2c3d-0000-1111-2222-333344445555, 1, NVIDIA H200, 143771, 143164, 0\n';
  expect(parseGpus(text)).toEqual([
    {
      uuid: 'GPU-5a1b2c3d-0000-1111-2222-333344445555',
      index: 0,
      name: 'NVIDIA GeForce RTX 4090',
      totalMb: 24_564,
      freeMb: 23_500,
      usedMb: 1_064,
    },
    {
      uuid: 'GPU-6a1b2c3d-0000-1111-2222-333344445555',
      index: 1,
      name: 'NVIDIA H200',
      totalMb: 143_771,
      freeMb: 143_164,
      usedMb: 0,
    },
  ]);
});

test.each(['[N/A]', '[Not Supported]', '[Insufficient Permissions]', 'N/A', '[Unknown Error]'])(
  'a figure of %s is null',
  (figure) => {
    expect(parseGpus(`GPU-1, 0, NVIDIA GB10, ${figure}, ${figure}, ${figure}\n`)).toMatchObject([
      { name: 'NVIDIA GB10', totalMb: null, freeMb: null, usedMb: null },
    ]);
    expect(parseGpuProcesses(`77, GPU-1, ${figure}\r\n`)).toEqual([{ pid: 77, gpuUuid: 'GPU-1', usedMb: null }]);
  },
);

test('processes are read, those on a part of a GPU too', () => {
  expect(parseGpuProcesses('77, GPU-1, 512\n78, MIG-4f0c2b9e-1, 1024\n')).toEqual([
    { pid: 77, gpuUuid: 'GPU-1', usedMb: 512 },
    { pid: 78, gpuUuid: 'MIG-4f0c2b9e-1', usedMb: 1024 },
  ]);
  expect(parseGpuProcesses('')).toEqual([]);
});

test.each([
  'No devices were found\n',
  'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.\n',
  'GPU-1, 0, NVIDIA A100, 40960, 40000, 960\nUnable to determine the device handle\n',
])('%j is no answer', (text) => {
  expect(parseGpus(text)).toBeNull();
  expect(parseGpuProcesses(text)).toBeNull();
});

test('a machine without the tool has no GPUs, and that is no reason for a warning', async () => {
  const warnings: string[] = [];
  expect(await readGpus({ command: 'nowhere-smi', onWarning: (text) => warnings.push(text) })).toEqual([]);
  expect(warnings).toEqual([]);
});

test('the tool is asked for what is parsed', async () => {
  expect(await readGpus({ command: command('nvidia-smi') })).toMatchObject([{ uuid: 'GPU-1', totalMb: 24_564 }]);
  expect(await readGpuProcesses({ command: command('nvidia-smi') })).toMatchObject([{ pid: 77, usedMb: 512 }]);
});

test('nonsense and failure are warned about once each', async () => {
  for (const [name, said] of [
    ['nvidia-smi-nonsense', /answered "hello/],
    ['nvidia-smi-failed', /failed: .*driver/],
  ] as const) {
    const warnings: string[] = [];
    expect(await readGpus({ command: command(name), onWarning: (text) => warnings.push(text) })).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(said)]);
  }
});

test('a tool that hangs is given up at the deadline, or at the signal', async () => {
  const warnings: string[] = [];
  const hung = command('nvidia-smi-hung');
  const onWarning = (text: string): void => void warnings.push(text);
  expect(await readGpus({ command: hung, onWarning })).toEqual([]);
  expect(await readGpus({ command: hung, onWarning, signal: AbortSignal.abort() })).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('did not answer'), expect.stringContaining('given up')]);
});
