import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemMonitor, statsOfPlugin } from '../../src/measure/system-monitor.ts';
import type { SystemStats } from '../../src/measure/system-stats.ts';
import type { RunningWorker } from '../../src/measure/worker-use.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

let folder: string;
let clock: SimulatedClock;
let problems: string[];
let workers: RunningWorker[];
let monitor: SystemMonitor;
const { PATH } = process.env;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-monitor-'));
  // First on the path, so that it counts also where there is a real one.
  process.env['PATH'] = `${folder}${delimiter}${PATH}`;
  clock = new SimulatedClock();
  problems = [];
  workers = [];
  monitor = new SystemMonitor({ clock, workers: () => workers, onProblem: (message) => problems.push(message) });
});
afterEach(() => {
  process.env['PATH'] = PATH;
  rmSync(folder, { recursive: true, force: true });
});

/** An nvidia-smi of these GPUs and processes, or one that fails. */
function smi(gpus: string, processes = ''): void {
  writeFileSync(
    join(folder, 'nvidia-smi'),
    `#!/bin/sh
case $1 in
  --query-gpu=*) printf 'uuid, index, memory.total [MiB], memory.free [MiB], memory.used [MiB], name\\n${gpus}' ;;
  *) printf 'pid, gpu_uuid, used_gpu_memory [MiB]\\n${processes}' ;;
esac
`,
    { mode: 0o755 },
  );
}

function brokenSmi(): void {
  writeFileSync(join(folder, 'nvidia-smi'), '#!/bin/sh\necho "No devices were found"\nexit 6\n', { mode: 0o755 });
}

const stats = (given: Partial<SystemStats>): SystemStats => ({ ...statsOfPlugin({}), ...given });

