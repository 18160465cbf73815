import { byteLengthOf, type PlacedBytes, writePlaces } from '../json/placed-bytes.ts';
import { MAX_SHARED_BYTES } from './frame.ts';

/** No unit of UTF-16 takes more bytes of UTF-8. */
const BYTES_A_UNIT = 3;

/** Whether a frame that is still to be written is short enough for a connection that calls share. */
export function fitsShared(text: string, placed: readonly PlacedBytes[]): boolean {
  return isWithinShared(text, placed.length === 0 ? '' : writePlaces(placed), byteLengthOf(placed));
}

/** The same of a frame in its parts; `bytes` is how many it has. Texts are measured only where they may be too long. */
export function isWithinShared(text: string, places: string, bytes: number): boolean {
  const units = text.length + places.length;
  if (units * BYTES_A_UNIT + bytes <= MAX_SHARED_BYTES) return true;
  if (units + bytes > MAX_SHARED_BYTES) return false;
  return Buffer.byteLength(text) + Buffer.byteLength(places) + bytes <= MAX_SHARED_BYTES;
}
