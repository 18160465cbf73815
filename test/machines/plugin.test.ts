import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { GreenroomError } from '../../src/errors.ts';
import { entryOf, ERROR, KEPT, OVERSIZED, type Place, PluginBench, settingsOf, to, WAYS } from './plugin-bench.ts';

const benches: PluginBench[] = [];

afterEach(() => {
  for (const bench of benches.splice(0)) bench.stop();
});

async function at(place: Place): Promise<PluginBench> {
  const bench = new PluginBench();
  benches.push(bench);
  await to(bench, place);
  expect(bench.at).toBe(place);
  bench.told = [];
  return bench;
}

test.each(Object.keys(WAYS) as Place[])('%s can be reached', async (place) => {
  await at(place);
});

/** From a state, what happens, and where it leads; then what the others were told, and what became of the callers. */
interface Row {
  readonly it: string;
  readonly from: Place;
  readonly when: (bench: PluginBench) => unknown;
  readonly to: string;
  readonly told?: readonly string[];
  readonly callers?: readonly string[];
}

const load = (b: PluginBench): void => b.send({ type: 'LOAD' });
const unload = (b: PluginBench): void => b.send({ type: 'UNLOAD', error: ERROR });
const remove = (b: PluginBench): void => b.send({ type: 'REMOVE', error: ERROR });
const SHORT = new GreenroomError('E_REMOTE', 'No memory.', {
  remote: { type: 'MemoryError', message: 'No memory.', category: 'resource', retryable: false },
});
/** From its next idle time on. */
const limitIdle = async (b: PluginBench): Promise<void> => {
  const entry = entryOf({ resources: { idle_release_ms: 1_000 } });
  b.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  b.call();
  await b.answer();
};
const release = (b: PluginBench): void => b.send({ type: 'RELEASE' });
const giveWay = (b: PluginBench): void => b.send({ type: 'YIELD' });
const disable = (b: PluginBench): void => b.send({ type: 'DISABLE', error: ERROR });
const replace = (b: PluginBench): void => b.send({ type: 'REPLACE' });

