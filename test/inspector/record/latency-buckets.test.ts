import { expect, it } from 'vitest';
import { LatencyBuckets } from '../../../src/inspector/record/latency-buckets.ts';

it('tells what a share of the calls took at most, to within a fourth, from 10 µs to ten minutes', () => {
  for (const ms of [0.07, 0.4, 3, 47, 999, 30_000, 600_000]) {
    const buckets = new LatencyBuckets();
    for (let n = 1; n <= 1_000; n += 1) buckets.add(n > 950 ? ms * 20 : ms * (n / 950));
    for (const share of [0.5, 0.95]) {
      const exact = (ms * share * 1_000) / 950;
      const ratio = (buckets.quantile(share) ?? 0) / Math.max(exact, 0.07);
      expect([ms, share, ratio > 0.75 && ratio < 1.25]).toEqual([ms, share, true]);
    }
  }
});

it('tells nothing before the first call, and counts what is longer than its last bucket in that', () => {
  const buckets = new LatencyBuckets();
  expect(buckets.quantile(0.5)).toBeUndefined();
  for (const ms of [0, 1e9]) buckets.add(ms);
  expect(buckets.count).toBe(2);
  expect(buckets.quantile(0.5)).toBeLessThan(0.1);
  expect(buckets.quantile(1)).toBeGreaterThan(500_000);
});
