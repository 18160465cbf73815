import { expect, test, vi } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import { pluginSettings } from '../../src/settings/plugin-settings.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';

vi.mock('node:os', async (original) => ({
  ...(await original<object>()),
  availableParallelism: () => 3,
  cpus: () => Array.from({ length: 8 }, () => ({})),
}));

function settingsOf(fields: Partial<Manifest>) {
  const manifest: Manifest = { name: 'plugin', worker: 'node', module: './p.mjs', ...fields };
  return pluginSettings(manifest, resolveSettings({ dataDir: '/' }, { env: {}, cwd: '/' }));
}

const times = { idleMs: 60_000, growAfterMs: 100 };

test.each<[Manifest['instances'], object]>([
  [undefined, { min: 1, max: 1, ...times }],
  [4, { min: 4, max: 4, ...times }],
  ['cores', { min: 3, max: 3, ...times }],
  [{ max: 4 }, { min: 1, max: 4, ...times }],
  [{ max: 'cores' }, { min: 1, max: 3, ...times }],
  [
    { min: 9, max: 'cores' },
    { min: 3, max: 3, ...times },
  ],
  [
    { min: 2, max: 4, idle_ms: 5, grow_after_ms: 0 },
    { min: 2, max: 4, idleMs: 5, growAfterMs: 0 },
  ],
  [
    { min: 0, max: 4 },
    { min: 1, max: 4, ...times },
  ],
])('instances of %j are so many on a machine with three cores for the program', (instances, settings) => {
  expect(settingsOf({ instances }).instances).toEqual(settings);
});

test.each<[string, Partial<Manifest>, number | undefined]>([
  ['never by itself', { instances: { max: 4 } }, undefined],
  ['never by itself, with a fixed number', { instances: 4 }, undefined],
  ['after the time of its resources', { instances: { max: 4 }, resources: { idle_release_ms: 7 } }, 7],
  ['after its idle time, if it may have none', { instances: { min: 0, max: 4 } }, 60_000],
  ['after its own idle time, if it may have none', { instances: { min: 0, max: 4, idle_ms: 5 } }, 5],
  [
    'after the time of its resources, if both are given',
    { instances: { min: 0, max: 4, idle_ms: 5 }, resources: { idle_release_ms: 7 } },
    7,
  ],
])('the last instance is released %s', (_when, fields, idleReleaseMs) => {
  expect(settingsOf(fields).idleReleaseMs).toBe(idleReleaseMs);
});
