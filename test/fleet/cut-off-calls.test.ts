import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GreenroomError } from '../../src/errors.ts';
import { FleetCalls, type FleetCallsParts } from '../../src/fleet/fleet-calls.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

// Of the moments at which a Redis goes away and comes back; calls through a real one are in fleet-calls.test.ts.

const HOUR = 3_600_000;

interface Held {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** A promise, and how it is settled. */
function held(): Held {
  const parts = {} as Held;
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

/** A call whose job runs, and what it is told of that job's end. */
function runningCall(): {
  clock: SimulatedClock;
  call: Promise<unknown>;
  /** As the Redis fails where it is asked for the end, and whether it is known to be away then. */
  fail: (isCutOff: boolean) => Promise<void>;
  end: () => Promise<void>;
  back: () => void;
} {
  const clock = new SimulatedClock();
  let isCutOff = false;
  let ended: Held;
  const parts = {
    clock,
    jobs: {
      newCall: (plugin: string) => ({ id: 'id', plugin, caller: { wants: 'progress' } }),
      addCall: async () => {},
      ended: () => {
        ended = held();
        return ended.promise;
      },
      get: async () => ({ result: async () => 'result' }),
      cancel: async () => {},
      remove: async () => {},
    },
    replies: {
      node: 'here',
      listen: () => {
        const more = held();
        return { read: async () => [], more: () => more.promise, wake: () => more.resolve(), close: () => {} };
      },
    },
    whyNobody: async () => undefined,
    isCutOff: () => isCutOff,
    onListenerError: () => {},
  };
  const call = new FleetCalls(parts as unknown as FleetCallsParts).execute('plugin', {}, {});
  call.catch(() => {});
  return {
    clock,
    call,
    fail: async (isAway) => {
      isCutOff = isAway;
      ended.reject(new GreenroomError('E_JOB_STORE', 'The Redis does not answer.'));
      await turn();
    },
    end: async () => {
      ended.resolve();
      await turn();
    },
    back: () => (isCutOff = false),
  };
}

test('a call goes on however often Redis is away while it runs', async () => {
  const { clock, call, fail, end, back } = runningCall();
  await turn();
  for (let times = 0; times < 3; times += 1) {
    // Back before it was looked whether it is away.
    await fail(false);
    await clock.advance(HOUR);
    await fail(true);
    await clock.advance(HOUR);
    back();
    await clock.advance(HOUR);
  }
  await end();
  expect(await call).toBe('result');
  expect(clock.pending).toBe(0);
});

test('a call fails with what Redis says again at once', async () => {
  const { clock, call, fail } = runningCall();
  await turn();
  await clock.advance(HOUR);
  await fail(false);
  await clock.advance(1_000);
  await fail(false);
  await expect(call).rejects.toMatchObject({ code: 'E_JOB_STORE' });
  expect(clock.pending).toBe(0);
});
