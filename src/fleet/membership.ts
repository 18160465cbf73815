/** Tells the other nodes what has changed of a set of plugins, a batch at a time, until they know. */
export class Membership {
  readonly #tell: (added: readonly string[], removed: readonly string[]) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #wanted: ReadonlySet<string> = new Set();
  readonly #told = new Set<string>();
  #telling: Promise<void> | undefined;

  constructor(
    tell: (added: readonly string[], removed: readonly string[]) => Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.#tell = tell;
    this.#onError = onError;
  }

  /** These are in the set, and no others. What cannot be told is told with the next change. */
  set(wanted: ReadonlySet<string>): void {
    this.#wanted = wanted;
    this.#telling ??= this.#tellAll();
  }

  /** The others know already that this one is in the set, or is not. */
  note(name: string, isIn: boolean): void {
    if (isIn) this.#told.add(name);
    else this.#told.delete(name);
  }

  /** The others have forgotten everything. */
  forget(): void {
    this.#told.clear();
    this.#telling ??= this.#tellAll();
  }

  /** Resolves when nothing is being told. */
  async settled(): Promise<void> {
    await this.#telling;
  }

  async #tellAll(): Promise<void> {
    try {
      for (;;) {
        // What changes in the same turn is told at once.
        await Promise.resolve();
        const wanted = this.#wanted;
        const added = [...wanted].filter((name) => !this.#told.has(name));
        const removed = [...this.#told].filter((name) => !wanted.has(name));
        if (added.length + removed.length === 0) return;
        await this.#tell(added, removed);
        for (const name of added) this.#told.add(name);
        for (const name of removed) this.#told.delete(name);
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#telling = undefined;
    }
  }
}
