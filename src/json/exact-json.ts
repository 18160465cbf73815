import { types } from 'node:util';
import { type PlacedBytes, TooManyBytes, takeBytes } from './placed-bytes.ts';

// A plugin may replace it in its process, where this is loaded before the plugin.
const { stringify } = JSON;

/**
 * How deep lists and objects may be nested, the outermost counted. Engines refuse deeper ones too, but each at a depth of
 * its own: Python at about 1,000, with what is on its stack already.
 */
export const MAX_DEPTH = 500;

/** The largest integer that is carried, in digits: Python reads and writes no longer ones, unless it is told to. */
export const MAX_DIGITS = 4_300;

/** A value that JSON would carry as another one, or not at all. The message says where, what it is and what to do. */
export class JsonLoss extends Error {
  override readonly name = 'JsonLoss';
}

/**
 * Writes a value as JSON that says exactly this value, in JavaScript and in Python; undefined where the value itself is.
 * `name` stands for the value in messages. As with JSON.stringify, fields that are undefined or named by symbols are left
 * out, and `toJSON` is asked. A bigint is written in digits. Where there is a list for them, bytes are copied into
 * `bytes`, with their places, and are `null` in the JSON. Anything else that would be changed or lost, at any depth,
 * throws {@link JsonLoss}.
 */
export function writeJson(value: unknown, name: string, bytes?: PlacedBytes[]): string | undefined {
  // Nearly every value is plain, and to see that costs a small part of what JSON.stringify does.
  let plain = false;
  try {
    plain = isPlain(value, MAX_DEPTH);
  } catch {
    // A getter or a proxy threw: the writer says where.
  }
  if (!plain) return new Writer(name, bytes).write(value);
  try {
    return stringify(value);
  } catch (error) {
    // Its text would be longer than a string can be.
    throw new JsonLoss(`${name} cannot be written: ${textOf(error)}`, { cause: error });
  }
}

/** Whether JSON.stringify writes the value as it is. False is no verdict: the writer looks closely. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isPlainNumber(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    if ((value as { toJSON?: unknown }).toJSON !== undefined) return false;
    for (let at = 0; at < value.length; at += 1) {
      const item: unknown = value[at];
      if (typeof item !== 'string' && !isPlain(item, depth - 1)) return false;
    }
    return true;
  }
  if (!hasPlainPrototype(value)) {
    if (isPlainDate(value)) return true;
    if (!isPlainInstance(value)) return false;
  }
  for (const key in value) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof field !== 'string' && field !== undefined && !isPlain(field, depth - 1)) return false;
  }
  return true;
}

/**
 * Not so are NaN and infinities; −0, which JSON.stringify writes as 0; and integers from 2^53 up to 1e21, the digits of
 * which Python reads as another integer.
 */
export function isPlainNumber(value: number): boolean {
  if (value > -(2 ** 53) && value < 2 ** 53) return value !== 0 || !Object.is(value, -0);
  return Number.isFinite(value) && Math.abs(value) >= 1e21;
}

/** Whether it is an object of data, of whichever realm: a `vm` context has an `Object.prototype` of its own. */
export function hasPlainPrototype(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isPlainDate(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Date.prototype) return false;
  return (value as Date).toJSON === Date.prototype.toJSON && !Number.isNaN(Date.prototype.getTime.call(value));
}

/** Whether an instance of some class has its content in its fields, for as much as can be seen. */
export function isPlainInstance(value: object): boolean {
  const { toJSON, toTempFile } = value as { toJSON?: unknown; toTempFile?: unknown };
  return (
    toJSON === undefined &&
    toTempFile === undefined &&
    Object.prototype.toString.call(value) === '[object Object]' &&
    Object.keys(value).length > 0
  );
}

/** Writes values that JSON.stringify would change, or refuses them. Reads each property once. */
class Writer {
  readonly #name: string;
  readonly #bytes: PlacedBytes[] | undefined;
  /** How the value that is being written is reached. */
  readonly #path: (string | number)[] = [];
  readonly #above = new Set<object>();

  constructor(name: string, bytes: PlacedBytes[] | undefined) {
    this.#name = name;
    this.#bytes = bytes;
  }

  write(value: unknown): string | undefined {
    try {
      return this.#write(value);
    } catch (error) {
      throw error instanceof JsonLoss ? error : this.#loss(`cannot be read: ${textOf(error)}`, error);
    }
  }

