/** Fires once nothing has moved for some milliseconds; never without a limit. */
export class IdleTimer {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number | undefined, onIdle: () => void) {
    if (limitMs !== undefined) this.#timer = setTimeout(onIdle, limitMs);
  }

  /** Something moved. */
  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
