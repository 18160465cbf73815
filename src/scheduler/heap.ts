/** A binary heap from which any item can be taken out. The order of an item must not change while it is in. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();

  /** @param before whether `a` comes before `b`, strictly */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Whether the item is in. */
  has(item: T): boolean {
    return this.#places.has(item);
  }

  /** The first item, if there is one. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** All items in order, found as they are read: each takes the time of a push. Must not be changed meanwhile. */
  *sorted(): IterableIterator<T> {
    const items = this.#items;
    const next = new Heap<number>((a, b) => this.#before(items[a] as T, items[b] as T));
    if (items.length > 0) next.push(0);
    for (let place = next.pop(); place !== undefined; place = next.pop()) {
      yield items[place] as T;
      for (const below of [2 * place + 1, 2 * place + 2]) if (below < items.length) next.push(below);
    }
  }

  /** Adds an item that is not in yet. */
  push(item: T): void {
    this.#rise(item, this.#items.length);
  }

  /** Takes the first item out. */
  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.delete(first);
    return first;
  }

  /** Takes an item out; false when it was not in. */
  delete(item: T): boolean {
    const place = this.#places.get(item);
    if (place === undefined) return false;
    this.#places.delete(item);
    const last = this.#items.pop();
    if (last !== undefined && last !== item) this.#sink(last, this.#rise(last, place));
    return true;
  }

  #put(item: T, place: number): void {
    this.#items[place] = item;
    this.#places.set(item, place);
  }

  /** Puts the item at this place, or as far above as its order says; returns where. */
  #rise(item: T, from: number): number {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || !this.#before(item, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(item, place);
    return place;
  }

  #sink(item: T, from: number): void {
    let place = from;
    for (;;) {
      const below = this.#earlier(2 * place + 1, 2 * place + 2);
      const child = this.#items[below];
      if (child === undefined || !this.#before(child, item)) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(item, place);
  }

  #earlier(left: number, right: number): number {
    const [a, b] = [this.#items[left], this.#items[right]];
    return a !== undefined && b !== undefined && this.#before(b, a) ? right : left;
  }
}
