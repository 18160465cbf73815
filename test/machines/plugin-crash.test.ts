import { expect } from 'vitest';
import { ERROR } from './plugin-bench.ts';
import { limitIdle, SHORT, testRows } from './plugin-rows.ts';

testRows([
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
    it: 'a warm worker that is to make way for a cold start ends, though nobody waits for that any more',
    from: 'released.warm',
    when: (b) => b.send({ type: 'START_COLD', generation: 1 }),
    to: 'released.warm',
    told: ['worker 1 STOP'],
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
    it: 'a restart that is refused, and so are calls after it, leave what the worker failed with as the last error',
    from: 'crashed.backoff',
    when: (b) => {
      b.clock.pass(100);
      b.refused();
      expect(b.context.lastError?.code).toBe('E_CRASHED');
      b.call();
      b.refused();
      expect(b.context.lastError?.code).toBe('E_CRASHED');
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
]);