  #write(given: unknown): string | undefined {
    const value = this.#plainForm(given);
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return stringify(value);
      case 'number':
        return this.#writeNumber(value);
      case 'undefined':
        return undefined;
      case 'bigint':
        return this.#writeInteger(value);
      case 'function':
      case 'symbol':
        throw this.#loss(`is a ${typeof value}; leave it out`);
      case 'object':
        return value === null ? 'null' : this.#writeObject(value);
    }
  }

  /** What `toJSON` gives where there is one, except of bytes and invalid dates, whose form says less than they do. */
  #plainForm(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || isBytes(value)) return value;
    if (types.isDate(value) && Number.isNaN(Date.prototype.getTime.call(value))) {
      throw this.#loss('is an invalid Date; pass a valid one, or null');
    }
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === 'function' ? toJSON.call(value, String(this.#path.at(-1) ?? '')) : value;
  }

  #writeNumber(value: number): string {
    if (!Number.isFinite(value)) throw this.#loss(`is ${value}, which JSON cannot say; pass null or a text`);
    if (Object.is(value, -0)) return '-0.0';
    // As a float, which it is: JSON.stringify would write the digits of another integer.
    return isPlainNumber(value) ? String(value) : value.toExponential();
  }

  #writeInteger(value: bigint): string {
    if (value < TOO_LONG && value > -TOO_LONG) return String(value);
    throw this.#loss(`is an integer of more than ${MAX_DIGITS} digits; pass it as a string`);
  }

  #writeBytes(value: ArrayBufferView | ArrayBufferLike): string {
    if (this.#bytes === undefined) {
      throw this.#loss('is binary data; write it to a file and pass its path, or pass it as base64');
    }
    const advice = adviceOnBytes(value);
    if (advice !== undefined) throw this.#loss(advice);
    try {
      takeBytes(this.#bytes, [...this.#path], value as Uint8Array | ArrayBuffer);
    } catch (error) {
      if (error instanceof TooManyBytes) throw this.#loss(error.message, error);
      throw error;
    }
    return 'null';
  }

  #writeObject(value: object): string {
    if (isBytes(value)) return this.#writeBytes(value);
    if (this.#above.has(value)) throw this.#loss('refers back to a value that it is part of');
    if (this.#above.size === MAX_DEPTH) throw this.#loss(`is nested deeper than ${MAX_DEPTH} levels`);
    this.#above.add(value);
    const text = Array.isArray(value) ? this.#writeList(value) : this.#writeFields(value);
    this.#above.delete(value);
    return text;
  }

  #writeList(list: readonly unknown[]): string {
    let text = '[';
    for (let at = 0; at < list.length; at += 1) {
      this.#path.push(at);
      const item = this.#write(list[at]);
      if (item === undefined) throw this.#loss('is undefined, which JSON would make null; pass null');
      text += at === 0 ? item : `,${item}`;
      this.#path.pop();
    }
    return `${text}]`;
  }

  #writeFields(value: object): string {
    this.#refuseHiddenContent(value);
    let text = '';
    for (const key of Object.keys(value)) {
      this.#path.push(key);
      const field = this.#write((value as Readonly<Record<string, unknown>>)[key]);
      if (field !== undefined) text += `${text === '' ? '' : ','}${stringify(key)}:${field}`;
      this.#path.pop();
    }
    return `{${text}}`;
  }

  /** Refuses objects whose content is not in their own enumerable fields. */
  #refuseHiddenContent(value: object): void {
    const [kind, advice] = hiddenKindOf(value);
    if (kind !== undefined) throw this.#loss(`is ${kind}, of which JSON keeps nothing; ${advice}`);
    if (hasPlainPrototype(value)) return;
    if (typeof (value as { toTempFile?: unknown }).toTempFile === 'function') {
      throw this.#loss('has a toTempFile(), which is not called at this depth; save it and pass the path');
    }
    if (Object.keys(value).length === 0) {
      throw this.#loss(`is an instance of ${classOf(value)} without fields; pass an object, or give it a toJSON()`);
    }
  }

  #loss(what: string, cause?: unknown): JsonLoss {
    const place = this.#path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
    return new JsonLoss(`${this.#name}${shortened(place)} ${what}`, { cause });
  }
}

/** Of the place of something that is nested deep, the beginning says enough. */
function shortened(place: string): string {
  return place.length > LONGEST_PLACE ? `${place.slice(0, LONGEST_PLACE)}…` : place;
}

const LONGEST_PLACE = 200;

const TOO_LONG = 10n ** BigInt(MAX_DIGITS);

/** Why binary data of this type is not passed as bytes: what it says beside them would be lost. */
function adviceOnBytes(value: ArrayBufferView | ArrayBufferLike): string | undefined {
  if (types.isUint8Array(value) || types.isArrayBuffer(value)) return undefined;
  if (types.isSharedArrayBuffer(value)) return 'is a SharedArrayBuffer; pass a Uint8Array of it';
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return `is a ${name}; pass a Uint8Array of its buffer for its bytes, or a list for its numbers`;
}

function hiddenKindOf(value: object): [string, string] | [undefined, undefined] {
  if (types.isMap(value)) return ['a Map', 'pass an object or a list'];
  if (types.isSet(value)) return ['a Set', 'pass a list'];
  if (types.isPromise(value)) return ['a Promise', 'await it'];
  if (types.isNativeError(value)) return ['an Error', 'pass its message'];
  if (types.isRegExp(value)) return ['a RegExp', 'pass its source'];
  if (types.isBoxedPrimitive(value)) return ['a boxed primitive', 'pass its valueOf()'];
  return [undefined, undefined];
}

/** Whether a value is binary data. */
export function isBytes(value: object): value is ArrayBufferView | ArrayBufferLike {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

function classOf(value: object): string {
  try {
    const name: unknown = value.constructor.name;
    return typeof name === 'string' && name !== '' ? name : 'a class';
  } catch {
    return 'a class';
  }
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'what was thrown cannot be shown';
  }
}
