import { REDACTED, SHORTEST_SECRET as SHORTEST } from './secrets.ts';

/** A line of a secret is looked for by itself from this length on, in characters. */
const SHORTEST_LINE = 8;
/** Of a secret of at least this length, a part is found too: texts are cut and wrapped before they come here. */
const PARTED = 64;
/** A part is found where it has one of the pieces of this length that its secret is cut into. */
const PIECE = 16;
/** The lengths of most beginnings, shared: a long secret has very many pieces. */
const ONLY_PIECE: readonly number[] = [PIECE];
/** How many characters of secrets are remembered. */
const MAX_CHARACTERS = 32 * 2 ** 20;

/** What stands where a text was cut before it came here, as `shortened` says it. */
const CUT = / … \(\d{1,15} more characters\) … /g;

/** Two independent factors: together their hashes are wrong once in 2^53, and then hide a text that is no secret. */
const [FACTOR, OTHER_FACTOR] = [0x01_00_01_93, 0x5b_d1_e9_95] as const;

/** Where a piece lies in its secret. */
interface Piece {
  readonly secret: string;
  readonly at: number;
  /** Whether it lies elsewhere in secrets too, so that what stands beside it is not known. */
  isRepeated: boolean;
}

/**
 * The secret values that texts must not show, of any number and length. A text is searched once for all of them: by its
 * first four characters it is known where one may begin, and by hashes whether one does. The time is in proportion to the
 * text, and to the number of different lengths among those secrets that begin alike.
 */
export class SecretTexts {
  readonly #added = new Set<string>();
  readonly #forms = new Set<string>();
  /** By their first characters: the lengths of secrets and pieces. */
  readonly #starts = new Map<number, readonly number[]>();
  /** By their hash; a secret that is no piece of another is undefined. */
  readonly #hashes = new Map<number, Piece | undefined>();
  /** Which beginnings there are, by 16 bits of their hash: most of a text is passed over by it. */
  readonly #filter = new Uint8Array(2 ** 16);
  #characters = 0;
  #longest = 0;

  /** These secrets. Throws as {@link add}. */
  static of(secrets: Iterable<string>): SecretTexts {
    const all = new SecretTexts();
    for (const secret of secrets) all.add(secret);
    return all;
  }

  /** The length of the longest secret, in characters. */
  get longest(): number {
    return this.#longest;
  }

