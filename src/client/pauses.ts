/** The pause before the first attempt to connect again, in milliseconds; it doubles up to the longest. */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** How long to wait before each attempt to reach a daemon again. */
export class Pauses {
  #nextMs = FIRST_MS;

  /** The pause before the attempt that follows, in milliseconds. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(2 * ms, LONGEST_MS);
    return ms;
  }

  /** The daemon was reached: pauses begin anew. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }
}
