import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  becomes,
  door,
  failure,
  type ManifestOf,
  type OpenedSupervisor,
  openSupervisor,
  startCall,
} from './greenroom.ts';

const A = 'GPU-aaaaaaaa-0000-4000-8000-000000000001';
const B = 'GPU-bbbbbbbb-0000-4000-8000-000000000002';
const TWO = `${A}, 0, 10000, 10000, 0, NVIDIA Test\\n${B}, 1, 8000, 8000, 0, NVIDIA Test\\n`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-smi-'));
  // First on the path, so that it counts also where there is a real one.
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
  vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** An nvidia-smi of these GPUs, on which nobody is seen to compute; it is slow once if there is a file `slow`. */
function smi(gpus: string): void {
  writeFileSync(
    join(folder, 'nvidia-smi'),
    `#!/bin/sh
case $1 in
  --query-gpu=*)
    if [ -e ${join(folder, 'slow')} ]; then rm ${join(folder, 'slow')}; sleep 0.6; fi
    printf 'uuid, index, memory.total [MiB], memory.free [MiB], memory.used [MiB], name\\n${gpus}' ;;
  *) printf 'pid, gpu_uuid, used_gpu_memory [MiB]\\n' ;;
esac
`,
    { mode: 0o755 },
  );
}

const model = (mb: number, more: ManifestOf = {}): ManifestOf => {
  const { resources, ...rest } = more;
  return { fixture: 'workbench', resources: { min_gpu_vram_mb: mb, ...(resources as object) }, ...rest };
};

/** What a worker really sees; it is without calls then. */
async function devicesOf(opened: OpenedSupervisor, name: string): Promise<string | undefined> {
  const { env } = await opened.supervisor.execute<{ env: Record<string, string> }>(name, { do: 'world' });
  await becomes(opened, name, { state: 'ready' });
  return env['CUDA_VISIBLE_DEVICES'];
}

test('plugins that fill most of a GPU each get one of their own, and the next gets that of the least recently used', async () => {
  // Slower than a decision waits for the monitor, as without a persistent driver.
  smi(TWO);
  writeFileSync(join(folder, 'slow'), '');
  const opened = await openSupervisor({ a: model(7_000), b: model(7_000), c: model(7_000) }, { policy: 'queue' });
  const { supervisor } = opened;
  expect(await devicesOf(opened, 'a')).toBe(B);
  expect(await devicesOf(opened, 'b')).toBe(A);
  expect(await devicesOf(opened, 'c')).toBe(B);
  expect(opened.snapshot('a')).toMatchObject({ state: 'released', phase: 'warm' });
  const { holdings, decision, lines } = supervisor.explain('c');
  expect(holdings).toMatchObject([{ gpus: [B], holds: { vramMb: 7_000, gpus: { [B]: 7_000 } } }]);
  expect(decision).toMatchObject({ outcome: 'grant', place: { [B]: 7_000 } });
  expect(lines).toContain('place    6.8 GiB on GPU-bbbbbbbb');
  expect(lines.join('\n')).toMatch(
    /^holds {4}6\.8 GiB of GPU memory \(6\.8 GiB on GPU-bbbbbbbb\) and 1 slot, for worker 1/m,
  );
  expect(supervisor.explain('a').eviction).toMatchObject({
    plugin: 'c',
    chosen: [{ plugin: 'a' }],
    place: { [B]: 7_000 },
  });
  // Not the least recently used, which is on the other GPU, goes for the warm worker.
  expect(await devicesOf(opened, 'a')).toBe(B);
  expect([opened.snapshot('a').generation, opened.snapshot('b').state]).toEqual([1, 'ready']);
});

