/** How old a measurement may be for a decision to rest on it, in milliseconds. */
export const FRESH_MS = 1_000;
/** How often the monitor is asked while a plugin waits, in milliseconds. */
const TICK_MS = 5_000;
/** How often it is asked while memory that was given up is not measured as free, in milliseconds. */
const CONFIRM_TICK_MS = 200;

/** Whether decisions may rest on the monitor's last figures, and when it is to be asked again. */
export class Freshness {
  /** When the monitor last answered or was given up on, in milliseconds by the monotonic clock. */
  #heardAt = -Infinity;
  /** When it is to be asked again for memory that is not measured as free yet. */
  #confirmAt = Infinity;

  /** Whether the monitor is to be asked before the next decision. */
  isOld(now: number): boolean {
    return now - this.#heardAt > FRESH_MS;
  }

  /** When the monitor is to be asked while a plugin waits, in milliseconds by the monotonic clock. */
  nextAskAt(now: number): number {
    return Math.min(now + TICK_MS, this.#confirmAt);
  }

  /** The monitor has answered, or is late and decisions go on without it. */
  renew(now: number): void {
    this.#heardAt = now;
  }

  /** The last figures are of no use: memory was freed since. */
  expire(): void {
    this.#heardAt = -Infinity;
  }

  /** Time has passed: the figures expire if it is time to confirm that memory is free. */
  advance(now: number): void {
    if (now < this.#confirmAt) return;
    this.#confirmAt = Infinity;
    this.expire();
  }

  /** A plugin waits until memory that was given up is measured as free. */
  confirmSoon(now: number): void {
    this.#confirmAt = Math.min(this.#confirmAt, now + CONFIRM_TICK_MS);
  }
}
