/** How many calls of a second are told of from their start, whatever becomes of them. */
const CALLS_PER_SECOND = 50;
/** How many of those that were not are told of at their end in a second, because they have failed or were slow. */
const LATE_PER_SECOND = 100;
/** From so many milliseconds on a call is slow. */
const SLOW_MS = 1_000;
/** How many calls are followed from their start at once. */
const MAX_OPEN = 1_000;

/**
 * Chooses the calls that are recorded: all while there are few; while there are many the first of each second, and those
 * that fail or take long, which are known by their end.
 */
export class CallSampler {
  #open = 0;
  #second = 0;
  #taken = 0;
  #late = 0;
  #skipped = 0;

  /** A call begins; `now` is by the monotonic clock, in milliseconds. Returns whether it is to be told of from its start. */
  begin(now: number): boolean {
    this.#turnTo(now);
    const isTold = this.#taken < CALLS_PER_SECOND && this.#open < MAX_OPEN;
    if (isTold) {
      this.#taken += 1;
      this.#open += 1;
    }
    return isTold;
  }

  /** A call ends that was told of from its start. */
  endTold(): void {
    this.#open -= 1;
  }

  /** Any other call ends, after so many milliseconds. Returns whether it is to be told of. */
  end(now: number, tookMs: number, hasFailed: boolean): boolean {
    if (hasFailed || tookMs >= SLOW_MS) {
      this.#turnTo(now);
      if (this.#late < LATE_PER_SECOND) {
        this.#late += 1;
        return true;
      }
    }
    this.#skipped += 1;
    return false;
  }

  /** How many calls that have ended were left out since this was last asked; undefined for none. */
  takeSkipped(): number | undefined {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped === 0 ? undefined : skipped;
  }

  #turnTo(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.#taken = 0;
    this.#late = 0;
  }
}
