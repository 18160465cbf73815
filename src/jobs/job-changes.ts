/** Who watches which job. */
export class JobChanges {
  readonly #watchers = new Map<string, Set<(hasEnded: boolean) => void>>();
  readonly #ofAll = new Set<(id: string) => void>();

  /** Calls back when something about a job has changed, and whether it has ended. Returns how to stop. `tell` must not throw. */
  watch(id: string, tell: (hasEnded: boolean) => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    watchers.add(tell);
    this.#watchers.set(id, watchers);
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    };
  }

  /** Calls back with each job about which something has changed, and with '' where that is about no single job. Returns how to stop. `tell` must not throw. */
  watchAll(tell: (id: string) => void): () => void {
    // Each in a function of its own, as two may give the same.
    const watcher = (id: string): void => tell(id);
    this.#ofAll.add(watcher);
    return () => void this.#ofAll.delete(watcher);
  }

  notify(id: string, hasEnded = false): void {
    for (const tell of this.#watchers.get(id) ?? []) tell(hasEnded);
    for (const tell of this.#ofAll) tell(id);
  }

  /** Something has changed that is not about one job. */
  notifyOther(): void {
    for (const tell of this.#ofAll) tell('');
  }

  /** Has everybody look again. */
  notifyAll(): void {
    for (const id of [...this.#watchers.keys()]) this.notify(id, true);
    this.notifyOther();
  }
}
