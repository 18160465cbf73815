/** A record as it is remembered: already JSON, so that it is written once for all who read it. */
export interface Entry {
  readonly seq: number;
  readonly json: string;
  /** What is too long for the record itself, as JSON. */
  readonly payload: string | undefined;
  /** How many characters of JSON were recorded up to and with this one. */
  readonly end: number;
}

/** Remembers the latest entries, within a number of entries and of characters. */
export class Ring {
  readonly #maxEntries: number;
  readonly #maxCharacters: number;
  #entries: Entry[] = [];
  /** Where the oldest entry is; what is before it is cut off from time to time. */
  #start = 0;
  #characters = 0;
  #lost = 0;

  constructor(limits: { readonly entries: number; readonly characters: number }) {
    this.#maxEntries = limits.entries;
    this.#maxCharacters = limits.characters;
  }

  /** The highest `seq` that has been forgotten; 0 where none has. */
  get lost(): number {
    return this.#lost;
  }

  /** Entries must come with rising `seq`. */
  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#characters += sizeOf(entry);
    while (this.#entries.length - this.#start > this.#maxEntries || this.#characters > this.#maxCharacters) {
      const oldest = this.#entries[this.#start];
      if (oldest === undefined) break;
      this.#start += 1;
      this.#characters -= sizeOf(oldest);
      this.#lost = oldest.seq;
    }
    if (this.#start > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The entry with this `seq`. */
  find(seq: number): Entry | undefined {
    const found = this.#entries[this.#after(seq - 1)];
    return found?.seq === seq ? found : undefined;
  }

  /** The entries with a higher `seq`, the oldest first. */
  *after(seq: number): Generator<Entry, undefined> {
    for (let index = this.#after(seq); index < this.#entries.length; index += 1) yield this.#entries[index] as Entry;
  }

  #after(seq: number): number {
    let [low, high] = [this.#start, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle] as Entry).seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sizeOf({ json, payload }: Entry): number {
  return json.length + (payload?.length ?? 0);
}
