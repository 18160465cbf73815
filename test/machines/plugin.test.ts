import { expect, test } from 'vitest';
import { entryOf, KEPT, type Place, settingsOf, WAYS } from './plugin-bench.ts';
import { disable, load, pluginAt, testRows, unload } from './plugin-rows.ts';

test.each(Object.keys(WAYS) as Place[])('%s can be reached', async (place) => {
  await pluginAt(place);
});

testRows([
  // Loading and calling.
  {
    it: 'a load starts an idle plugin',
    from: 'discovered.idle',
    when: load,
    to: 'spawning.admitting',
    told: ['ACQUIRE 1'],
  },
  {
    it: 'a call starts an idle plugin',
    from: 'discovered.idle',
    when: (b) => b.call(),
    to: 'spawning.admitting',
    told: ['ACQUIRE 1'],
  },
  {
    it: 'a load starts a released plugin',
    from: 'released.cold',
    when: load,
    to: 'spawning.admitting',
    told: ['ACQUIRE 2'],
  },
  {
    it: 'a call starts a released plugin',
    from: 'released.cold',
    when: (b) => b.call(),
    to: 'spawning.admitting',
    told: ['ACQUIRE 2'],
  },
  {
    it: 'a call brings a warm worker back, under its own number',
    from: 'released.warm',
    when: (b) => b.call(),
    to: 'spawning.admitting',
    told: ['ACQUIRE 1'],
  },
  {
    it: 'a load brings a warm worker back',
    from: 'released.warm',
    when: load,
    to: 'spawning.admitting',
    told: ['ACQUIRE 1'],
  },
  {
    it: 'a load gives a plugin that was given up another chance',
    from: 'crashed.failed',
    when: (b) => {
      load(b);
      b.gone(1);
    },
    to: 'spawning.admitting',
    told: ['PLUGIN.CLEARED', 'FREED 1', 'ACQUIRE 2'],
  },
  {
    it: 'an unload forgets its crashes, also those that it was not given up for',
    from: 'crashed.backoff',
    when: unload,
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED'],
  },
  {
    it: 'a call of a plugin that was given up is refused with the cause',
    from: 'crashed.failed',
    when: (b) => b.call(),
    to: 'crashed.failed',
    callers: ['lost E_CRASHED', 'refused E_STOPPING'],
  },
  {
    it: 'a call waits for the decision about a crash',
    from: 'crashed.deciding',
    when: (b) => b.call(),
    to: 'crashed.deciding',
    callers: ['lost E_CRASHED', 'waiting'],
  },
  {
    it: 'a call waits for the end of a backoff',
    from: 'crashed.backoff',
    when: (b) => b.call(),
    to: 'crashed.backoff',
    callers: ['lost E_CRASHED', 'waiting'],
  },
  {
    it: 'a load ends a backoff',
    from: 'crashed.backoff',
    when: (b) => {
      b.gone(1);
      load(b);
    },
    to: 'spawning.admitting',
    told: ['FREED 1', 'ACQUIRE 2'],
  },
  {
    it: 'a call waits for the last worker to be gone, and then starts another',
    from: 'discovered.stopping',
    when: (b) => {
      b.call();
      expect(b.at).toBe('discovered.stopping');
      b.gone();
    },
    to: 'spawning.admitting',
    told: ['FREED 1', 'ACQUIRE 2'],
  },
  {
    it: 'a call waits for a release to end, and then brings the worker back',
    from: 'released.releasing',
    when: async (b) => {
      b.call();
      expect(b.at).toBe('released.releasing');
      await b.settle(KEPT);
    },
    to: 'spawning.admitting',
    told: ['RELEASED 1', 'ACQUIRE 1'],
  },
  // Disabling.
  {
    it: 'disabling refuses those who wait, and running calls finish',
    from: 'busy.serving',
    when: (b) => {
      b.call();
      disable(b);
      b.call();
    },
    to: 'busy.serving',
    callers: ['running', 'refused E_STOPPING', 'refused E_STOPPING'],
  },
  {
    it: 'a disabled plugin is not restarted',
    from: 'crashed.backoff',
    when: (b) => {
      disable(b);
      b.gone();
    },
    to: 'discovered.idle',
  },
  {
    it: 'an enabled plugin takes calls again',
    from: 'discovered.idle',
    when: (b) => {
      disable(b);
      b.send({ type: 'ENABLE' });
      b.call();
    },
    to: 'spawning.admitting',
    callers: ['waiting'],
  },
]);

test('a manifest of which only the description changed restarts nothing, one with other defaults is given to the plugin', async () => {
  const bench = await pluginAt('ready.ready');
  const entry = entryOf({ description: 'other' });
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  expect([bench.told, bench.reconfigured, bench.context.entry]).toEqual([[], [], entry]);
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'reconfigure' });
  expect([bench.told, bench.reconfigured]).toEqual([[], [1]]);
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'replace' });
  expect(bench.told).toEqual(['RESERVE_EXTRA 2']);
});
