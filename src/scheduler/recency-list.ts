/** What a {@link RecencyList} can hold. The list owns `older` and `newer`. */
export interface Recent<T> {
  /** When it was last used, in milliseconds since the epoch. Must not change while it is listed. */
  lastUsedAt: number;
  older: T | undefined;
  newer: T | undefined;
}

/**
 * Items from the least to the most recently used. Adding and deleting take constant time as long as items come in the
 * order of their last use, which they do but for events that cross. An item may be in one list at a time.
 */
export class RecencyList<T extends Recent<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  /** Adds an item behind those last used no later than it. */
  add(item: T): void {
    let older = this.#newest;
    while (older !== undefined && older.lastUsedAt > item.lastUsedAt) older = older.older;
    const newer = older === undefined ? this.#oldest : older.newer;
    item.older = older;
    item.newer = newer;
    if (older === undefined) this.#oldest = item;
    else older.newer = item;
    if (newer === undefined) this.#newest = item;
    else newer.older = item;
  }

  /** Takes an item out that is in this list. */
  delete(item: T): void {
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
  }

  /** From the least recently used on. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let item = this.#oldest; item !== undefined; item = item.newer) yield item;
  }
}
