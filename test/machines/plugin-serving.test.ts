import { expect } from 'vitest';
import { ERROR, KEPT } from './plugin-bench.ts';
import { giveWay, release, testRows } from './plugin-rows.ts';

testRows([
  // Serving.
  {
    it: 'the first lease makes a ready plugin busy',
    from: 'ready.ready',
    when: (b) => b.call(),
    to: 'busy.serving',
    told: ['BUSY 1'],
  },
  {
    it: 'calls too short to tell of make a ready plugin the one that was used last',
    from: 'ready.ready',
    when: (b) => b.send({ type: 'IDLE' }),
    to: 'ready.ready',
    told: ['IDLE 1'],
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
]);
