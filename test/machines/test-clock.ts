import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/time/clock.ts';
import { Heap } from '../../src/scheduler/heap.ts';

interface Timer {
  readonly at: number;
  /** Timers of the same moment fire in the order in which they were set. */
  readonly turn: number;
  readonly fn: () => void;
}

/** Time that stands still until it is turned; timers fire in order, within `pass`, `hold` or `advance`. */
export class TestClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  /** By how much the time of day has been set ahead of the time that has passed. */
  #ahead = 0;
  #turns = 0;
  readonly #timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.turn < b.turn));

  /** Timers that have been set and have neither fired nor been cleared. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now + this.#ahead;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Sets the time of day ahead by this many milliseconds, or back by a negative number; no time passes. */
  set(ms: number): void {
    this.#ahead += ms;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    this.#turns += 1;
    const timer = { at: this.#now + ms, turn: this.#turns, fn };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Milliseconds until the next timer; `undefined` if there is none. */
  get next(): number | undefined {
    const timer = this.#timers.peek();
    return timer === undefined ? undefined : Math.max(0, timer.at - this.#now);
  }

  /** Turns time on by this many milliseconds, at a stroke, as for a machine that was asleep. */
  pass(ms: number): void {
    this.#passTo(this.#now + ms);
  }

  /** Turns time on as for a program that was held up: every timer that came due fires at the end, late. */
  hold(ms: number): void {
    const end = this.#now + ms;
    this.#now = end;
    this.#passTo(end);
  }

  /** Turns time on, timer by timer; after every moment at which one fires everything happens that needs no time. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let timer = this.#timers.peek(); timer !== undefined && timer.at <= end; timer = this.#timers.peek()) {
      this.#passTo(Math.max(this.#now, timer.at));
      await turn();
    }
    this.#now = end;
  }

  #passTo(end: number): void {
    for (let timer = this.#timers.peek(); timer !== undefined && timer.at <= end; timer = this.#timers.peek()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.fn();
    }
    this.#now = end;
  }
}
