const BUCKETS = 40;
/** The upper edge of the first bucket, in milliseconds. */
const FIRST_MS = 0.1;
/** The upper edge of each bucket in parts of that of the one before: the last ends at 12 minutes. */
const FACTOR = 1.5;
const LOG_FACTOR = Math.log(FACTOR);

/** How long calls took, counted in buckets whose edges grow by half each: of any number of calls, in 160 bytes. */
export class LatencyBuckets {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;

  /** How many were added. */
  get count(): number {
    return this.#count;
  }

  /** @param ms how long a call took, in milliseconds */
  add(ms: number): void {
    const place = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / LOG_FACTOR);
    const at = Math.min(place, BUCKETS - 1);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count += 1;
  }

  /**
   * What this share of the calls took at most, in milliseconds: the middle of its bucket, which is at most a fourth off.
   *
   * @param share from 0 to 1
   * @returns undefined before the first
   */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = Math.max(1, Math.ceil(this.#count * share));
    for (let at = 0; at < BUCKETS; at += 1) {
      left -= this.#counts[at] ?? 0;
      // The middle of a bucket by its ratio, as its edges are apart by one.
      if (left <= 0) return FIRST_MS * FACTOR ** (at - 0.5);
    }
    return undefined;
  }
}
