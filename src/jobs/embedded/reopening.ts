/** How long to wait before the thread of a store is begun again: at first, and at most, in milliseconds. */
const FIRST_MS = 100;
const MOST_MS = 30_000;

/** A thread that has lasted so long, in milliseconds, ends a row. */
const STEADY_MS = 60_000;

/** The times after which a store's thread is begun again: longer each time that it ends in a row, and never without end. */
export class Reopening {
  #next = FIRST_MS;

  /** A thread has ended, or could not be begun, after it had lasted for so long. Returns the wait in milliseconds. */
  next(lastedMs: number): number {
    const waitMs = lastedMs >= STEADY_MS ? FIRST_MS : this.#next;
    this.#next = Math.min(waitMs * 2, MOST_MS);
    return waitMs;
  }
}
