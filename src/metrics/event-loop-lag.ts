import { monitorEventLoopDelay } from 'node:perf_hooks';

/** By how much a timer was late, in seconds. */
export interface EventLoopLag {
  readonly mean: number;
  readonly max: number;
}

/** How far the timers that are watched lie apart, in milliseconds. Each wakes the process, which is to sleep while idle. */
const APART_MS = 50;

/** Watches how late timers of this process are, once somebody has asked: nothing wakes a program that is not scraped. */
export class EventLoopWatch {
  // Unreferenced by Node: it does not keep the program alive.
  readonly #delays = monitorEventLoopDelay({ resolution: APART_MS });

  /** Since it was asked last; 0 at first. */
  take(): EventLoopLag {
    this.#delays.enable();
    const { count, mean, max } = this.#delays;
    this.#delays.reset();
    // The figures are nanoseconds from one timer to the next.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - APART_MS / 1e3);
    return count === 0 ? { mean: 0, max: 0 } : { mean: late(mean), max: late(max) };
  }

  close(): void {
    this.#delays.disable();
  }
}
