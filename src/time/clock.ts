/**
 * The port for time. Machines, calls and actors take it so that tests can turn time by hand; it has the shape of
 * XState's clock plus two readings of the time.
 */
export interface Clock {
  /**
   * The time of day in milliseconds since the Unix epoch: to be shown. It jumps when the machine's clock is set, so that
   * no duration follows from it.
   */
  now(): number;
  /**
   * Milliseconds by a clock that cannot be set: for durations and deadlines. Means something only beside other readings
   * of this clock; {@link wallTime} turns one into a time of day.
   */
  monotonic(): number;
  /** `Infinity`: never. */
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The longest time that a timer of Node can run, about 24.8 days; a longer one fires after 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer of any length, that lets the event loop read once more before it fires. */
class SystemTimer {
  readonly #fn: () => void;
  readonly #due: number;
  #timer: NodeJS.Timeout | undefined;
  #last: NodeJS.Immediate | undefined;

  constructor(fn: () => void, ms: number) {
    this.#fn = fn;
    this.#due = performance.now() + ms;
    this.#arm(ms);
  }

  #arm(ms: number): void {
    // Unreferenced: whether the program may end is decided in one place, not by whichever deadline happens to run.
    this.#timer = setTimeout(SystemTimer.#elapsed, Math.min(Math.max(0, ms), LONGEST_TIMER_MS), this).unref();
  }

  static #elapsed(this: void, timer: SystemTimer): void {
    const left = timer.#due - performance.now();
    // Node cuts off fractions, so that a timer may fire up to 1 ms early.
    if (left > 1) timer.#arm(left);
    // After a turn in which the loop was held up, timers come first: an answer that is there already is read before.
    else timer.#last = setImmediate(timer.#fn);
  }

  clear(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#last);
  }
}

/** From the epoch, so that the orders of policies and what the inspector shows of events read as times of day. */
const ORIGIN = performance.timeOrigin;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => ORIGIN + performance.now(),
  setTimeout: (fn, ms) => new SystemTimer(fn, ms),
  clearTimeout: (timer) => (timer as SystemTimer | undefined)?.clear(),
};

/** The time of day and the monotonic clock drift apart by less than this, in milliseconds, unless the former was set. */
export const SET_MS = 5;

/** By how much the time of day of a clock is ahead of its monotonic one. Kept, so that the same moment stays the same. */
const offsets = new WeakMap<object, number>();

/** The time of day, in milliseconds since the epoch, of a reading of {@link Clock.monotonic}. */
export function wallTime(clock: Pick<Clock, 'now' | 'monotonic'>, at: number): number {
  const offset = clock.now() - clock.monotonic();
  const known = offsets.get(clock);
  if (known !== undefined && Math.abs(offset - known) < SET_MS) return Math.round(at + known);
  offsets.set(clock, offset);
  return Math.round(at + offset);
}
