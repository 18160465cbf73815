import { isPlainNumber } from '../json/exact-json.ts';
import { byteLengthOf, type PlacedBytes } from '../json/placed-bytes.ts';
import { stringify } from './originals.ts';

/** The longest chunk that may be copied to be written with others, in characters. */
const MAX_COPIED = 16 * 1024;

/** About as long are a number, `true` or `null`, and what is around a text or a name, in characters of JSON. */
const SCALAR = 8;
const AROUND = 3;

/**
 * The chunks of one frame. Those that are {@link flatLength flat} are copied as they come, and written together as a
 * list, which takes half as long as writing each.
 */
export class ChunkList {
  /** The JSON of the list without its end; empty before the first chunk. */
  #text = '';
  /** Chunks that come after those of the text. */
  #copies: unknown[] = [];
  #placed: PlacedBytes[] = [];
  #count = 0;
  #length = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** How long the chunks are, in characters and bytes; of copies about. */
  get length(): number {
    return this.#length;
  }

  /** Adds a copy of a flat chunk of this length. */
  addFlat(value: unknown, length: number): void {
    this.#copies.push(typeof value === 'object' && value !== null ? { ...value } : value);
    this.#count += 1;
    this.#length += length;
  }

  /** Adds a chunk that is JSON already, and its bytes. */
  add(json: string, placed: readonly PlacedBytes[]): void {
    this.#writeCopies();
    this.#append(json);
    for (const { path, bytes } of placed) this.#placed.push({ path: [this.#count, ...path], bytes });
    this.#count += 1;
    this.#length += json.length + byteLengthOf(placed);
  }

  /** The list as JSON, and the bytes in it; it is empty then. */
  take(): { readonly text: string; readonly placed: readonly PlacedBytes[] } {
    this.#writeCopies();
    const taken = { text: `${this.#text}]`, placed: this.#placed };
    this.#text = '';
    if (this.#placed.length > 0) this.#placed = [];
    this.#count = 0;
    this.#length = 0;
    return taken;
  }

  #writeCopies(): void {
    if (this.#copies.length === 0) return;
    this.#append(stringify(this.#copies).slice(1, -1));
    this.#copies = [];
  }

  #append(json: string): void {
    this.#text += this.#text === '' ? `[${json}` : `,${json}`;
  }
}

/**
 * About how long the JSON of a chunk is that is a scalar, or an object of nothing but scalars, and that JSON.stringify
 * writes as it is; -1 for any other, and for a long one.
 */
export function flatLength(value: unknown): number {
  if (typeof value !== 'object' || value === null) return scalarLength(value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return -1;
  let length = 0;
  for (const name in value) {
    const field = scalarLength((value as Readonly<Record<string, unknown>>)[name]);
    if (field === -1) return -1;
    length += name.length + AROUND + field;
  }
  return length > MAX_COPIED ? -1 : length;
}

function scalarLength(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return value.length > MAX_COPIED ? -1 : value.length + AROUND;
    case 'number':
      return isPlainNumber(value) ? SCALAR : -1;
    case 'boolean':
      return SCALAR;
    default:
      return value === null ? SCALAR : -1;
  }
}
