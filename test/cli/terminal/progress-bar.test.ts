import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgressBar } from '../../../src/cli/terminal/progress-bar.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  // Some time after the start of the program.
  vi.advanceTimersByTime(1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

/** A bar on a terminal, and what it has drawn since it was asked last. */
function open() {
  let drawn = '';
  const write = (text: string): boolean => {
    drawn += text;
    return true;
  };
  const bar = createProgressBar({ isTTY: true, columns: 80, write, hasColors: () => false } as never);
  const take = (): string => {
    const text = drawn;
    drawn = '';
    return text;
  };
  return { bar, drawn: take };
}

test('of updates that follow quickly the last is drawn a moment later, and none after the end', () => {
  const { bar, drawn } = open();
  bar.update(0.1, 'first');
  expect(drawn()).toMatch(/10% first/);
  bar.update(0.2, 'second');
  bar.update(0.3, 'third');
  expect(drawn()).toBe('');
  vi.advanceTimersByTime(60);
  expect(drawn()).toMatch(/^[^%]*30% third/);
  bar.update(0.4, 'fourth');
  bar.end();
  drawn();
  vi.advanceTimersByTime(1_000);
  expect([drawn(), vi.getTimerCount()]).toEqual(['', 0]);
});
