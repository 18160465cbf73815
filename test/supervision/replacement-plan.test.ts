import { expect, test } from 'vitest';
import { NO_OVERSIZED, type OversizedRow, planReplacement } from '../../src/supervision/replacement-plan.ts';
import { DEFAULT_RESTART } from '../../src/supervision/restart-plan.ts';

const plan = (row: OversizedRow, generation: number, withinMs = 0, settings = DEFAULT_RESTART) =>
  planReplacement({ row, settings, generation, withinMs });

test('workers that are over their limit at once are replaced with backoff, and the sixth in a row is not', () => {
  let row = NO_OVERSIZED;
  const delays: number[] = [];
  for (const generation of [1, 2, 3, 4, 5]) {
    const next = plan(row, generation);
    if (next.action === 'replace') delays.push(next.delayMs);
    ({ row } = next);
  }
  expect(delays).toEqual([100, 200, 400, 800, 1_600]);
  expect(plan(row, 6)).toEqual({ action: 'give-up', row: { generation: 5, replaced: 5 } });
});

test('a worker that was within its limit for the stable period is replaced at once, and begins the row anew', () => {
  const row = { generation: 5, replaced: 5 };
  expect(plan(row, 6, 29_999).action).toBe('give-up');
  expect(plan(row, 6, 30_000)).toEqual({ action: 'replace', delayMs: 0, row: { generation: 6, replaced: 0 } });
});

test('a worker of which the replacement did not start counts once', () => {
  const row = { generation: 5, replaced: 5 };
  expect(plan(row, 5)).toEqual({ action: 'replace', delayMs: 1_600, row });
});

test('the lowest limit holds, and with an intensity of 0 only workers that grew are replaced', () => {
  const never = { ...DEFAULT_RESTART, limits: [{ restarts: 0, periodMs: 60_000 }, ...DEFAULT_RESTART.limits] };
  expect(plan(NO_OVERSIZED, 1, 0, never).action).toBe('give-up');
  expect(plan(NO_OVERSIZED, 1, 30_000, never).action).toBe('replace');
});
