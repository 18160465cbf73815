import type { Clock } from '../clock.ts';

/** How many calls of a second are told of from their start, whatever becomes of them. */
const CALLS_PER_SECOND = 50;
/** How many of those that were not are told of at their end in a second, because they have failed or were slow. */
const LATE_PER_SECOND = 100;
/** From so many milliseconds on a call is slow. */
const SLOW_MS = 1_000;
/** How many calls are followed from their start at once. */
const MAX_OPEN = 1_000;

/** A call as the sampler knows it. */
export interface SampledCall {
  /** When it began, in milliseconds by the monotonic clock. */
  readonly began: number;
  /** Whether it is told of from its start. */
  readonly isTold: boolean;
}

/**
 * Chooses the calls that are recorded: all while there are few; while there are many the first of each second, and those
 * that fail or take long, which are known by their end.
 */
export class CallSampler {
  readonly #clock: Clock;
  #open = 0;
  #second = 0;
  #taken = 0;
  #late = 0;
  #skipped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A call begins. */
  begin(): SampledCall {
    const began = this.#clock.monotonic();
    this.#turnTo(began);
    const isTold = this.#taken < CALLS_PER_SECOND && this.#open < MAX_OPEN;
    if (isTold) {
      this.#taken += 1;
      this.#open += 1;
    }
    return { began, isTold };
  }

  /** A call has ended. Returns how long it took, in milliseconds, if that is to be told, else undefined. */
  end({ began, isTold }: SampledCall, hasFailed: boolean): number | undefined {
    const now = this.#clock.monotonic();
    const tookMs = Math.round(now - began);
    if (isTold) {
      this.#open -= 1;
      return tookMs;
    }
    if (hasFailed || tookMs >= SLOW_MS) {
      this.#turnTo(now);
      if (this.#late < LATE_PER_SECOND) {
        this.#late += 1;
        return tookMs;
      }
    }
    this.#skipped += 1;
    return undefined;
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
