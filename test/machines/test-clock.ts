import type { Clock } from '../../src/clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** Time that stands still until it is turned; timers fire in order, within `pass`. */
export class TestClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();

  /** Timers that have been set and have neither fired nor been cleared. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer = { at: this.#now + ms, fn };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Milliseconds until the next timer; `undefined` if there is none. */
  get next(): number | undefined {
    const timer = this.#earliest();
    return timer === undefined ? undefined : Math.max(0, timer.at - this.#now);
  }

  /** Turns time on by this many milliseconds. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#earliest(); timer !== undefined && timer.at <= end; timer = this.#earliest()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.fn();
    }
    this.#now = end;
  }

  #earliest(): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) if (earliest === undefined || timer.at < earliest.at) earliest = timer;
    return earliest;
  }
}
