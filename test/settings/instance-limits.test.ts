import { expect, test, vi } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import { queue } from '../../src/scheduler/policies/queue.ts';
import { instanceIssues } from '../../src/settings/instance-limits.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import type { SupervisorSettings } from '../../src/settings/schema.ts';

vi.mock('node:os', async (original) => ({
  ...(await original<object>()),
  availableParallelism: () => 16,
}));

function issuesOf(fields: Partial<Manifest>, settings: SupervisorSettings) {
  const manifest: Manifest = { name: 'plugin', worker: 'node', module: './p.mjs', ...fields };
  return instanceIssues(manifest, resolveSettings({ dataDir: '/', ...settings }, { env: {}, cwd: '/' }));
}

const ram = { min_system_ram_mb: 2_048 };
const vram = { min_gpu_vram_mb: 8_000 };
const next = '; lower it, or raise the capacity';

test.each<[string, Partial<Manifest>, SupervisorSettings['capacity'], [string, string][]]>([
  [
    'memory',
    { instances: { max: 8 }, resources: ram },
    { ramMb: 8_192 },
    [['instances.max', '8 instances need 16384 MiB of memory, the capacity is 8192 MiB: at most 4 fit']],
  ],
  [
    'memory, by the fewest too',
    { instances: { min: 6, max: 8 }, resources: ram },
    { ramMb: 8_192.5 },
    [
      ['instances.min', '6 instances need 12288 MiB of memory, the capacity is 8192 MiB: at most 4 fit'],
      ['instances.max', '8 instances need 16384 MiB of memory, the capacity is 8192 MiB: at most 4 fit'],
    ],
  ],
  [
    'memory of which not one has enough',
    { instances: { max: 2 }, resources: ram },
    { ramMb: 1_000 },
    [['instances.max', '2 instances need 4096 MiB of memory, the capacity is 1000 MiB: not even one fits']],
  ],
  [
    'slots',
    { instances: 'cores' },
    { slots: 4 },
    [['instances', '16 instances ("cores" on this machine) need 16 slots, the capacity is 4: at most 4 fit']],
  ],
  [
    'what is scarcest',
    { instances: 8, resources: ram },
    { ramMb: 8_192, slots: 1 },
    [['instances', '8 instances need 8 slots, the capacity is 1: at most 1 fits']],
  ],
  [
    'GPU memory',
    { instances: 4, resources: vram },
    { vramMb: 24_000 },
    [['instances', '4 instances need 32000 MiB of GPU memory, the capacity is 24000 MiB: at most 3 fit']],
  ],
  [
    'GPUs of which each has enough for one',
    { instances: 3, resources: vram },
    { gpus: { a: 12_000, b: 12_000 } },
    [
      [
        'instances',
        '3 instances need 8000 MiB of GPU memory each, on one GPU, the capacity is 12000 + 12000 MiB: at most 2 fit',
      ],
    ],
  ],
  [
    'nothing: over several GPUs they fit',
    { instances: 3, resources: { ...vram, gpus: 2 } },
    { gpus: { a: 12_000, b: 12_000 } },
    [],
  ],
  ['nothing: as many as fit', { instances: { min: 4, max: 4 }, resources: ram }, { ramMb: 8_192, slots: 4 }, []],
  ['nothing: no memory is needed', { instances: 1_000 }, { ramMb: 0 }, []],
  ['nothing: one is not several', { instances: 1, resources: ram }, { ramMb: 1 }, []],
  ['nothing: instances are not asked for', { resources: ram }, { ramMb: 1 }, []],
])('a manifest asks for more instances than the capacity holds: %s', (_what, fields, capacity, issues) => {
  const expected = issues.map(([field, reason]) => ({ field, reason: reason + next }));
  expect(issuesOf(fields, { capacity })).toEqual(expected);
});

test('under policies that may grant more than the capacity, no number of instances is too large', () => {
  const many = { instances: 8, resources: ram };
  const own = { name: 'own', measures: false, decide: queue(1) };
  for (const [policy, issues] of [
    ['safety', 1],
    ['permissive', 0],
    [own, 0],
  ] as const)
    expect(issuesOf(many, { policy, capacity: { ramMb: 8_192 } })).toHaveLength(issues);
});
