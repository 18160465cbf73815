import { placeAfter, seqOf } from '../binary-search.ts';

/** Something that is remembered. */
export interface Entry {
  readonly seq: number;
  /** How many characters it counts for. */
  readonly size: number;
}

/** Remembers the latest entries, within a number of entries and of characters. */
export class Ring<E extends Entry> {
  readonly #maxEntries: number;
  readonly #maxCharacters: number;
  #entries: E[] = [];
  /** Where the oldest entry is; what is before it is cut off from time to time. */
  #start = 0;
  #characters = 0;
  readonly #onLost: (entry: E) => void;
  #lost = 0;

  /** @param onLost is told of each entry that is forgotten */
  constructor(
    limits: { readonly entries: number; readonly characters: number },
    onLost: (entry: E) => void = () => {},
  ) {
    this.#maxEntries = limits.entries;
    this.#maxCharacters = limits.characters;
    this.#onLost = onLost;
  }

  /** The highest `seq` that has been forgotten; 0 where none has. */
  get lost(): number {
    return this.#lost;
  }

  /** Entries must come with rising `seq`. */
  add(entry: E): void {
    this.#entries.push(entry);
    this.#characters += entry.size;
    while (this.#entries.length - this.#start > this.#maxEntries || this.#characters > this.#maxCharacters) {
      const oldest = this.#entries[this.#start];
      if (oldest === undefined) break;
      this.#start += 1;
      this.#characters -= oldest.size;
      this.#lost = oldest.seq;
      this.#onLost(oldest);
    }
    if (this.#start > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The entry with this `seq`. */
  find(seq: number): E | undefined {
    const found = this.#entries[this.#after(seq - 1)];
    return found?.seq === seq ? found : undefined;
  }

  /** The entries with a higher `seq`, the oldest first. */
  *after(seq: number): Generator<E, undefined> {
    for (let index = this.#after(seq); index < this.#entries.length; index += 1) yield this.#entries[index] as E;
  }

  #after(seq: number): number {
    return placeAfter(this.#entries, seq, seqOf, this.#start);
  }
}
