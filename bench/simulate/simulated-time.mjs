// @ts-check
import { Heap } from '../../dist/scheduler/heap.js';

/** @typedef {{ at: number, turn: number, fn: () => void }} Timer */

/** Time that jumps from one timer to the next; those of the same time fire in the order in which they were set. */
export class SimulatedTime {
  #now = 0;
  #turns = 0;
  /** @type {Heap<Timer>} */
  #timers = new Heap((a, b) => (a.at === b.at ? a.turn < b.turn : a.at < b.at));

  /** Milliseconds since the start. */
  monotonic() {
    return this.#now;
  }

  /** When the next timer fires; Infinity when there is none. */
  get next() {
    return this.#timers.peek()?.at ?? Infinity;
  }

  /** @param {() => void} fn @param {number} ms */
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

  /** Goes on to a time at which no timer is due before it. @param {number} at */
  advance(at) {
    this.#now = at;
  }

  /** Goes on to the next timer and fires it. */
  fire() {
    const timer = this.#timers.pop();
    if (timer === undefined) return;
    this.#now = timer.at;
    timer.fn();
  }
}
