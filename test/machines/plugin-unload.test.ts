import { load, remove, testRows, unload } from './plugin-rows.ts';

testRows([
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
]);