test('a warm worker whose GPU is busy is started anew on another, while its call waits', async () => {
  smi(TWO);
  const a = model(7_000, { resources: { idle_release_ms: 50 } });
  const opened = await openSupervisor({ a, b: model(7_000) }, { policy: 'queue' });
  const { supervisor } = opened;
  await supervisor.execute('a');
  expect(supervisor.explain('a').holdings[0]?.gpus).toEqual([B]);
  await becomes(opened, 'a', { state: 'released', phase: 'warm' });
  const { file, open } = door(opened);
  const working = startCall(opened, 'b', { do: 'wait', for: file });
  await working.running;
  expect(supervisor.explain('b').holdings[0]?.gpus).toEqual([B]);
  await supervisor.execute('a');
  expect(supervisor.explain('a').holdings[0]).toMatchObject({ generation: 2, gpus: [A] });
  open();
  await working.result;
});

test('what fits the sum and no single GPU is refused, or spread if its manifest allows it', async () => {
  smi(TWO);
  const opened = await openSupervisor(
    { narrow: model(12_000), wide: model(12_000, { resources: { gpus: 2 } }) },
    { policy: 'queue' },
  );
  const error = await failure(opened.supervisor.load('narrow'));
  expect(error).toMatchObject({ code: 'E_REFUSED', details: { reason: 'fits-no-gpu' } });
  expect(error.message).toContain('free: 17.6 GiB of GPU memory (9.8 GiB on GPU-aaaaaaaa, 7.8 GiB on GPU-bbbbbbbb)');
  expect(await devicesOf(opened, 'wide')).toBe(`${A},${B}`);
  const { lines } = opened.supervisor.explain('wide');
  expect(lines).toContain('needs    11.7 GiB of GPU memory and 1 slot, over up to 2 GPUs');
  expect(opened.supervisor.status().scheduling.reserved).toMatchObject({ gpus: { [A]: 6_000, [B]: 6_000 } });
});

test('the CUDA_VISIBLE_DEVICES of a manifest says which GPU, and where it asks for no memory, stays as it is', async () => {
  smi(TWO);
  const first = { env_vars: { CUDA_VISIBLE_DEVICES: 0 } };
  const opened = await openSupervisor(
    { first: model(7_000, first), cpu: model(0, first), none: model(1, { env_vars: { CUDA_VISIBLE_DEVICES: '' } }) },
    { policy: 'queue' },
  );
  expect(await devicesOf(opened, 'first')).toBe(A);
  expect(await devicesOf(opened, 'cpu')).toBe('0');
  expect(await failure(opened.supervisor.load('none'))).toMatchObject({ details: { reason: 'fits-no-gpu' } });
});

test('a worker that replaces another may be on another GPU', async () => {
  smi(TWO);
  const opened = await openSupervisor({ a: model(7_000) }, { policy: 'queue' });
  expect(await devicesOf(opened, 'a')).toBe(B);
  await opened.supervisor.reload('a');
  expect(await devicesOf(opened, 'a')).toBe(A);
});

test('given capacities count without the tool of the driver, and the host restricts them', async () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', A.slice(0, 12));
  const capacity = { gpus: { [A]: 5_000, [B]: 5_000 } };
  const opened = await openSupervisor({ a: model(4_000), b: model(4_000) }, { capacity });
  expect(await devicesOf(opened, 'a')).toBe(A);
  expect(await devicesOf(opened, 'b')).toBe(A);
  expect(opened.snapshot('a').state).toBe('released');
});

test.each([
  ['one GPU', TWO.slice(0, TWO.indexOf('\\n') + 2), undefined],
  ['GPUs of which the host sees one', TWO, '1'],
  ['GPUs that do not tell their memory', TWO.replaceAll(/\b\d{4,5}, \d+, 0\b/g, '[N/A], [N/A], [N/A]'), undefined],
  ['no GPU', '', undefined],
])('with %s nothing is placed, and the environment stays as it is', async (_, gpus, host) => {
  smi(gpus);
  vi.stubEnv('CUDA_VISIBLE_DEVICES', host);
  const opened = await openSupervisor({ a: model(7_000) }, { policy: 'queue' });
  expect(await devicesOf(opened, 'a')).toBe(host);
  expect(opened.supervisor.explain('a').holdings).toMatchObject([{ gpus: undefined, holds: { vramMb: 7_000 } }]);
  if (host !== undefined) expect(opened.supervisor.status().scheduling.measured?.free.vramMb).toBe(8_000);
});
