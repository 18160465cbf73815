import type { CallPart, PartedCall } from '../../calls/plugin-loads.ts';
import type { Json } from '../wire.ts';

/** How long a call was at each of its parts, in milliseconds. */
export type PartTimes = Record<CallPart, number>;

/** A call that has begun and not ended: what it is at, and how long it was at what. */
export class OpenCall implements PartedCall {
  /** When it began, by the monotonic clock. */
  readonly began: number;
  /** Whether it is told of from its start. */
  readonly isSampled: boolean;
  /** Whether it is known to be slow while it runs. */
  isSlow = false;
  /** Whether that is told of. */
  isSlowTold = false;
  /** The first chunks of a stream, as they are shown, and about how many characters they are. */
  chunks: Json[] = [];
  length = 0;
  /** What its input has that is secret, once that was looked for; undefined within it: the input is too long. */
  secrets: { readonly known: readonly string[] | undefined } | undefined;
  /** What it last said of its progress, and the same without those: they are looked for once in what stays the same. */
  said: { readonly message: string; readonly cleared: string } | undefined;
  readonly #now: () => number;
  readonly #times: PartTimes = { queue: 0, load: 0, run: 0 };
  #part: CallPart = 'queue';
  #since: number;

  /** @param now the monotonic clock, in milliseconds */
  constructor(now: () => number, began: number, isSampled: boolean) {
    this.#now = now;
    this.began = began;
    this.#since = began;
    this.isSampled = isSampled;
  }

  /** What it is at. */
  get part(): CallPart {
    return this.#part;
  }

  enter(part: CallPart): void {
    if (part === this.#part) return;
    const now = this.#now();
    this.#times[this.#part] += now - this.#since;
    this.#part = part;
    this.#since = now;
  }

  /** How long it has run up to now. */
  ranAt(now: number): number {
    return this.#times.run + (this.#part === 'run' ? now - this.#since : 0);
  }

  /** How long it was at each part up to now. */
  timesAt(now: number): PartTimes {
    return { ...this.#times, [this.#part]: this.#times[this.#part] + now - this.#since };
  }
}
