import { MAX_BYTES } from '../json/placed-bytes.ts';
import { type Frame, HEAD_BYTES, MAX_PLACES_BYTES, MAX_TEXT_BYTES } from './frame.ts';

// A plugin may replace it in its process, where this is loaded before the plugin.
const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** As much is allocated for what a peer only claims to send. */
const FIRST_BYTES = 1024 * 1024;

/** How much more is allocated when that is full: copying what has come holds up the program, and long values often come. */
const GROWTH = 4;

const NONE = Buffer.alloc(0);

/** What has come is no frame. The message goes on from who sent it. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

/**
 * Cuts a stream of bytes into frames, however they arrive. Memory grows with what has come, not with what a head says.
 */
export class FrameDecoder {
  readonly #onFrame: (frame: Frame) => void;
  readonly #most: number;
  /** Head, text and places of a frame that has not come whole. */
  readonly #text = new Growing();
  /** Its bytes. */
  readonly #bytes = new Growing();

  /**
   * `onFrame` may throw; what comes after that is not to be handed to this decoder. `most`: how many bytes a frame may
   * have after its head.
   */
  constructor(onFrame: (frame: Frame) => void, most = Number.POSITIVE_INFINITY) {
    this.#onFrame = onFrame;
    this.#most = most;
  }

  /** Whether a frame has begun to come, and not ended. */
  get isInside(): boolean {
    return this.#text.length > 0;
  }

  /** Takes what has come; it may be overwritten afterwards. Throws {@link BadFrame}, and what `onFrame` throws. */
  write(data: Uint8Array): void {
    const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    let at = this.isInside ? this.#goOn(buffer) : 0;
    while (at < buffer.length) {
      const next = this.#readWhole(buffer, at);
      if (next === undefined) {
        this.#goOn(buffer.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** Reads a frame that lies in the data as a whole; gives where it ends. */
  #readWhole(buffer: Buffer, at: number): number | undefined {
    if (buffer.length - at < HEAD_BYTES) return undefined;
    const { text, places, bytes } = lengthsAt(buffer, at, this.#most);
    const textEnd = at + HEAD_BYTES + text;
    const placesEnd = textEnd + places;
    const end = placesEnd + bytes;
    if (end > buffer.length) return undefined;
    this.#onFrame({
      type: buffer.readUInt32LE(at),
      call: buffer.readUInt32LE(at + 4),
      text: readText(buffer, at + HEAD_BYTES, textEnd),
      places: places === 0 ? '' : readText(buffer, textEnd, placesEnd),
      bytes: bytes === 0 ? NONE : buffer.subarray(placesEnd, end),
      owned: false,
    });
    return end;
  }

  /** Adds to a frame that has not come whole; gives how much of the data is its. */
  #goOn(data: Buffer): number {
    let at = this.#text.take(data, 0, HEAD_BYTES);
    if (this.#text.length < HEAD_BYTES) return at;
    const { text, places, bytes } = lengthsAt(this.#text.buffer, 0, this.#most);
    const textEnd = HEAD_BYTES + text;
    at += this.#text.take(data, at, textEnd + places);
    if (this.#text.length < textEnd + places) return at;
    at += this.#bytes.take(data, at, bytes);
    if (this.#bytes.length < bytes) return at;
    const { buffer } = this.#text;
    const frame: Frame = {
      type: buffer.readUInt32LE(0),
      call: buffer.readUInt32LE(4),
      text: readText(buffer, HEAD_BYTES, textEnd),
      places: readText(buffer, textEnd, textEnd + places),
      bytes: this.#bytes.buffer,
      owned: bytes > 0,
    };
    this.#text.reset();
    this.#bytes.reset();
    this.#onFrame(frame);
    return at;
  }
}

/** Memory that grows with what comes. */
class Growing {
  buffer: Buffer = NONE;
  length = 0;

  /** Takes of `data`, from `at` on, what is missing to `whole` bytes; gives how much that was. */
  take(data: Buffer, at: number, whole: number): number {
    const count = Math.min(whole - this.length, data.length - at);
    if (count <= 0) return 0;
    const length = this.length + count;
    if (length > this.buffer.length)
      this.#grow(Math.min(whole, Math.max(length, FIRST_BYTES, this.buffer.length * GROWTH)));
    data.copy(this.buffer, this.length, at, at + count);
    this.length = length;
    return count;
  }

  reset(): void {
    this.buffer = NONE;
    this.length = 0;
  }

  #grow(capacity: number): void {
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}

/** What is not UTF-8 would be read as another text. */
function readText(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString('utf8', start, end);
  // Which is how it would be read; a text may also have this character of its own.
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end))) throw new BadFrame('a text that is not UTF-8');
  return text;
}

/** The lengths that a head says. */
function lengthsAt(buffer: Buffer, at: number, most: number): { text: number; places: number; bytes: number } {
  const text = buffer.readUInt32LE(at + 8);
  const places = buffer.readUInt32LE(at + 12);
  const bytes = buffer.readUInt32LE(at + 16);
  if (text > MAX_TEXT_BYTES || places > MAX_PLACES_BYTES || bytes > MAX_BYTES) {
    throw new BadFrame(`a frame of ${text + places + bytes} bytes, which is more than a frame may have`);
  }
  if (text + places + bytes > most) {
    throw new BadFrame(`a frame of ${text + places + bytes} bytes, where one may have ${most}`);
  }
  return { text, places, bytes };
}
