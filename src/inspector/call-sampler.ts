import type { Clock } from '../clock.ts';

/** How many calls of a second are told of. */
const CALLS_PER_SECOND = 50;
/** How many calls are followed at once; others are not told of. */
const MAX_OPEN = 1_000;

/** Chooses the calls that are recorded: all while there are few, the first of each second while there are many. */
export class CallSampler {
  readonly #clock: Clock;
  #open = 0;
  #second = 0;
  #taken = 0;
  #skipped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether a call that begins is to be told of, its end too; undefined where it is not, else when it began, in
   * milliseconds by the monotonic clock.
   */
  begin(): number | undefined {
    const now = this.#clock.monotonic();
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= CALLS_PER_SECOND || this.#open >= MAX_OPEN) {
      this.#skipped += 1;
      return undefined;
    }
    this.#taken += 1;
    this.#open += 1;
    return now;
  }

  /** A call that was told of has ended. Returns how long it took, in milliseconds. */
  end(began: number): number {
    this.#open -= 1;
    return Math.round(this.#clock.monotonic() - began);
  }

  /** How many calls were left out since this was last asked; undefined for none. */
  takeSkipped(): number | undefined {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped === 0 ? undefined : skipped;
  }
}
