import { describe, expect, it } from 'vitest';
import { RateHistory } from '../../../src/inspector/record/rate-history.ts';

describe('the history of rates', () => {
  it('has the sums of the workers of a plugin and of all plugins, and nothing where nothing was measured', () => {
    const rates = new RateHistory();
    rates.noteUse('a', 10, 5);
    rates.noteUse('a', 20, 5);
    rates.noteUse('b', 100, 50);
    rates.noteCall('c', true);
    rates.noteCall('c', false);
    rates.sample(1_000);
    rates.sample(2_000);
    expect(rates.timesSince(0)).toEqual([1_000, 2_000]);
    expect(rates.seriesSince('a', 0)).toEqual({
      memoryMb: [30, null],
      cpuPercent: [10, null],
      calls: [0, 0],
      errors: [0, 0],
    });
    expect(rates.seriesSince('c', 0)).toMatchObject({ memoryMb: [null, null], calls: [2, 0], errors: [1, 0] });
    expect(rates.totalSince(0)).toEqual({
      memoryMb: [130, null],
      cpuPercent: [60, null],
      calls: [2, 0],
      errors: [1, 0],
    });
    expect(rates.seriesSince('quiet', 0)).toBeUndefined();
    expect([rates.timesSince(1_000), rates.totalSince(1_000).calls]).toEqual([[2_000], [0]]);
    rates.forget('a');
    expect(rates.seriesSince('a', 0)).toBeUndefined();
  });

  it('remembers the last three hundred samples', () => {
    const rates = new RateHistory();
    for (let at = 1; at <= 700; at += 1) {
      rates.noteUse('a', at, 0);
      rates.sample(at);
    }
    expect(rates.timesSince(0)).toEqual(Array.from({ length: 300 }, (_, index) => 401 + index));
    expect(rates.seriesSince('a', 698)?.memoryMb).toEqual([699, 700]);
  });
});
