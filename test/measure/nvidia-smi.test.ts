import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNvidiaSmi } from '../../src/measure/nvidia-smi.ts';
import { parseGpuProcesses, parseGpus } from '../../src/measure/nvidia-smi-output.ts';
import { eventually } from '../eventually.ts';
import { GPU_OUTPUTS, PROCESS_OUTPUTS } from '../fixtures/nvidia-smi/outputs.ts';

const command = (name: string): string => fileURLToPath(new URL(`../fixtures/processes/${name}`, import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-smi-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each(GPU_OUTPUTS.map((output) => [output.title, output] as const))('GPUs are read: %s', (_, { text, found }) => {
  expect(parseGpus(text)).toEqual(found);
});

test.each(PROCESS_OUTPUTS.map((output) => [output.title, output] as const))(
  'processes are read: %s',
  (_, { text, found }) => {
    expect(parseGpuProcesses(text)).toEqual(found);
  },
);

test('a machine without the tool has no GPUs', async () => {
  const smi = createNvidiaSmi({ command: 'nowhere-smi' });
  expect(await Promise.all([smi.gpus(), smi.processes()])).toEqual([[], []]);
});

test('the tool is asked for what is parsed', async () => {
  const smi = createNvidiaSmi({ command: command('nvidia-smi') });
  expect(await smi.gpus()).toMatchObject([{ uuid: 'GPU-1', totalMb: 24_564, name: 'NVIDIA GeForce RTX 4090' }]);
  expect(await smi.processes()).toMatchObject([{ pid: 77, usedMb: 512 }]);
});

test('nonsense and failure say what was wrong', async () => {
  await expect(createNvidiaSmi({ command: command('nvidia-smi-nonsense') }).gpus()).rejects.toThrow(
    /answered "hello, world/,
  );
  await expect(createNvidiaSmi({ command: command('nvidia-smi-failed') }).gpus()).rejects.toThrow(/failed: .*driver/);
});

test('a tool that hangs is given up at the deadline, ended, and then asked again', async () => {
  const file = join(folder, 'smi');
  const pids = join(folder, 'pids');
  writeFileSync(file, `#!/bin/sh\necho $$ >> '${pids}'\nexec sleep 300\n`, { mode: 0o755 });
  const smi = createNvidiaSmi({ command: file, deadlineMs: 300 });
  await expect(smi.gpus()).rejects.toThrow('did not answer within 300 ms');
  await eventually(() => expect(existsSync(`/proc/${readFileSync(pids, 'utf8').trim()}`)).toBe(false));
  writeFileSync(file, `#!/bin/sh\nexec '${command('nvidia-smi')}' "$@"\n`, { mode: 0o755 });
  await eventually(async () => expect(await smi.gpus()).toHaveLength(1));
});

test('a tool that hangs and has not ended is not started once more', async () => {
  const file = join(folder, 'smi');
  const pids = join(folder, 'pids');
  writeFileSync(file, `#!/bin/sh\necho $$ >> '${pids}'\nexec sleep 300\n`, { mode: 0o755 });
  const smi = createNvidiaSmi({ command: file, deadlineMs: 300 });
  // Within the turn in which the first is given up, so that it cannot have ended.
  const second = smi.gpus().catch(() => smi.gpus());
  await expect(second).rejects.toThrow('still hanging');
  expect(readFileSync(pids, 'utf8').trim().split('\n')).toHaveLength(1);
});
