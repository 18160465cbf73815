import { type Clock, SET_MS } from '../clock.ts';

/**
 * The same clock with a time of day that never goes back: where the machine's is set back, it goes on as before, ahead of
 * it. Records are in the order of their times then, and the time between two of them has passed.
 */
export function onwardClock(clock: Clock): Clock {
  let epoch = -Infinity;
  return {
    monotonic: () => clock.monotonic(),
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    now: () => {
      const monotonic = clock.monotonic();
      const now = clock.now() - monotonic;
      // The clock was set ahead, or the machine slept, which the monotonic clock need not count.
      if (now - epoch >= SET_MS) epoch = now;
      return Math.round(epoch + monotonic);
    },
  };
}
