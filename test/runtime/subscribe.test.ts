import { expect, test } from 'vitest';
import type { PluginSnapshot } from '../../src/index.ts';
import { openRoom, type Room } from './greenroom.ts';

/** Resolves when a subscriber of the whole supervisor is shown such a plugin. */
function shown(room: Room, isSuch: (plugin: PluginSnapshot) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const off = room.supervisor.subscribe(({ plugins }) => {
      if (!plugins.some(isSuch)) return;
      // The first call comes before there is anything to call off.
      setImmediate(() => off());
      resolve();
    });
  });
}

test('who subscribes is shown a worker that was replaced, though its plugin has entered no state', async () => {
  const room = await openRoom({ workbench: { fixture: 'workbench' } });
  await room.supervisor.load('workbench');
  const { pid } = room.snapshot('workbench');
  const replaced = shown(room, (plugin) => plugin.generation === 2 && plugin.pid !== pid);
  await Promise.all([replaced, room.supervisor.reload('workbench')]);
  expect(room.path('workbench').at(-1)).toBe('ready.ready');
});

test('who subscribes is shown that a plugin was disabled', async () => {
  const room = await openRoom({ workbench: { fixture: 'workbench' } });
  const disabled = shown(room, ({ enabled }) => !enabled);
  room.supervisor.disable('workbench');
  await disabled;
});
