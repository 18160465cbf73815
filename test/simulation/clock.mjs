// @ts-check
import { setImmediate as turn } from 'node:timers/promises';
import { Heap } from '../../dist/scheduler/heap.js';

/** @import { Clock } from '../../src/time/clock.ts' */

/** @typedef {{ readonly at: number, readonly turn: number, readonly fn: () => void }} Timer */

/**
 * Time that stands still until it is turned; timers fire in order, within `pass`, `hold` or `advance`, those of the same
 * moment in the order in which they were set. JavaScript, and on the build's heap, because the simulator of the scheduler
 * (`bench/simulate/`) runs on it without Vitest.
 *
 * @implements {Clock}
 */
export class SimulatedClock {
  #now;
  /** By how much the time of day has been set ahead of the time that has passed. */
  #ahead = 0;
  #turns = 0;
  /** @type {Heap<Timer>} */
  #timers = new Heap((a, b) => a.at < b.at || (a.at === b.at && a.turn < b.turn));

  /** @param {number} [start] both readings at the start, in milliseconds */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  /** How many timers have been set and have neither fired nor been cleared. */
  get pending() {
    return this.#timers.size;
  }

  now() {
    return this.#now + this.#ahead;
  }

  monotonic() {
    return this.#now;
  }

  /** Sets the time of day ahead, or back by a negative number; no time passes. @param {number} ms */
  set(ms) {
    this.#ahead += ms;
  }

  /** @param {() => void} fn @param {number} ms @returns {unknown} */
  setTimeout(fn, ms) {
    this.#turns += 1;
    const timer = { at: this.#now + ms, turn: this.#turns, fn };
    this.#timers.push(timer);
    return timer;
  }

  /** @param {unknown} timer */
  clearTimeout(timer) {
    this.#timers.delete(/** @type {Timer} */ (timer));
  }

  /** Milliseconds until the next timer; `undefined` if there is none. */
  get next() {
    const timer = this.#timers.peek();
    return timer === undefined ? undefined : Math.max(0, timer.at - this.#now);
  }

  /** Turns time on by this many milliseconds, at a stroke, as for a machine that was asleep. @param {number} ms */
  pass(ms) {
    this.#passTo(this.#now + ms);
  }

  /**
   * Turns time on as for a program that was held up: every timer that came due fires at the end, late.
   *
   * @param {number} ms
   */
  hold(ms) {
    const end = this.#now + ms;
    this.#now = end;
    this.#passTo(end);
  }

  /**
   * Turns time on, timer by timer; after every moment at which one fires everything happens that needs no time.
   *
   * @param {number} ms
   */
  async advance(ms) {
    const end = this.#now + ms;
    for (let timer = this.#timers.peek(); timer !== undefined && timer.at <= end; timer = this.#timers.peek()) {
      this.#passTo(Math.max(this.#now, timer.at));
      await turn();
    }
    this.#now = end;
  }

  /** @param {number} end */
  #passTo(end) {
    for (let timer = this.#timers.peek(); timer !== undefined && timer.at <= end; timer = this.#timers.peek()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.fn();
    }
    this.#now = end;
  }
}
