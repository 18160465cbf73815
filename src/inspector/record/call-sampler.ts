/** How many calls of a second are told of from their start, whatever becomes of them. */
const CALLS_PER_SECOND = 50;
/** How many of those of a plugin that were not are told of in a second, because they have failed or are slow. */
const LATE_PER_SECOND = 100;
/** How many calls are followed from their start at once. */
const MAX_OPEN = 1_000;

/**
 * Chooses the calls that are recorded: all while there are few; while there are many the first of each second, and those
 * that fail or are slow, which is known later.
 */
export class CallSampler {
  #open = 0;
  #second = 0;
  #taken = 0;
  /** By plugin, of this second. */
  readonly #late = new Map<string, number>();
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

  /** A call that was not told of has failed or is slow. Returns whether it is to be told of. */
  takeLate(now: number, plugin: string): boolean {
    this.#turnTo(now);
    const late = this.#late.get(plugin) ?? 0;
    if (late >= LATE_PER_SECOND) return false;
    this.#late.set(plugin, late + 1);
    return true;
  }

  /** A call has ended and is not told of. */
  skip(): void {
    this.#skipped += 1;
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
    this.#late.clear();
  }
}
