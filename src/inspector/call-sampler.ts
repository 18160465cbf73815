import type { CallEdge } from '../calls/call-edge.ts';
import type { Clock } from '../clock.ts';

/** What a sampled call comes to. */
export interface SampledCall {
  /** At its end, in milliseconds. */
  readonly tookMs?: number | undefined;
  /** How many calls were left out since the last that was told of. */
  readonly skipped: number;
}

/** How many calls of a second are told of. */
const CALLS_PER_SECOND = 50;
/** How many calls are followed at once; the ends of others are not told. */
const MAX_OPEN = 1_000;

/** Chooses the calls that are recorded: all while there are few, the first of each second while there are many. */
export class CallSampler {
  readonly #clock: Clock;
  readonly #open = new Map<string, number>();
  #second = 0;
  #taken = 0;
  #skipped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is to be recorded of this edge; undefined where nothing is. The end of a call is, if its start was. */
  take({ call, outcome }: CallEdge): SampledCall | undefined {
    const now = this.#clock.now();
    if (outcome === undefined) return this.#takeStart(call, now);
    const began = this.#open.get(call);
    if (began === undefined) return undefined;
    this.#open.delete(call);
    return { tookMs: now - began, skipped: this.#takeSkipped() };
  }

  #takeStart(call: string, now: number): SampledCall | undefined {
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= CALLS_PER_SECOND || this.#open.size >= MAX_OPEN) {
      this.#skipped += 1;
      return undefined;
    }
    this.#taken += 1;
    this.#open.set(call, now);
    return { skipped: this.#takeSkipped() };
  }

  #takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }
}