test('the built-in monitor tells the machine, every GPU, and what each worker uses of both', async () => {
  const child = spawn('sleep', ['300'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const pid = child.pid as number;
    smi('GPU-1, 0, 1000, 900, 100, A\\nGPU-2, 1, 2000, 500, 1500, B\\n', `${pid}, GPU-2, 700\\n1, GPU-2, 800\\n`);
    workers = [{ plugin: 'sleeper', generation: 3, pid }];
    await monitor.refresh();
    const { free, used, at } = monitor.measurement();
    expect(free).toEqual({ ramMb: expect.any(Number), vramMb: 1_400, gpus: { 'GPU-1': 900, 'GPU-2': 500 } });
    expect(free.ramMb).toBeGreaterThan(0);
    expect(used).toEqual([
      { plugin: 'sleeper', generation: 3, ramMb: expect.any(Number), vramMb: 700, gpus: { 'GPU-2': 700 } },
    ]);
    expect(used?.[0]?.ramMb).toBeGreaterThan(0);
    expect(at).toBe(clock.now());
    expect(await monitor.read()).toMatchObject({
      gpuTotalMb: 3_000,
      gpuFreeMb: 1_400,
      gpus: [{ uuid: 'GPU-1' }, { uuid: 'GPU-2' }],
    });
    expect(await monitor.gpuUseOf(pid)).toBe(700);
    expect(problems).toEqual([]);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

test('while a source fails its last figures count, at their age, until they are too old', async () => {
  smi('GPU-1, 0, 1000, 900, 100, A\\n');
  await monitor.refresh();
  const then = clock.now();
  brokenSmi();
  clock.pass(30_000);
  await monitor.refresh();
  await monitor.refresh();
  expect(problems).toEqual([expect.stringMatching(/^The GPUs cannot be read, .*No devices were found/)]);
  expect(monitor.measurement()).toMatchObject({ free: { vramMb: 900 }, at: then });
  clock.pass(31_000);
  await monitor.refresh();
  const { free, at } = monitor.measurement();
  expect(free).toEqual({ ramMb: expect.any(Number), vramMb: undefined });
  expect(at).toBe(clock.now());
  expect((await monitor.read()).gpuFreeMb).toBeUndefined();
});

test.each([
  ['1', { 'GPU-2': 500 }],
  ['GPU-1,1', { 'GPU-1': 900, 'GPU-2': 500 }],
  ['', undefined],
  ['MIG-7', undefined],
])('of a host with CUDA_VISIBLE_DEVICES=%s only the GPUs that it names are free', async (hostDevices, gpus) => {
  smi('GPU-1, 0, 1000, 900, 100, A\\nGPU-2, 1, 2000, 500, 1500, B\\n');
  monitor = new SystemMonitor({
    clock,
    hostDevices,
    workers: () => [],
    onProblem: (message) => problems.push(message),
  });
  await monitor.findGpus();
  const { free, gpus: all } = monitor.measurement();
  expect(free.gpus).toEqual(gpus);
  expect(free.vramMb).toBe(gpus && Object.values(gpus).reduce((sum, mb) => sum + mb, 0));
  // By their numbers, manifests name any.
  expect(all?.map(({ uuid }) => uuid)).toEqual(['GPU-1', 'GPU-2']);
});

test('which GPUs there are is known for longer than how much of them is free', async () => {
  smi('GPU-1, 0, 1000, 900, 100, A\\nGPU-2, 1, 2000, 500, 1500, B\\n');
  await monitor.findGpus();
  clock.pass(61_000);
  const { free, gpus } = monitor.measurement();
  expect([free.gpus, free.vramMb, gpus?.length]).toEqual([undefined, undefined, 2]);
});

test('of what is registered a sum tells no GPUs apart, and a list does', async () => {
  smi('GPU-1, 0, 1000, 900, 100, A\\nGPU-2, 1, 2000, 500, 1500, B\\n');
  monitor.use('sum', () => Promise.resolve(stats({ gpuFreeMb: 5 })));
  await monitor.refresh();
  expect(monitor.measurement()).toMatchObject({ free: { vramMb: 5, gpus: undefined }, gpus: undefined });
  const gpu = { uuid: 'GPU-9', index: 0, name: 'C', totalMb: 80, freeMb: 60, usedMb: 20 };
  monitor.use('list', () => Promise.resolve(stats({ gpus: [gpu] })));
  await monitor.refresh();
  expect(monitor.measurement()).toMatchObject({ free: { vramMb: 60, gpus: { 'GPU-9': 60 } }, gpus: [gpu] });
});

test('what is registered may leave figures out, and what it says is looked at', async () => {
  monitor.use('half', () => Promise.resolve({ memoryAvailableMb: 7 }));
  await monitor.refresh();
  expect(monitor.measurement().free.ramMb).toBe(7);
  expect(await monitor.read()).toMatchObject({ memoryAvailableMb: 7, gpus: [] });
  for (const [answer, where] of [
    [null, 'its answer'],
    [{ memoryAvailableMb: Number.NaN }, 'memoryAvailableMb'],
    [{ gpus: [{ uuid: 5 }] }, 'gpus.0.uuid'],
  ] as const) {
    monitor.use('wrong', () => Promise.resolve(answer));
    problems = [];
    await monitor.refresh();
    expect(monitor.measurement().free.ramMb).not.toBe(7);
    expect(problems).toEqual([expect.stringContaining(`"wrong" returned invalid figures: ${where}`)]);
    await expect(monitor.read()).rejects.toMatchObject({ code: 'E_OPTIONS' });
  }
});

test('GPUs that do not tell their memory are left out', async () => {
  smi('GPU-1, 0, [N/A], [N/A], [N/A], NVIDIA GB10\\n');
  await monitor.refresh();
  expect(monitor.measurement().free.vramMb).toBeUndefined();
  smi('GPU-1, 0, [N/A], [N/A], [N/A], NVIDIA GB10\\nGPU-2, 1, 1000, 900, 100, A\\n');
  await monitor.refresh();
  expect(monitor.measurement().free.vramMb).toBe(900);
});

test('what is registered counts before the built-in figures, for as much as it tells', async () => {
  smi('GPU-1, 0, 1000, 900, 100, A\\n');
  monitor.use('custom', () => Promise.resolve(stats({ gpuFreeMb: 5 })));
  await monitor.refresh();
  expect(monitor.name).toBe('custom');
  expect(monitor.measurement().free).toEqual({ vramMb: 5, ramMb: expect.any(Number) });
  expect(await monitor.read()).toEqual(stats({ gpuFreeMb: 5 }));
});

test('what is registered and fails is told of, and leaves its last figures', async () => {
  let fails = false;
  monitor.use('mine', () =>
    fails ? Promise.reject(new Error('out of order')) : Promise.resolve(stats({ memoryAvailableMb: 7 })),
  );
  await monitor.refresh();
  fails = true;
  await monitor.refresh();
  expect(monitor.measurement().free.ramMb).toBe(7);
  expect(problems).toEqual([expect.stringMatching(/^The system monitor "mine" cannot be read, .*out of order/)]);
  await expect(monitor.read()).rejects.toThrow('out of order');
});

test('where nobody decides by measurements, a warm worker is not measured', async () => {
  smi('GPU-1, 0, 1000, 900, 100, A\\n', `${process.pid}, GPU-1, 700\\n`);
  expect(await monitor.gpuUseOf(process.pid)).toBe(0);
  workers = [{ plugin: 'p', generation: 1, pid: process.pid }];
  await monitor.refresh();
  expect(await monitor.gpuUseOf(process.pid)).toBe(700);
});

test('an answer of a plugin that is none tells nothing', () => {
  for (const answer of [null, undefined, 'free', 3, { memory_available_mb: '12' }]) {
    expect(statsOfPlugin(answer)).toEqual(stats({}));
  }
  expect(statsOfPlugin({ memory_available_mb: 12, gpu_free_memory_mb: 3 })).toMatchObject({
    memoryAvailableMb: 12,
    gpuFreeMb: 3,
  });
});
