import { expect } from 'vitest';
import { ERROR, type PluginBench } from './plugin-bench.ts';
import { load, remove, replace, testRows, unload } from './plugin-rows.ts';

/** The worker is gone, and after a delay another is started. */
function restartAfter(b: PluginBench, delayMs: number): void {
  b.gone();
  b.send({ type: 'RESTART', delayMs });
  b.clock.pass(delayMs);
  b.granted();
}

testRows([
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
    when: (b) => {
      b.refused();
      expect(b.context.lastError?.code).toBe('E_REFUSED');
    },
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
    it: 'a worker that is killed while it starts has crashed, and those who wait go on waiting',
    from: 'spawning.launching',
    when: (b) => b.killed(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
    callers: ['waiting'],
  },
  {
    it: 'those who waited for a worker that was killed are served by the next',
    from: 'spawning.initializing',
    when: (b) => {
      b.killed();
      restartAfter(b, 100);
      b.connected();
      b.ready();
      expect(b.context.killedStarts).toBe(0);
    },
    to: 'busy.serving',
    callers: ['running'],
  },
  {
    it: 'a restart that only a call of a killed start waits for is off once that call is gone',
    from: 'spawning.launching',
    when: (b) => {
      b.killed();
      b.gone();
      b.send({ type: 'RESTART', delayMs: 100 });
      b.leave();
      b.clock.pass(100);
    },
    to: 'discovered.idle',
    callers: ['cancelled'],
  },
  {
    it: 'the third start in a row that is killed refuses those who wait, with its reason',
    from: 'spawning.launching',
    when: (b) => {
      for (let starts = 1; starts < 3; starts += 1) {
        b.killed();
        expect(b.callers.map(({ fate }) => fate)).toEqual(['waiting']);
        restartAfter(b, 100);
      }
      b.killed();
    },
    to: 'crashed.deciding',
    callers: ['refused E_CRASHED'],
  },
  {
    it: 'those who wait for a killed start are refused once the plugin is given up',
    from: 'spawning.launching',
    when: (b) => {
      b.killed();
      b.send({ type: 'GIVE_UP', error: ERROR });
    },
    to: 'crashed.failed',
    callers: ['refused E_STOPPING'],
  },
  {
    it: 'a warm worker that is killed while it resumes has crashed, and those who wait go on waiting',
    from: 'spawning.resuming',
    when: (b) => b.exited(1, 'SIGKILL'),
    to: 'crashed.deciding',
    callers: ['waiting'],
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
    it: 'a worker whose package is installed is launched, and those who wait go on waiting',
    from: 'spawning.installing',
    when: (b) => b.installed(),
    to: 'spawning.launching',
    told: [],
    callers: ['waiting'],
  },
  {
    it: 'the installation for a worker that is not the current one changes nothing',
    from: 'spawning.launching',
    when: (b) => b.installing(99),
    to: 'spawning.launching',
  },
  {
    it: 'an installation that fails tells those who wait, and asks the supervisor',
    from: 'spawning.installing',
    when: (b) => b.failed(),
    to: 'crashed.deciding',
    told: ['PLUGIN.CRASHED'],
    callers: ['refused E_CRASHED'],
  },
  {
    it: 'an unload ends an installation',
    from: 'spawning.installing',
    when: unload,
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP'],
    callers: ['refused E_STOPPING'],
  },
  {
    it: 'a replacement begins an installation anew',
    from: 'spawning.installing',
    when: (b) => b.send({ type: 'REPLACE' }),
    to: 'spawning.admitting',
    callers: ['waiting'],
  },
  {
    it: 'an unload ends a start',
    from: 'spawning.launching',
    when: unload,
    to: 'discovered.stopping',
    told: ['PLUGIN.CLEARED', 'worker 1 STOP'],
    callers: ['refused E_STOPPING'],
  },
]);