  /**
   * Remembers a value: as it is, as it stands in a URL and in JSON, and each of its lines. Throws where it cannot; what
   * was remembered before is.
   */
  add(secret: string): void {
    if (this.#added.has(secret)) return;
    const lines = /[\r\n]/.test(secret) ? secret.split(/[\r\n]+/).map((line) => line.trim()) : [];
    this.#addForms(secret, secret.length >= PARTED);
    // The parts of a longer secret are those of its lines too.
    for (const line of lines) if (line.length >= SHORTEST_LINE) this.#addForms(line, false);
    this.#added.add(secret);
  }

  /** Which characters of a text belong to secrets, 1 for each that does; undefined where none does. */
  find(text: string): Uint8Array | undefined {
    if (this.#starts.size === 0 || text.length < SHORTEST) return undefined;
    let found: Uint8Array | undefined;
    let sums: Sums | undefined;
    // Everything between these is marked already: secrets that repeat themselves are found at each character.
    let [from, to] = [0, 0];
    for (let at = 0; at + SHORTEST <= text.length; at += 1) {
      const beginning = startOf(text, at);
      if (this.#filter[beginning & 0xff_ff] === 0) continue;
      sums ??= new Sums(text);
      for (const length of this.#starts.get(beginning) ?? []) {
        if (at + length > text.length) continue;
        const hash = sums.hash(at, length);
        const piece = this.#hashes.get(hash);
        if (piece === undefined && !this.#hashes.has(hash)) continue;
        found ??= new Uint8Array(text.length);
        if (at - PIECE >= from && at + length + PIECE <= to) continue;
        const [before, after] = piece === undefined ? [0, 0] : around(text, at, piece);
        const [start, end] = [at - before, at + length + after];
        found.fill(1, start, start < from ? from : start);
        if (end > to) found.fill(1, Math.max(start, to), end);
        from = start <= to ? Math.min(from, start) : start;
        to = Math.max(end, to);
      }
    }
    if (found !== undefined) hideAtCuts(text, found);
    return found;
  }

  #addForms(text: string, isParted: boolean): void {
    for (const form of [text, encoded(text), JSON.stringify(text).slice(1, -1)]) this.#addForm(form, isParted);
  }

  #addForm(form: string, isParted: boolean): void {
    if (form.length < SHORTEST || this.#forms.has(form)) return;
    if (this.#characters + form.length > MAX_CHARACTERS) throw new RangeError('There are too many secrets.');
    this.#forms.add(form);
    this.#characters += form.length;
    this.#longest = Math.max(this.#longest, form.length);
    const sums = new Sums(form);
    this.#addHash(form, 0, sums.hash(0, form.length), form.length);
    if (!isParted) return;
    for (let at = 0; at + PIECE <= form.length; at += PIECE) {
      this.#addHash(form, at, sums.hash(at, PIECE), PIECE, { secret: form, at, isRepeated: false });
    }
  }

  #addHash(text: string, at: number, hash: number, length: number, piece?: Piece): void {
    const start = startOf(text, at);
    this.#filter[start & 0xff_ff] = 1;
    const lengths = this.#starts.get(start);
    if (lengths === undefined) this.#starts.set(start, length === PIECE ? ONLY_PIECE : [length]);
    else if (!lengths.includes(length)) this.#starts.set(start, [...lengths, length]);
    const known = this.#hashes.get(hash);
    if (known === undefined) this.#hashes.set(hash, piece);
    else if (piece !== undefined) known.isRepeated = true;
  }
}

/** A text without the characters that were found; undefined: there are none. */
export function withoutFound(text: string, found: Uint8Array | undefined): string {
  if (found === undefined) return text;
  let clean = '';
  for (let at = 0; at < text.length; ) {
    const isSecret = found[at] === 1;
    const next = found.indexOf(isSecret ? 0 : 1, at);
    const stop = next === -1 ? text.length : next;
    clean += isSecret ? REDACTED : text.slice(at, stop);
    at = stop;
  }
  return clean;
}

/** Where a text was cut near to a secret, the part of a line that is left there may be too short to have a piece. */
function hideAtCuts(text: string, found: Uint8Array): void {
  for (const { 0: cut, index } of text.matchAll(CUT)) {
    const last = found.lastIndexOf(1, index - 1);
    if (index > 0 && index - last <= 2 * PIECE && last !== -1) found.fill(1, last, index);
    const end = index + cut.length;
    const next = found.indexOf(1, end);
    if (next !== -1 && next - end <= 2 * PIECE) found.fill(1, end, next);
  }
}

/**
 * How much further a text is like a piece's secret, to the left and to the right: less than a piece. Where that is not
 * known, so much of the word.
 */
function around(text: string, at: number, { secret, at: from, isRepeated }: Piece): [number, number] {
  let [before, after] = [0, 0];
  if (isRepeated) {
    while (before < PIECE && before < at && isWithinWord(text, at - before)) before += 1;
    while (after < PIECE && isWithinWord(text, at + PIECE + after)) after += 1;
    return [before, after];
  }
  while (before < PIECE && before < at && before < from && text[at - before - 1] === secret[from - before - 1])
    before += 1;
  const [end, secretEnd] = [at + PIECE, from + PIECE];
  while (
    after < PIECE &&
    end + after < text.length &&
    secretEnd + after < secret.length &&
    text[end + after] === secret[secretEnd + after]
  )
    after += 1;
  return [before, after];
}

/** Whether a word goes on from the character before this place to that at it. */
function isWithinWord(text: string, at: number): boolean {
  return at > 0 && at < text.length && !/\s/.test(text.slice(at - 1, at + 1));
}

/** The hash of the characters that a secret may begin with. */
function startOf(text: string, at: number): number {
  let hash = 0;
  for (let next = at; next < at + SHORTEST; next += 1) hash = Math.imul(hash, FACTOR) + text.charCodeAt(next);
  return (hash ^ (hash >>> 15)) | 0;
}

/** The hash of any part of a text in one step, from sums over its beginnings. */
class Sums {
  readonly #one: Int32Array;
  readonly #other: Int32Array;

  constructor(text: string) {
    this.#one = new Int32Array(text.length + 1);
    this.#other = new Int32Array(text.length + 1);
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at) + 1;
      this.#one[at + 1] = Math.imul(this.#one[at] as number, FACTOR) + code;
      this.#other[at + 1] = Math.imul(this.#other[at] as number, OTHER_FACTOR) + Math.imul(code, code);
    }
    growPowers(text.length);
  }

  hash(at: number, length: number): number {
    const one = part(this.#one, powers, at, length);
    const other = part(this.#other, otherPowers, at, length);
    // Exact: a number holds 53 bits.
    return (one >>> 0) * 2 ** 21 + (other >>> 11);
  }
}

function part(sums: Int32Array, factors: Int32Array, at: number, length: number): number {
  return ((sums[at + length] as number) - Math.imul(sums[at] as number, factors[length] as number)) | 0;
}

let powers = new Int32Array([1]);
let otherPowers = new Int32Array([1]);

function growPowers(length: number): void {
  if (powers.length > length) return;
  const [one, other] = [new Int32Array(length * 2 + 1), new Int32Array(length * 2 + 1)];
  one[0] = other[0] = 1;
  for (let at = 1; at < one.length; at += 1) {
    one[at] = Math.imul(one[at - 1] as number, FACTOR);
    other[at] = Math.imul(other[at - 1] as number, OTHER_FACTOR);
  }
  [powers, otherPowers] = [one, other];
}

function encoded(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    // Half of a surrogate pair.
    return secret;
  }
}
