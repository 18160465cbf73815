import type { Socket } from 'node:net';
import { byteLengthOf, type PlacedBytes, writePlaces } from '../json/placed-bytes.ts';
import { HEAD_BYTES } from './frame.ts';

// A plugin may replace it in its process, where this is loaded before the plugin.
const { nextTick } = process;

/** Frames of one turn of the event loop are gathered up to this many bytes. */
const GATHER_BYTES = 64 * 1024;

/** From so many on bytes are written by themselves. */
const LONG_BYTES = 16 * 1024;

/** No unit of UTF-16 takes more bytes of UTF-8. */
const BYTES_A_UNIT = 3;

/** Writes frames to a socket. What is sent in one turn of the event loop is written at once, at the turn's end. */
export class FrameSender {
  readonly #socket: Socket;
  #gathered = Buffer.allocUnsafeSlow(GATHER_BYTES);
  #length = 0;
  #isDue = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether the reader is so far behind that no more should be sent. */
  get isBehind(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Sends a frame, with the bytes that belong into its text, at the end of the turn. */
  send(type: number, call: number, text: string, placed: readonly PlacedBytes[] = []): void {
    this.#gather(type, call, text, placed);
    if (this.#isDue) return;
    this.#isDue = true;
    nextTick(() => {
      this.#isDue = false;
      this.flush();
    });
  }

  /** The same at once, where no other frame can come in this turn. */
  sendNow(type: number, call: number, text: string, placed: readonly PlacedBytes[] = []): void {
    this.#gather(type, call, text, placed);
    this.flush();
  }

  /** Writes what is gathered now. */
  flush(): void {
    if (this.#length === 0) return;
    const gathered = this.#gathered.subarray(0, this.#length);
    this.#length = 0;
    this.#socket.write(gathered);
    // What the system has not taken yet must stay as it is.
    if (this.#socket.writableLength > 0) this.#gathered = Buffer.allocUnsafeSlow(GATHER_BYTES);
  }

  #gather(type: number, call: number, text: string, placed: readonly PlacedBytes[]): void {
    if (placed.length === 0) {
      this.#gatherText(type, call, text, '', 0);
      return;
    }
    this.#gatherText(type, call, text, writePlaces(placed), byteLengthOf(placed));
    for (const { bytes } of placed) this.#gatherBytes(bytes);
  }

  #gatherText(type: number, call: number, text: string, places: string, bytes: number): void {
    const most = HEAD_BYTES + (text.length + places.length) * BYTES_A_UNIT;
    if (most > GATHER_BYTES) {
      this.flush();
      this.#socket.write(longFrame(type, call, text, places, bytes));
      return;
    }
    if (most > GATHER_BYTES - this.#length) this.flush();
    this.#length += writeFrame(this.#gathered, this.#length, type, call, text, places, bytes);
  }

  /** Long ones are not copied once more; short ones do not cost a write each. */
  #gatherBytes(bytes: Uint8Array): void {
    if (bytes.byteLength > GATHER_BYTES - this.#length) this.flush();
    if (bytes.byteLength > LONG_BYTES) {
      this.flush();
      this.#socket.write(bytes);
      return;
    }
    this.#gathered.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }
}

/** A long text is measured first: to leave room for the most that it may take would cost thrice its memory. */
function longFrame(type: number, call: number, text: string, places: string, bytes: number): Buffer {
  const frame = Buffer.allocUnsafeSlow(HEAD_BYTES + Buffer.byteLength(text) + Buffer.byteLength(places));
  writeFrame(frame, 0, type, call, text, places, bytes);
  return frame;
}

/** Writes head, text and places; gives their length. */
function writeFrame(
  buffer: Buffer,
  at: number,
  type: number,
  call: number,
  text: string,
  places: string,
  bytes: number,
): number {
  const textLength = buffer.write(text, at + HEAD_BYTES, 'utf8');
  const placesLength = places === '' ? 0 : buffer.write(places, at + HEAD_BYTES + textLength, 'utf8');
  buffer.writeUInt32LE(type, at);
  buffer.writeUInt32LE(call, at + 4);
  buffer.writeUInt32LE(textLength, at + 8);
  buffer.writeUInt32LE(placesLength, at + 12);
  buffer.writeUInt32LE(bytes, at + 16);
  return HEAD_BYTES + textLength + placesLength;
}
