import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock, wallTime } from '../../src/time/clock.ts';

const DAY_MS = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a timer of the system clock', () => {
  it('fires after weeks if it is set to weeks, once', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
    const fired = vi.fn();
    systemClock.setTimeout(fired, 60 * DAY_MS);
    vi.advanceTimersByTime(60 * DAY_MS - 1_000);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(fired).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never fires if it is set to Infinity', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
    const fired = vi.fn();
    const timer = systemClock.setTimeout(fired, Infinity);
    vi.advanceTimersByTime(400 * DAY_MS);
    expect(fired).not.toHaveBeenCalled();
    systemClock.clearTimeout(timer);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('can be cleared until the moment at which it fires', async () => {
    const fired = vi.fn();
    const after = new Promise<void>((resolve) => {
      const timer = systemClock.setTimeout(fired, 1);
      // Both are due when the loop comes to its timers: the first waits for the end of that turn, and is cleared in it.
      setTimeout(() => {
        systemClock.clearTimeout(timer);
        setImmediate(resolve);
      }, 1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    });
    await after;
    expect(fired).not.toHaveBeenCalled();
    systemClock.clearTimeout(undefined);
  });

  it('lets an answer be read that came while the program did not look', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const reader = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [writer] = (await once(server, 'connection')) as [Socket];
    const order: string[] = [];
    const both = new Promise<void>((resolve) => {
      const note = (what: string): void => {
        if (order.push(what) === 2) resolve();
      };
      reader.once('data', () => note('answer'));
      // After this phase of the event loop come the timers, and only then what was received.
      setImmediate(() => {
        systemClock.setTimeout(() => note('deadline'), 5);
        writer.write('x');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      });
    });
    await both;
    expect(order).toEqual(['answer', 'deadline']);
    reader.destroy();
    server.close();
    await once(server, 'close');
  });
});

describe('the time of day of a monotonic reading', () => {
  it('follows the clock when that is set', () => {
    const clock = { now: () => 1_000_000, monotonic: () => 500 };
    expect(wallTime(clock, 400)).toBe(999_900);
    expect(wallTime({ ...clock, now: () => 2_000_000 }, 400)).toBe(1_999_900);
  });

  it('is the same each time, though both clocks are read one after the other', () => {
    let read = 1_000_000;
    // Later at each reading, and cut to whole milliseconds as the system does.
    const clock = { now: () => Math.floor((read += 0.3)), monotonic: () => (read += 0.3) - 999_500 };
    const times = Array.from({ length: 10 }, () => wallTime(clock, 400.5));
    expect(new Set(times).size).toBe(1);
  });

  it('is now for a reading of now', () => {
    vi.spyOn(Date, 'now').mockReturnValue(123_456);
    expect(Math.abs(wallTime(systemClock, systemClock.monotonic()) - 123_456)).toBeLessThan(100);
  });

  it('does not move the monotonic clock', () => {
    const before = systemClock.monotonic();
    vi.spyOn(Date, 'now').mockReturnValue(0);
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  });
});
