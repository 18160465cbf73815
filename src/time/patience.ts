import type { Clock } from './clock.ts';

/** A timer that is this late, in milliseconds, says that the program or the whole machine was held up. */
const HELD_UP_MS = 100;

/** How often a timer is put off: a program that is held up for ever must still end a worker that hangs. */
const MOST_EXTENSIONS = 3;

/**
 * The same clock, with timers for judging others by. One that fires late was held up, by the program's own work, a
 * debugger or a machine that slept, and so perhaps was the other side: that much time does not count, up to the time
 * that was set.
 */
export function patient(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimeout: (fn, ms) => {
      const timer: { inner: unknown } = { inner: undefined };
      let extensions = 0;
      const wait = (left: number): void => {
        const due = clock.monotonic() + left;
        timer.inner = clock.setTimeout(() => {
          const late = clock.monotonic() - due;
          if (late < HELD_UP_MS || extensions === MOST_EXTENSIONS) return fn();
          extensions += 1;
          wait(Math.min(late, ms));
        }, left);
      };
      wait(ms);
      return timer;
    },
    clearTimeout: (timer) => clock.clearTimeout((timer as { readonly inner: unknown } | undefined)?.inner),
  };
}
