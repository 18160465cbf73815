import { unpackValue } from '../../api/packed-value.ts';

/** How long the JSON of a value may be that dashboards show, in bytes. */
const MOST_BYTES = 64 * 1024;

/** An input or a result as dashboards of BullMQ show it: JSON, or a note of its length where it is long or has bytes in it. */
export function dashboardValue(packed: Uint8Array): string {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  if (bytes.length === 0) return 'null';
  try {
    const length = bytes.readUInt32BE(0);
    if (length <= MOST_BYTES && bytes.readUInt32BE(4) === 0) {
      // Read once, as nothing but JSON may come to those that show it.
      unpackValue(bytes);
      return bytes.toString('utf8', 8, 8 + length);
    }
  } catch {
    // Another program may have packed it otherwise.
  }
  return JSON.stringify({ note: `a value of ${bytes.length} bytes, kept by Greenroom` });
}