const rows: readonly Row[] = [
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

  // Admission.
  {
    it: 'a grant launches a worker',
    from: 'spawning.admitting',
    when: (b) => b.granted(),
    to: 'spawning.launching',
    told: ['worker 1 start'],
  },
  {
    it: 'a grant resumes a warm worker',
    from: 'released.warm',
    when: (b) => {
      b.call();
      b.granted();
    },
    to: 'spawning.resuming',
  },
  {
    it: 'a warm worker whose GPU has no room ends, and room is asked for a new one when it is gone',
    from: 'released.warm',
    when: (b) => {
      b.call();
      b.send({ type: 'START_COLD', generation: 1 });
      expect(b.told).toEqual(['ACQUIRE 1', 'worker 1 STOP']);
      b.gone(1);
    },
    to: 'spawning.admitting',
    told: ['ACQUIRE 1', 'worker 1 STOP', 'FREED 1', 'ACQUIRE 2'],
  },
  {
    it: 'a warm worker that nobody wants any more need not start anew',
    from: 'released.warm',
    when: (b) => b.send({ type: 'START_COLD', generation: 1 }),
    to: 'released.warm',
    told: [],
  },
  {
    it: 'a grant of another generation goes back',
    from: 'spawning.admitting',
    when: (b) => b.granted(7),
    to: 'spawning.admitting',
    told: ['RETURNED 7'],
  },
  {
    it: 'room for a worker is asked for only when the one before is gone',
    from: 'discovered.stopping',
    when: (b) => {
      load(b);
      expect(b.at).toBe('spawning.admitting');
      b.gone(1);
    },
    to: 'spawning.admitting',
    told: ['FREED 1', 'ACQUIRE 2'],
  },
  {
    it: 'a refusal leads back, and callers get its reason',
    from: 'spawning.admitting',
    when: (b) => b.refused(),
    to: 'discovered.idle',
    callers: ['refused E_REFUSED'],
  },
  {
    it: 'a refusal of a warm worker leaves it warm',
    from: 'released.warm',
    when: (b) => {
      b.call();
      b.refused();
    },
    to: 'released.warm',
    callers: ['refused E_REFUSED'],
  },
  {
    it: 'a refusal of a plugin that was loaded leaves it released',
    from: 'discovered.idle',
    when: (b) => {
      load(b);
      b.refused();
    },
    to: 'released.cold',
  },
  {
    it: 'an unload withdraws the request',
    from: 'spawning.admitting',
    when: unload,
    to: 'discovered.idle',
    told: ['WITHDRAW', 'PLUGIN.CLEARED'],
    callers: ['refused E_STOPPING'],
  },
  {
    it: 'a removal withdraws the request',
    from: 'spawning.admitting',
    when: remove,
    to: 'removed',
    told: ['WITHDRAW', 'PLUGIN.REMOVED'],
    callers: ['refused E_STOPPING'],
  },
  {
    it: 'the last caller to leave withdraws the request',
    from: 'spawning.admitting',
    when: (b) => b.leave(),
    to: 'discovered.idle',
    told: ['WITHDRAW'],
  },
  {
    it: 'a caller who leaves does not withdraw what was loaded',
    from: 'discovered.idle',
    when: (b) => {
      load(b);
      b.call();
      b.leave();
    },
    to: 'spawning.admitting',
    told: ['ACQUIRE 1', 'ACQUIRE.UPDATE'],
  },
  {
    it: 'a load that waits for the worker before to be gone ends with an unload, and nothing was asked for',
    from: 'discovered.stopping',
    when: (b) => {
      load(b);
      unload(b);
      b.gone(1);
    },
    to: 'discovered.idle',
    told: ['WITHDRAW', 'PLUGIN.CLEARED', 'FREED 1'],
  },

  // A start in progress.
  {
    it: 'a worker that has shown who it is, is initialised',
    from: 'spawning.launching',
    when: (b) => b.connected(),
    to: 'spawning.initializing',
  },
  {
    it: 'a worker that is ready takes those who wait in the same step',
    from: 'spawning.initializing',
    when: (b) => b.ready(),
    to: 'busy.serving',
    told: ['BUSY 1'],
    callers: ['running'],
  },
  {
    it: 'a worker that resumed takes those who wait',
    from: 'spawning.resuming',
    when: (b) => b.settle({}),
    to: 'busy.serving',
    callers: ['running'],
  },
  {
    it: 'a worker that does not resume is replaced by a cold start',
    from: 'spawning.resuming',
    when: async (b) => {
      await b.settle(ERROR);
      b.gone(1);
    },
    to: 'spawning.admitting',
    told: ['worker 1 STOP', 'FREED 1', 'ACQUIRE 2'],
    callers: ['waiting'],
  },
  {
    it: 'a changed manifest starts over, and the callers stay',
    from: 'spawning.launching',
    when: (b) => {
      replace(b);
      b.gone(1);
    },
    to: 'spawning.admitting',
    told: ['worker 1 STOP', 'FREED 1', 'ACQUIRE 2'],
    callers: ['waiting'],
  },
  {
    it: 'a changed manifest asks again',
    from: 'spawning.admitting',
    when: replace,
    to: 'spawning.admitting',
    told: ['WITHDRAW', 'ACQUIRE 2'],
    callers: ['waiting'],
  },
  {
    it: 'a start that fails tells those who wait, and asks the supervisor',
    from: 'spawning.launching',
    when: (b) => b.failed(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
    callers: ['refused E_CRASHED'],
  },
  {
    it: 'a worker that exits while it starts has crashed',
    from: 'spawning.initializing',
    when: (b) => b.exited(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
  },
  {
    it: 'a worker that hangs while it resumes has crashed',
    from: 'spawning.resuming',
    when: (b) => b.hung(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
  },
  {
    it: 'an unload ends a start',
    from: 'spawning.launching',
    when: unload,
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP'],
    callers: ['refused E_STOPPING'],
  },

  // Serving.
  {
    it: 'the first lease makes a ready plugin busy',
    from: 'ready.ready',
    when: (b) => b.call(),
    to: 'busy.serving',
    told: ['BUSY 1'],
  },
  {
    it: 'the last lease makes a busy plugin ready',
    from: 'busy.serving',
    when: (b) => b.answer(),
    to: 'ready.ready',
    told: ['IDLE 1'],
  },
  {
    it: 'a worker that exits ends its leases at once',
    from: 'busy.serving',
    when: (b) => b.exited(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
    callers: ['lost E_CRASHED'],
  },
  {
    it: 'a worker that hangs ends its leases at once',
    from: 'busy.serving',
    when: (b) => b.hung(),
    to: 'crashed.deciding',
    callers: ['lost E_CRASHED'],
  },
  {
    it: 'a ready worker that exits has crashed',
    from: 'ready.ready',
    when: (b) => b.exited(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
  },
  {
    it: 'a call that the worker does not give up has it replaced, which is no crash',
    from: 'busy.serving',
    when: (b) => {
      b.send({ type: 'STUCK', generation: 1 });
      b.gone(1);
    },
    to: 'spawning.admitting',
    told: ['worker 1 KILL', 'FREED 1', 'ACQUIRE 2'],
    callers: ['lost E_STOPPING'],
  },
  {
    it: 'a worker that is ready for its stable period is reported',
    from: 'ready.ready',
    when: (b) => b.clock.pass(30_000),
    to: 'ready.ready',
    told: ['PLUGIN.STABLE'],
  },
  {
    it: 'the stable period goes on whether the worker has calls or not',
    from: 'busy.serving',
    when: async (b) => {
      b.clock.pass(10_000);
      await b.answer();
      b.clock.pass(10_000);
      b.call();
      b.clock.pass(9_999);
      expect(b.told).toEqual(['IDLE 1', 'BUSY 1']);
      b.clock.pass(1);
    },
    to: 'busy.serving',
    told: ['IDLE 1', 'BUSY 1', 'PLUGIN.STABLE'],
    callers: ['answered', 'running'],
  },
  {
    it: 'a worker that has crashed does not become stable',
    from: 'crashed.deciding',
    when: (b) => b.clock.pass(30_000),
    to: 'crashed.deciding',
    told: [],
  },
  {
    it: 'the stable period of a worker that comes back warm begins anew',
    from: 'ready.ready',
    when: async (b) => {
      b.clock.pass(20_000);
      release(b);
      await b.settle(true);
      b.clock.pass(20_000);
      b.call();
      b.granted();
      await b.settle({});
      b.clock.pass(29_999);
      expect(b.told).not.toContain('PLUGIN.STABLE');
      b.clock.pass(1);
      expect(b.told).toContain('PLUGIN.STABLE');
    },
    to: 'busy.serving',
  },

  // Giving way.
  { it: 'an idle plugin gives way to an eviction', from: 'ready.ready', when: release, to: 'released.releasing' },
  {
    it: 'a busy plugin does not give way to an eviction',
    from: 'busy.serving',
    when: release,
    to: 'busy.serving',
    told: ['DENIED 1'],
    callers: ['running'],
  },
  { it: 'an idle plugin that is to yield goes at once', from: 'ready.ready', when: giveWay, to: 'released.releasing' },
  {
    it: 'a busy plugin that is to yield drains, and new calls wait',
    from: 'busy.serving',
    when: (b) => {
      giveWay(b);
      b.call();
    },
    to: 'busy.draining',
    callers: ['running', 'waiting'],
  },
  {
    it: 'the last lease of a drain leads to the release',
    from: 'busy.draining',
    when: (b) => b.answer(),
    to: 'released.releasing',
  },
  {
    it: 'at its deadline a drain gives up, and serves again',
    from: 'busy.draining',
    when: (b) => b.clock.pass(10_000),
    to: 'busy.serving',
    told: ['DENIED 1'],
    callers: ['running'],
  },
  {
    it: 'a worker that yields and does not give up its calls is ended, as it would come back at them',
    from: 'busy.draining',
    when: (b) => {
      b.send({ type: 'STUCK', generation: 1 });
      b.gone();
    },
    to: 'released.cold',
    told: ['worker 1 KILL', 'FREED 1'],
    callers: ['lost E_STOPPING'],
  },
  {
    it: 'a worker that has given up its resources is kept warm',
    from: 'released.releasing',
    when: (b) => b.settle(KEPT),
    to: 'released.warm',
    told: ['RELEASED 1'],
  },
  {
    it: 'a worker that cannot give up its resources is stopped',
    from: 'released.releasing',
    when: async (b) => {
      await b.settle(undefined);
      b.gone();
    },
    to: 'released.cold',
    told: ['worker 1 STOP', 'FREED 1'],
  },
  {
    it: 'a release that fails becomes a stop',
    from: 'released.releasing',
    when: (b) => b.settle(ERROR),
    to: 'released.releasing',
    told: ['worker 1 STOP'],
  },
  {
    it: 'a release that does not answer becomes a stop',
    from: 'released.releasing',
    when: (b) => b.clock.pass(5_000),
    to: 'released.releasing',
    told: ['worker 1 STOP'],
  },
  {
    it: 'a warm worker that exits is no crash',
    from: 'released.warm',
    when: (b) => {
      b.exited();
      b.gone();
    },
    to: 'released.cold',
    told: ['FREED 1'],
  },
  {
    it: 'a warm worker makes room and goes cold',
    from: 'released.warm',
    when: (b) => {
      release(b);
      b.gone();
    },
    to: 'released.cold',
    told: ['worker 1 STOP', 'FREED 1'],
  },

  // Unloading and removing.
  {
    it: 'an unload stops an idle worker',
    from: 'ready.ready',
    when: (b) => {
      unload(b);
      b.gone();
    },
    to: 'discovered.idle',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP', 'FREED 1'],
  },
  {
    it: 'an unload drains a busy worker first',
    from: 'busy.serving',
    when: unload,
    to: 'busy.draining',
    told: ['PLUGIN.CLEARED'],
    callers: ['running'],
  },
  {
    it: 'the last lease of an unload stops the worker',
    from: 'busy.serving',
    when: async (b) => {
      unload(b);
      await b.answer();
    },
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP'],
  },
  {
    it: 'at the drain deadline of an unload the leases are rejected',
    from: 'busy.serving',
    when: (b) => {
      unload(b);
      b.clock.pass(10_000);
    },
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP'],
    callers: ['lost E_STOPPING'],
  },
  {
    it: 'an unload ends a warm worker',
    from: 'released.warm',
    when: unload,
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP'],
  },
  {
    it: 'an unload ends a backoff, and those who wait are told',
    from: 'crashed.backoff',
    when: (b) => {
      b.call();
      unload(b);
    },
    to: 'discovered.stopping',
    callers: ['lost E_CRASHED', 'refused E_STOPPING'],
  },
  {
    it: 'a removed plugin refuses callers, drains and ends',
    from: 'busy.serving',
    when: async (b) => {
      remove(b);
      b.call();
      await b.answer();
      b.gone();
    },
    to: 'removed',
    told: ['worker 1 STOP', 'FREED 1', 'PLUGIN.REMOVED'],
    callers: ['answered', 'refused E_STOPPING'],
  },
  {
    it: 'an unload does not keep a plugin that is being removed',
    from: 'busy.serving',
    when: async (b) => {
      remove(b);
      unload(b);
      await b.answer();
      b.gone();
    },
    to: 'removed',
  },
  {
    it: 'a load does not keep a plugin that is being removed',
    from: 'ready.ready',
    when: (b) => {
      remove(b);
      load(b);
      b.gone();
    },
    to: 'removed',
  },
  {
    it: 'a plugin that is being removed cannot be enabled',
    from: 'busy.serving',
    when: (b) => {
      remove(b);
      b.send({ type: 'ENABLE' });
      b.call();
    },
    to: 'busy.draining',
    callers: ['running', 'refused E_STOPPING'],
  },
  {
    it: 'a worker that hangs while its plugin is being removed is not restarted',
    from: 'busy.serving',
    when: (b) => {
      remove(b);
      b.hung();
      b.gone();
    },
    to: 'removed',
    callers: ['lost E_CRASHED'],
  },
  {
    it: 'a plugin that was given up can be removed',
    from: 'crashed.failed',
    when: (b) => {
      b.gone();
      remove(b);
    },
    to: 'removed',
  },

  // Crashes.
  {
    it: 'a restart waits for its backoff',
    from: 'crashed.deciding',
    when: (b) => b.send({ type: 'RESTART', delayMs: 100 }),
    to: 'crashed.backoff',
  },
  {
    it: 'a start that fails for want of memory is tried once more, and the callers stay',
    from: 'spawning.initializing',
    when: (b) => {
      b.send({ type: 'WORKER.FAILED', generation: 1, error: SHORT, retryable: true });
      b.gone(1);
      expect(b.context.starved).toBe(true);
    },
    to: 'spawning.admitting',
    told: ['FREED 1', 'ACQUIRE 2'],
    callers: ['waiting'],
  },
  {
    it: 'a start that fails for want of memory again is a failed start',
    from: 'spawning.initializing',
    when: (b) => {
      b.send({ type: 'WORKER.FAILED', generation: 1, error: SHORT, retryable: true });
      b.gone(1);
      b.granted();
      b.send({ type: 'WORKER.FAILED', generation: 2, error: SHORT, retryable: true });
    },
    to: 'crashed.deciding',
    callers: ['refused E_REMOTE'],
  },
  {
    it: 'a plugin of which a call ran out of memory gives up its room, to come back with more',
    from: 'busy.serving',
    when: async (b) => {
      b.send({ type: 'STARVED', generation: 1 });
      await b.answer();
      expect(b.context.starved).toBe(true);
    },
    to: 'released.releasing',
  },
  {
    it: 'an idle plugin gives up its resources when its idle time is over',
    from: 'ready.ready',
    when: async (b) => {
      await limitIdle(b);
      b.clock.pass(999);
      expect(b.at).toBe('ready.ready');
      b.clock.pass(1);
    },
    to: 'released.releasing',
  },
  {
    it: 'a call ends the idle time',
    from: 'ready.ready',
    when: async (b) => {
      await limitIdle(b);
      b.call();
      b.clock.pass(5_000);
    },
    to: 'busy.serving',
  },
  {
    it: 'who is told to go for a generation that is on its way out stays',
    from: 'ready.ready',
    when: (b) => b.send({ type: 'RELEASE', generation: 7 }),
    to: 'ready.ready',
    told: [],
  },
  {
    it: 'a warm worker says what it keeps when a grant comes that nobody wants any more',
    from: 'released.warm',
    when: (b) => b.granted(1),
    to: 'released.warm',
    told: ['RELEASED 1'],
  },
  {
    it: 'after the backoff a plugin that was ready asks for room for which nobody has to go',
    from: 'crashed.backoff',
    when: (b) => {
      b.gone(1);
      b.clock.pass(100);
    },
    to: 'spawning.admitting',
    told: ['FREED 1', 'RESERVE_EXTRA 2'],
  },
  {
    it: 'a restart that gets no room waits, released, for a call',
    from: 'crashed.backoff',
    when: (b) => {
      b.gone(1);
      b.clock.pass(100);
      b.refused();
    },
    to: 'released.cold',
  },
  {
    it: 'after the backoff a plugin that somebody waits for asks for room like any other',
    from: 'crashed.backoff',
    when: (b) => {
      b.gone(1);
      b.call();
      b.clock.pass(100);
    },
    to: 'spawning.admitting',
    told: ['FREED 1', 'ACQUIRE 2'],
  },
  {
    it: 'a restart waits for the former worker to be gone',
    from: 'crashed.backoff',
    when: (b) => {
      b.clock.pass(100);
      expect(b.at).toBe('spawning.admitting');
      b.gone(1);
      b.granted();
    },
    to: 'spawning.launching',
  },
  {
    it: 'a restart that is refused leaves the plugin released',
    from: 'crashed.backoff',
    when: (b) => {
      b.clock.pass(100);
      b.refused();
    },
    to: 'released.cold',
  },
  {
    it: 'a normal exit leaves the plugin discovered',
    from: 'crashed.deciding',
    when: (b) => {
      b.send({ type: 'STOPPED' });
      b.gone();
    },
    to: 'discovered.idle',
  },
  {
    it: 'giving up refuses those who wait with the cause',
    from: 'crashed.deciding',
    when: (b) => {
      b.call();
      b.send({ type: 'GIVE_UP', error: ERROR });
    },
    to: 'crashed.failed',
    callers: ['lost E_CRASHED', 'refused E_STOPPING'],
  },
  {
    it: 'what has never been ready and nobody waits for is not started again',
    from: 'spawning.launching',
    when: (b) => {
      b.failed();
      b.gone();
      b.send({ type: 'RESTART', delayMs: 1 });
      b.clock.pass(1);
    },
    to: 'discovered.idle',
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
];

test.each(rows)('$it', async ({ from, when, to: place, told, callers }) => {
  const bench = await at(from);
  await when(bench);
  expect(bench.at).toBe(place);
  if (told !== undefined) expect(bench.told).toEqual(told);
  if (callers !== undefined) expect(bench.callers.map(({ fate }) => fate)).toEqual(callers);
});

describe('a replacement', () => {
  test('starts beside the worker that serves, takes its calls and ends it', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    expect([bench.replacement, bench.told]).toEqual(['asking', ['RESERVE_EXTRA 2']]);
    bench.granted();
    expect([bench.replacement, bench.at]).toEqual(['starting', 'busy.serving']);
    const next = bench.call();
    bench.ready();
    expect([bench.replacement, next.at?.generation, bench.replacements]).toEqual(['swapping', 2, ['done']]);
    await bench.answer(1);
    expect(bench.told.slice(-1)).toEqual(['worker 1 STOP']);
    bench.gone(1);
    expect([bench.replacement, bench.at, bench.context.current]).toEqual(['none', 'busy.serving', 2]);
  });

  test('begins the stable period of its worker, whatever was left of that of the one before', async () => {
    const bench = await at('ready.ready');
    bench.clock.pass(20_000);
    replace(bench);
    bench.granted();
    bench.ready();
    bench.gone(1);
    bench.clock.pass(29_999);
    expect(bench.told).not.toContain('PLUGIN.STABLE');
    bench.clock.pass(1);
    expect(bench.told).toContain('PLUGIN.STABLE');
  });

  test('that is refused room drains first, and the next generation follows', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.refused();
    expect([bench.replacement, bench.at]).toEqual(['none', 'busy.draining']);
    await bench.answer();
    bench.gone(1);
    expect([bench.at, bench.told.slice(-3)]).toEqual(['spawning.admitting', ['worker 1 STOP', 'FREED 1', 'ACQUIRE 3']]);
  });

  test('that fails is reported, and the old worker goes on', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    bench.failed(2);
    expect([bench.replacement, bench.at, bench.replacements]).toEqual(['none', 'busy.serving', ['E_CRASHED']]);
    bench.gone(2);
    expect(bench.callers[0]?.fate).toBe('running');
  });

  test('that is asked for again while it starts waits for what it had started, so that there are never three', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    replace(bench);
    expect([bench.replacement, bench.told.slice(-1)]).toEqual(['none', ['worker 2 STOP']]);
    bench.gone(2);
    expect([bench.replacement, bench.told.slice(-1)]).toEqual(['asking', ['RESERVE_EXTRA 3']]);
  });

  test('ends the leases of the old worker at the drain deadline', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    bench.ready();
    bench.clock.pass(10_000);
    expect([bench.callers[0]?.fate, bench.told.slice(-1)]).toEqual(['lost E_STOPPING', ['worker 1 STOP']]);
  });

  test('whose old worker exits ends its leases at once', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    bench.ready();
    bench.exited(1);
    await turn();
    expect([bench.callers[0]?.fate, bench.at, bench.gate.leases]).toEqual(['lost E_CRASHED', 'ready.ready', 0]);
  });

  test('that a drain cuts short is not forgotten: what was to be replaced does not stay warm', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    giveWay(bench);
    bench.gone(2);
    await bench.answer();
    await bench.settle(KEPT);
    expect([bench.at, bench.told.slice(-1)]).toEqual(['released.releasing', ['worker 1 STOP']]);
    bench.gone(1);
    expect(bench.at).toBe('released.cold');
    bench.call();
    expect([bench.at, bench.told.slice(-1)]).toEqual(['spawning.admitting', ['ACQUIRE 3']]);
  });

  test('that a drain cuts short is asked for anew when the drain ends without the worker going', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    giveWay(bench);
    bench.gone(2);
    bench.clock.pass(10_000);
    expect([bench.at, bench.replacement, bench.told.slice(-1)]).toEqual([
      'busy.serving',
      'asking',
      ['RESERVE_EXTRA 3'],
    ]);
  });

  test('that waits for a former one to be gone does not let the worker stay warm either', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    replace(bench);
    giveWay(bench);
    await bench.answer();
    await bench.settle(KEPT);
    bench.gone(2);
    bench.gone(1);
    expect([bench.at, bench.replacement, bench.context.replaceAgain]).toEqual(['released.cold', 'none', false]);
  });

  test('that failed leaves its number behind: the old worker comes back warm under its own', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    bench.failed(2);
    giveWay(bench);
    bench.gone(2);
    await bench.answer();
    await bench.settle(KEPT);
    bench.call();
    expect([bench.at, bench.told.slice(-2)]).toEqual(['spawning.admitting', ['RELEASED 1', 'ACQUIRE 1']]);
    bench.granted(1);
    expect(bench.at).toBe('spawning.resuming');
  });

  test('is abandoned when the worker that serves crashes', async () => {
    const bench = await at('busy.serving');
    replace(bench);
    bench.granted();
    bench.exited(1);
    expect([bench.replacement, bench.at]).toEqual(['none', 'crashed.deciding']);
    expect(bench.told).toContain('worker 2 STOP');
  });
});

