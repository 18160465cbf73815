/**
 * Keeps the program alive while somebody holds it. Everything else a supervisor makes (processes, pipes, timers,
 * watchers) is unreferenced, so that this alone decides.
 */
export class ProgramHold {
  readonly #holders = new Set<unknown>();
  #timer: NodeJS.Timeout | undefined;

  /** Holds the program for this holder, or lets it go. Idempotent. */
  set(holder: unknown, held: boolean): void {
    if (held) this.#holders.add(holder);
    else this.#holders.delete(holder);
    if (this.#holders.size > 0) {
      this.#timer ??= setInterval(() => {}, 2 ** 30);
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
