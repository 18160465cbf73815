/** How long to wait before the thread of a store is begun again: at first, and at most, in milliseconds. */
const FIRST_MS = 100;
const MOST_MS = 30_000;

/** How often in a row it is begun again. */
const MOST_TIMES = 12;

/** A thread that has lasted so long, in milliseconds, ends a row. */
const STEADY_MS = 60_000;

/** How often a store's thread has ended in a row, the time before the next one and whether there is one. */
export class Reopening {
  #times = 0;

  /** A thread has ended, or could not be begun, after it had lasted for so long. Returns the wait in milliseconds; undefined: none follows. */
  next(lastedMs: number): number | undefined {
    if (lastedMs >= STEADY_MS) this.#times = 0;
    if (this.#times >= MOST_TIMES) return undefined;
    this.#times += 1;
    return Math.min(FIRST_MS * 2 ** (this.#times - 1), MOST_MS);
  }
}
