import { writeJson } from '../json/exact-json.ts';
import { type PlacedBytes, putBytes, writePlaces } from '../json/placed-bytes.ts';
import { type Integers, readJson } from '../json/read-json.ts';

/**
 * The media type of a value with everything that calls carry: integers of any size, and bytes as they are. JSON has
 * neither, so the clients of this package ask for this, and others for JSON.
 */
export const PACKED_VALUE = 'application/vnd.greenroom.value';

const HEAD_BYTES = 8;

/**
 * Packs a value: the lengths in bytes of its JSON and of the places of its bytes, each as 32 bits, big end first; then
 * these two, then the bytes. Throws `JsonLoss` for what calls do not carry. Undefined becomes no bytes at all.
 *
 * @param name what stands for the value in messages
 */
export function packValue(value: unknown, name: string): Buffer {
  const placed: PlacedBytes[] = [];
  const text = writeJson(value, name, placed);
  if (text === undefined) return Buffer.alloc(0);
  const json = Buffer.from(text);
  const places = Buffer.from(placed.length === 0 ? '' : writePlaces(placed));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(json.length, 0);
  head.writeUInt32BE(places.length, 4);
  return Buffer.concat([head, json, places, ...placed.map(({ bytes }) => bytes)]);
}

/** Reads a packed value. Throws where it is none: the message goes on from "it". */
export function unpackValue(packed: Buffer, integers: Integers = 'bigint'): unknown {
  if (packed.length === 0) return undefined;
  if (packed.length < HEAD_BYTES) throw new Error('it is shorter than its head');
  const jsonEnd = HEAD_BYTES + packed.readUInt32BE(0);
  const placesEnd = jsonEnd + packed.readUInt32BE(4);
  if (placesEnd > packed.length) throw new Error('it is shorter than its head says');
  const value = readJson(packed.toString('utf8', HEAD_BYTES, jsonEnd), integers);
  return putBytes(value, packed.toString('utf8', jsonEnd, placesEnd), packed.subarray(placesEnd));
}
