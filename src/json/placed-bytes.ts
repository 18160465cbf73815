import type { JsonPath } from './json-text.ts';

// A plugin may replace them in its process, where this is loaded before the plugin.
const { parse, stringify } = JSON;

/** Bytes in a value, and the steps that lead to them: names of fields and places in lists, none for the value itself. */
export interface PlacedBytes {
  readonly path: JsonPath;
  readonly bytes: Uint8Array;
}

/** How many bytes one value may have, in all. */
export const MAX_BYTES = 256 * 1024 * 1024;

/** A value has more bytes than it may. The message goes on from its place. */
export class TooManyBytes extends Error {
  override readonly name = 'TooManyBytes';
}

/** Bytes that do not belong to the value that they came with. */
export class MisplacedBytes extends Error {
  override readonly name = 'MisplacedBytes';
}

/** Adds a copy of bytes to those of a value, as whoever has them may change them. Throws {@link TooManyBytes}. */
export function takeBytes(taken: PlacedBytes[], path: JsonPath, value: Uint8Array | ArrayBuffer): void {
  const source = ArrayBuffer.isView(value) ? value : new Uint8Array(value);
  if ((source.buffer as { detached?: boolean }).detached === true) throw new Error('its memory was transferred');
  if (byteLengthOf(taken) + source.byteLength > MAX_BYTES) {
    throw new TooManyBytes(
      `brings the bytes of one value to more than ${MAX_BYTES / 2 ** 20} MiB; pass them in pieces, or as the path of a file`,
    );
  }
  taken.push({ path, bytes: ownCopy(source) });
}

/** How many bytes a value has. */
export function byteLengthOf(placed: readonly PlacedBytes[]): number {
  let length = 0;
  for (const { bytes } of placed) length += bytes.byteLength;
  return length;
}

/** The places of bytes as JSON, `[[path, length], …]`, in the order in which their bytes follow each other. */
export function writePlaces(placed: readonly PlacedBytes[]): string {
  return stringify(placed.map(({ path, bytes }) => [path, bytes.byteLength]));
}

/**
 * Puts bytes where they belong in a value that was read from JSON, and gives the value. `places` is the JSON of
 * {@link writePlaces}. Each gets memory of its own; where nobody else uses that of `data`, a single one may have it.
 * Throws {@link MisplacedBytes}.
 */
export function putBytes(value: unknown, places: string, data: Uint8Array, owned = false): unknown {
  let whole = value;
  let at = 0;
  for (const [path, length] of readPlaces(places)) {
    if (length > data.byteLength - at) throw new MisplacedBytes('its places take more bytes than there are');
    const bytes = owned && length === data.byteLength ? data : ownCopy(data.subarray(at, at + length));
    at += length;
    whole = placeBytes(whole, path, bytes);
  }
  if (at !== data.byteLength) throw new MisplacedBytes('it has bytes without a place');
  return whole;
}

/** Puts bytes at one place of a value that was read from JSON, and gives the value. Throws {@link MisplacedBytes}. */
export function placeBytes(value: unknown, path: JsonPath, bytes: Uint8Array): unknown {
  const last = path.at(-1);
  const holder = path.slice(0, -1).reduce<unknown>(stepInto, value);
  if ((last === undefined ? value : stepInto(holder, last)) !== null) {
    throw new MisplacedBytes(`there is no null for bytes at ${shown(path)}`);
  }
  if (last === undefined) return bytes;
  Object.defineProperty(holder, last, { value: bytes, enumerable: true, configurable: true, writable: true });
  return value;
}

function stepInto(holder: unknown, step: string | number): unknown {
  const fits =
    typeof holder === 'object' &&
    holder !== null &&
    Array.isArray(holder) === (typeof step === 'number') &&
    Object.hasOwn(holder, step);
  if (!fits) throw new MisplacedBytes(`there is no place ${shown(step)} for bytes`);
  return (holder as Readonly<Record<string | number, unknown>>)[step];
}

/** As a message shows it, which whoever sent the places may have made long. */
function shown(place: unknown): string {
  const text = stringify(place);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function readPlaces(text: string): [JsonPath, number][] {
  if (text === '') return [];
  let places: unknown;
  try {
    places = parse(text);
  } catch {
    throw new MisplacedBytes('its list of places is not JSON');
  }
  if (!Array.isArray(places) || !places.every(isPlace)) {
    throw new MisplacedBytes('its list of places is not of the form [[path, length], …]');
  }
  return places;
}

function isPlace(place: unknown): place is [JsonPath, number] {
  if (!Array.isArray(place) || place.length !== 2 || !Array.isArray(place[0])) return false;
  const isStep = (step: unknown): boolean => typeof step === 'string' || isCount(step);
  return place[0].every(isStep) && isCount(place[1]);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Not of Node's pool, whose memory would be reached through `buffer`. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy;
}