describe('a worker over its memory limit', () => {
  /** The worker that serves is over its limit, and its replacement takes its place after the backoff. */
  const outgrown = (bench: PluginBench, withinMs = 0): void => {
    const { current } = bench.context;
    bench.oversized(current, withinMs);
    bench.clock.pass(bench.context.backoffMs);
    bench.granted();
    bench.ready();
    bench.gone(current);
  };

  /** The sixth worker serves, and the five before it were over the limit. */
  const lastOf = async (place: 'ready.ready' | 'busy.serving'): Promise<PluginBench> => {
    const bench = await at(place);
    if (place === 'busy.serving') await bench.answer();
    for (let worker = 1; worker <= 5; worker += 1) outgrown(bench);
    if (place === 'busy.serving') bench.call();
    expect([bench.at, bench.context.current]).toEqual([place, 6]);
    bench.told = [];
    return bench;
  };

  test('is replaced after a backoff, serves until then, and is asked about in vain meanwhile', async () => {
    const bench = await at('busy.serving');
    bench.oversized();
    bench.oversized();
    expect([bench.replacement, bench.at, bench.told]).toEqual(['backoff', 'busy.serving', []]);
    bench.clock.pass(99);
    expect(bench.replacement).toBe('backoff');
    bench.clock.pass(1);
    expect([bench.replacement, bench.told]).toEqual(['asking', ['RESERVE_EXTRA 2']]);
    expect([bench.context.lastError, bench.context.oversized]).toEqual([OVERSIZED, { generation: 1, replaced: 1 }]);
  });

  test('is given up after five in a row, with what it used, what it may and what to do', async () => {
    const bench = await lastOf('ready.ready');
    bench.oversized();
    expect([bench.at, bench.told]).toEqual(['crashed.failed', ['worker 6 STOP']]);
    expect(bench.context.lastError).toMatchObject({
      code: 'E_MEMORY',
      message:
        'It uses 200 MiB, more than the 100 that max_rss_mb allows. So did the 5 workers before it, soon after becoming ready. "p" was given up. Raise max_rss_mb or make the plugin use less memory, then call load("p").',
      details: { memoryRssMb: 200, maxRssMb: 100, replaced: 5 },
      cause: OVERSIZED,
    });
    expect(bench.call().fate).toBe('refused E_MEMORY');
    bench.gone(6);
    expect([bench.at, bench.told.slice(-1)]).toEqual(['crashed.failed', ['FREED 6']]);
  });

  test('that is given up finishes its calls, and takes no more', async () => {
    const bench = await lastOf('busy.serving');
    const waiting = bench.call();
    bench.oversized();
    expect([bench.at, waiting.fate, bench.call().fate]).toEqual([
      'busy.draining',
      'refused E_MEMORY',
      'refused E_MEMORY',
    ]);
    expect(bench.told).toEqual([]);
    await bench.answer();
    expect([bench.at, bench.told]).toEqual(['crashed.failed', ['worker 6 STOP']]);
    expect([bench.context.lastError?.code, bench.context.intent]).toEqual(['E_MEMORY', undefined]);
  });

  test('that is given up has its calls ended at the drain deadline', async () => {
    const bench = await lastOf('busy.serving');
    bench.oversized();
    bench.clock.pass(10_000);
    await turn();
    expect([bench.at, bench.callers.at(-1)?.fate]).toEqual(['crashed.failed', 'lost E_STOPPING']);
  });

  test('that is given up and dies in its drain is no crash', async () => {
    const bench = await lastOf('busy.serving');
    bench.oversized();
    bench.exited();
    expect([bench.at, bench.context.lastError?.code]).toEqual(['crashed.failed', 'E_MEMORY']);
    expect([bench.callers.at(-1)?.fate, bench.told]).toEqual(['lost E_CRASHED', []]);
  });

  test.each([
    ['a load', load, 'spawning.admitting'],
    ['a reload', replace, 'spawning.admitting'],
    ['an unload', unload, 'discovered.idle'],
  ])('that is given up gets another chance by %s in its drain', async (_name, ask, place) => {
    const bench = await lastOf('busy.serving');
    bench.oversized();
    ask(bench);
    expect(bench.told).toEqual(['PLUGIN.CLEARED']);
    await bench.answer();
    bench.gone(6);
    expect([bench.at, bench.context.oversized.replaced]).toEqual([place, 0]);
    expect(bench.call().fate).toBe('waiting');
  });

  test('that is given up starts a new row when it is loaded', async () => {
    const bench = await lastOf('ready.ready');
    bench.oversized();
    bench.gone(6);
    load(bench);
    bench.granted();
    bench.connected();
    bench.ready();
    bench.oversized();
    expect([bench.at, bench.replacement, bench.context.oversized.replaced]).toEqual(['ready.ready', 'backoff', 1]);
  });

  test('that grew slowly is replaced at once, and is never given up', async () => {
    const bench = await at('ready.ready');
    for (let worker = 1; worker <= 100; worker += 1) {
      outgrown(bench, 30_000);
      expect([bench.at, bench.context.current, bench.context.backoffMs]).toEqual(['ready.ready', worker + 1, 0]);
    }
  });

  test('is not given up because its replacement does not start', async () => {
    const bench = await at('ready.ready');
    for (let generation = 2; generation <= 20; generation += 1) {
      bench.oversized(1);
      bench.clock.pass(100);
      bench.granted(generation);
      bench.failed(generation);
      bench.gone(generation);
    }
    expect([bench.at, bench.context.current, bench.context.oversized.replaced]).toEqual(['ready.ready', 1, 1]);
  });

  test('starts a new row after it has rested, or under another limit', async () => {
    const bench = await lastOf('ready.ready');
    release(bench);
    await bench.settle(undefined);
    bench.exited();
    bench.gone();
    expect([bench.at, bench.context.oversized.replaced]).toEqual(['released.cold', 0]);
    const other = await lastOf('ready.ready');
    const entry = entryOf({ max_rss_mb: 300 });
    other.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'replace' });
    expect([other.replacement, other.context.oversized.replaced]).toEqual(['asking', 0]);
  });

  test('that leaves during its backoff is not replaced', async () => {
    const bench = await at('ready.ready');
    bench.oversized();
    release(bench);
    expect([bench.at, bench.replacement]).toEqual(['released.releasing', 'none']);
    bench.clock.pass(100);
    expect(bench.told.filter((what) => what.startsWith('RESERVE_EXTRA'))).toEqual([]);
  });
});

test('a manifest of which only the description changed restarts nothing, one with other defaults is given to the plugin', async () => {
  const bench = await at('ready.ready');
  const entry = entryOf({ description: 'other' });
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  expect([bench.told, bench.reconfigured, bench.context.entry]).toEqual([[], [], entry]);
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'reconfigure' });
  expect([bench.told, bench.reconfigured]).toEqual([[], [1]]);
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'replace' });
  expect(bench.told).toEqual(['RESERVE_EXTRA 2']);
});
