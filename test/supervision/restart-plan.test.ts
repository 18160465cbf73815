import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DEFAULT_RESTART,
  NO_RESTARTS,
  planRestart,
  resetHistory,
  type WorkerEnd,
} from '../../src/supervision/restart-plan.ts';

const CRASH: WorkerEnd = { code: 1, signal: null, ready: true, retryable: true };
const plan = (end: WorkerEnd, policy: 'permanent' | 'transient' | 'temporary' = 'transient') =>
  planRestart({ history: NO_RESTARTS, settings: { ...DEFAULT_RESTART, policy }, end, now: 0, random: 0.5 });

test('delays stay below the cap, no window holds more restarts than its limit, and giving up says why', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(120_000), fc.double({ min: 0, max: 0.999, noNaN: true }), fc.boolean())),
      (crashes) => {
        let history = NO_RESTARTS;
        let now = 0;
        const restarts: number[] = [];
        for (const [gap, random, stable] of crashes) {
          now += gap;
          if (stable) history = resetHistory(history);
          const next = planRestart({ history, settings: DEFAULT_RESTART, end: CRASH, now, random });
          if (next.action === 'restart') {
            expect(next.delayMs).toBeGreaterThanOrEqual(0);
            expect(next.delayMs).toBeLessThanOrEqual(Math.min(30_000, 100 * 2 ** history.inARow));
            restarts.push(now);
          } else if (next.action === 'give-up') {
            expect(next.cause).toMatchObject({ kind: 'too-many-restarts', end: CRASH });
            expect(next.cause.times).toHaveLength(next.cause.limit?.restarts ?? -1);
          } else {
            throw new Error('a crash is not a stop');
          }
          history = next.history;
          for (const { restarts: most, periodMs } of DEFAULT_RESTART.limits) {
            expect(restarts.filter((at) => at > now - periodMs).length).toBeLessThanOrEqual(most);
          }
        }
      },
    ),
  );
});

test('a normal exit restarts only a permanent plugin', () => {
  const end = { ...CRASH, code: 0 };
  expect(plan(end, 'permanent').action).toBe('restart');
  expect(plan(end, 'transient').action).toBe('stopped');
  expect(plan(end, 'temporary').action).toBe('stopped');
});

test('a worker that exits with 0 before it was ready has failed to start', () => {
  expect(plan({ ...CRASH, code: 0, ready: false }).action).toBe('restart');
});

test('temporary plugins, exit code 125 and permanent failures are given up at once', () => {
  expect(plan(CRASH, 'temporary')).toMatchObject({ action: 'give-up', cause: { kind: 'temporary' } });
  const asked = { ...CRASH, code: 125, retryable: false };
  expect(plan(asked, 'permanent')).toMatchObject({ cause: { kind: 'do-not-restart' } });
  expect(plan({ ...CRASH, retryable: false }, 'permanent')).toMatchObject({ cause: { kind: 'not-retryable' } });
});

test('a shortage of the machine counts against no limit and is never given up, whatever the policy', () => {
  const end: WorkerEnd = { code: null, signal: null, ready: false, retryable: true, shortage: true };
  for (const policy of ['permanent', 'transient', 'temporary'] as const) {
    let history = NO_RESTARTS;
    for (let now = 0; now < 1_000; now += 1) {
      const settings = { ...DEFAULT_RESTART, policy };
      const next = planRestart({ history, settings, end, now, random: 0.999 });
      expect(next).toMatchObject({ action: 'restart', reason: 'shortage', history: { times: [] } });
      expect(next).toHaveProperty('delayMs', Math.min(1_998, Math.floor(99.9 * 2 ** history.inARow)));
      history = next.history;
    }
  }
});
