/** The label of everything beyond the labels that have counts of their own. */
const OTHER = 'other';

/** Counts by the value of a label, of which so many are told apart: each is a series that Prometheus keeps. */
export class LabelCounts {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  add(label: string): void {
    const counted = this.#counts.has(label) || this.#counts.size < this.#most ? label : OTHER;
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
  }

  [Symbol.iterator](): IterableIterator<[label: string, count: number]> {
    return this.#counts.entries();
  }
}
