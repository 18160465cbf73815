import { expect, test } from 'vitest';
import { pluginSettings } from '../../src/settings/plugin-settings.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';

test.each([
  ['a manifest, before all else', { start_timeout_ms: 1_000 }, { startTimeoutMs: 2_000 }, 1_000],
  ['the settings of the supervisor', {}, { startTimeoutMs: 2_000 }, 2_000],
  ['nobody', {}, {}, 30_000],
  [
    'nobody, for a worker of the older system, whose plugins load models in their initialise',
    { worker: 'cjm' },
    {},
    300_000,
  ],
])('how long a start may take is said by %s', (_by, manifest, settings, startMs) => {
  const whole = { name: 'plugin', worker: 'node' as const, module: '../p.mjs', ...manifest };
  expect(
    pluginSettings(whole as never, resolveSettings({ dataDir: '/', ...settings }, { env: {}, cwd: '/' })).startMs,
  ).toBe(startMs);
});
