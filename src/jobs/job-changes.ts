/** Who watches which job. */
export class JobChanges {
  readonly #watchers = new Map<string, Set<(hasEnded: boolean) => void>>();

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

  notify(id: string, hasEnded = false): void {
    for (const tell of this.#watchers.get(id) ?? []) tell(hasEnded);
  }

  /** Has everybody look again. */
  notifyAll(): void {
    for (const id of [...this.#watchers.keys()]) this.notify(id, true);
  }
}
