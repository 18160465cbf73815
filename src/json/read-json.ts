import { MAX_DEPTH, MAX_DIGITS } from './exact-json.ts';
import { isDeeperThan } from './json-depth.ts';
import { type JsonPath, visitNumbers } from './json-text.ts';

// A plugin may replace it in its process, where this is loaded before the plugin.
const { parse } = JSON;

/**
 * How integers beyond ±(2^53 − 1) are read: `bigint`, exactly, as bigints; `number`, rounded, as JSON.parse does.
 */
export type Integers = 'bigint' | 'number';

/** A JSON text with a number that cannot be read, or with too many levels. The message says where and what it is. */
export class UnreadableJson extends Error {
  override readonly name = 'UnreadableJson';
}

/**
 * Reads a JSON text. Throws SyntaxError where it is none, and {@link UnreadableJson} for more than `levels` levels, a
 * number that no float can hold, or an integer of more than {@link MAX_DIGITS} digits.
 */
export function readJson(text: string, integers: Integers = 'bigint', levels = MAX_DEPTH): unknown {
  const value: unknown = parse(text);
  // To look at the numbers costs little beside parsing; the text is read again only where there is reason to.
  if (isSurelyExact(value, levels)) return value;
  if (isDeeperThan(levels, value)) throw new UnreadableJson(`it is nested deeper than ${MAX_DEPTH} levels`);
  const read = { value };
  visitNumbers(text, (path, digits) => {
    const number = Number(digits);
    if (Number.isSafeInteger(number)) return;
    if (!isReadable(digits)) throw unreadable(path, digits);
    if (!isInteger(digits)) return;
    if (integers === 'bigint') setAt(read, path, BigInt(digits));
    else if (!Number.isFinite(number)) throw unreadable(path, digits);
  });
  return read.value;
}

/** Whether a number of a JSON text can be read as what it says: floats as the nearest one. */
export function isReadable(digits: string): boolean {
  return isInteger(digits) ? digits.replace('-', '').length <= MAX_DIGITS : Number.isFinite(Number(digits));
}

function isInteger(digits: string): boolean {
  return /^-?\d+$/.test(digits);
}

function unreadable(path: JsonPath, digits: string): UnreadableJson {
  const shown = digits.length > 40 ? `${digits.slice(0, 40)}…` : digits;
  const place = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return new UnreadableJson(
    `${place.replace(/^\./, '') || 'it'} is ${shown}, which is too large to be read; pass it as a text`,
  );
}

/** Not where a name was given twice, and what came later under it is another value. */
function setAt(read: { value: unknown }, path: JsonPath, value: bigint): void {
  let holder: unknown = read;
  let last: string | number = 'value';
  for (const step of path) {
    holder = fieldOf(holder, last);
    last = step;
  }
  const rounded = fieldOf(holder, last);
  if ((typeof rounded !== 'number' && typeof rounded !== 'bigint') || Number(rounded) !== Number(value)) return;
  Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true });
}

function fieldOf(holder: unknown, name: string | number): unknown {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined;
  return (holder as Readonly<Record<string | number, unknown>>)[name];
}

/**
 * A value that was read with bigints, as `integers` would have had it read, except that one which no number can hold stays.
 * It is changed for that.
 */
export function withIntegers(value: unknown, integers: Integers): unknown {
  if (integers === 'bigint') return value;
  const read = { value };
  roundFields(read);
  return read.value;
}

function roundFields(holder: object): void {
  for (const [key, value] of Object.entries(holder)) {
    if (typeof value === 'object' && value !== null) roundFields(value);
    else if (typeof value === 'bigint' && Number.isFinite(Number(value))) {
      // An assignment to __proto__ would set the prototype.
      Object.defineProperty(holder, key, { value: Number(value) });
    }
  }
}

/** False is no verdict. */
function isSurelyExact(value: unknown, depth: number): boolean {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) || (!Number.isInteger(value) && Number.isFinite(value));
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item !== 'string' && !isSurelyExact(item, depth - 1)) return false;
    return true;
  }
  for (const key in value) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof field !== 'string' && !isSurelyExact(field, depth - 1)) return false;
  }
  return true;
}
