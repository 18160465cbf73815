import type { Clock } from '../../time/clock.ts';

/**
 * The same clock with a time of day that never goes back: where the machine's is set back, it goes on from where it was,
 * until that has caught up. Records are in the order of their times then, and the time between two of them has passed.
 */
export function onwardClock(clock: Clock): Clock {
  let last = -Infinity;
  /** When it left the machine's time of day, by both clocks. */
  let left: { readonly at: number; readonly monotonic: number } | undefined;
  return {
    monotonic: () => clock.monotonic(),
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    now: () => {
      // Only this is read as a rule: the inspector asks for the time several times a call.
      const now = clock.now();
      if (left === undefined && now < last) left = { at: last, monotonic: clock.monotonic() };
      const onward = left === undefined ? last : Math.round(left.at + clock.monotonic() - left.monotonic);
      if (now >= onward) left = undefined;
      last = Math.max(now, onward);
      return last;
    },
  };
}
