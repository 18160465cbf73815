import { expect, test } from 'vitest';
import type { PluginSnapshot } from '../../src/index.ts';
import { type OpenedSupervisor, openSupervisor } from './greenroom.ts';

/** Resolves when a subscriber of the whole supervisor is shown such a plugin. */
function shown(opened: OpenedSupervisor, isSuch: (plugin: PluginSnapshot) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const off = opened.supervisor.subscribe(({ plugins }) => {
      if (!plugins.some(isSuch)) return;
      // The first call comes before there is anything to call off.
      setImmediate(() => off());
      resolve();
    });
  });
}

test('who subscribes is shown a worker that was replaced, though its plugin has entered no state', async () => {
  const opened = await openSupervisor({ workbench: { fixture: 'workbench' } });
  await opened.supervisor.load('workbench');
  const { pid } = opened.snapshot('workbench');
  const replaced = shown(opened, (plugin) => plugin.generation === 2 && plugin.pid !== pid);
  await Promise.all([replaced, opened.supervisor.reload('workbench')]);
  expect(opened.path('workbench').at(-1)).toBe('ready.ready');
});

test('who subscribes is shown that a plugin was disabled', async () => {
  const opened = await openSupervisor({ workbench: { fixture: 'workbench' } });
  const disabled = shown(opened, ({ enabled }) => !enabled);
  opened.supervisor.disable('workbench');
  await disabled;
});
