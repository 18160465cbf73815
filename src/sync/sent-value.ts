import { writeJson } from '../json/exact-json.ts';
import { type PlacedBytes, placeBytes } from '../json/placed-bytes.ts';
import { readJson } from '../json/read-json.ts';

/** JSON, and the bytes that belong into it: their memory is handed over, not copied. */
export interface JsonWithBytes {
  readonly json: string;
  readonly bytes: readonly PlacedBytes[];
}

/** A plugin's value on its way to another thread: JSON as text, which its reader parses, with bytes where it has any. */
export type SentValue = string | JsonWithBytes;

/** A plugin's value for another thread. Bytes are copied once, as whoever gave them may keep them. */
export function sentValue(value: unknown, name = 'value'): SentValue {
  const bytes: PlacedBytes[] = [];
  const json = writeJson(value, name, bytes) ?? 'null';
  return bytes.length === 0 ? json : { json, bytes };
}

/** The value again, with bytes as Buffers, as a supervisor in this thread would give them. */
export function receivedValue(sent: SentValue): unknown {
  return typeof sent === 'string' ? readJson(sent) : withBytes(readJson(sent.json), sent.bytes);
}

/** Puts bytes that came from another thread into a value. */
export function withBytes(value: unknown, placed: readonly PlacedBytes[]): unknown {
  let whole = value;
  for (const { path, bytes } of placed) {
    whole = placeBytes(whole, path, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return whole;
}

/** The memory of bytes that are sent, to be handed over to the other thread. */
export function memoryOf(placed: readonly PlacedBytes[]): ArrayBuffer[] {
  return placed.map(({ bytes }) => bytes.buffer as ArrayBuffer);
}
