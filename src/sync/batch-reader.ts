import { writeJson } from '../json/exact-json.ts';
import { byteLengthOf, type PlacedBytes } from '../json/placed-bytes.ts';
import { describeError, type ErrorMessage } from './error-message.ts';

/** Chunks of a stream that go to the caller at once. */
export interface Batch {
  /** A list in JSON. */
  readonly chunks: string;
  /** The bytes that belong into that list. */
  readonly bytes: readonly PlacedBytes[];
  /** Whether the stream has ended: after these chunks, nothing or the error comes. */
  readonly ended: boolean;
  readonly error: ErrorMessage | undefined;
}

/** The most chunks of a batch, and the most characters of JSON and bytes, less the last chunk. */
const MAX_CHUNKS = 1_024;
const MAX_LENGTH = 1024 * 1024;

const NOT_YET = Promise.resolve(undefined);

/**
 * Reads a stream for a caller in another thread: each batch has what has arrived, as a batch costs the caller about as
 * much as a single chunk.
 */
export class BatchReader {
  readonly #stream: AsyncIterableIterator<unknown>;
  /** Asked for, and not yet in a batch. */
  readonly #ahead: Promise<IteratorResult<unknown>>[] = [];

  constructor(stream: AsyncIterableIterator<unknown>) {
    this.#stream = stream;
  }

  /** Waits for one chunk, and takes those that are there with it. Never rejects. */
  async read(): Promise<Batch> {
    const texts: string[] = [];
    const bytes: PlacedBytes[] = [];
    const batch = (ended: boolean, error?: ErrorMessage): Batch => {
      return { chunks: `[${texts.join(',')}]`, bytes, ended, error };
    };
    let length = 0;
    try {
      while (texts.length < MAX_CHUNKS && length < MAX_LENGTH) {
        const next = this.#ahead.shift() ?? this.#stream.next();
        const result = texts.length === 0 ? await next : await Promise.race([next, NOT_YET]);
        if (result === undefined) {
          this.#ahead.unshift(next);
          break;
        }
        if (result.done === true) return batch(true);
        const own: PlacedBytes[] = [];
        const text = writeJson(result.value, 'chunk', own) ?? 'null';
        for (const { path, bytes: data } of own) bytes.push({ path: [texts.length, ...path], bytes: data });
        texts.push(text);
        length += text.length + byteLengthOf(own);
      }
      return batch(false);
    } catch (error) {
      return batch(true, describeError(error));
    }
  }

  /**
   * The caller is still reading its batch. Asks for one more chunk, by which the stream knows that its reader is not
   * idle.
   */
  touch(): void {
    const next = this.#stream.next();
    next.catch(() => {});
    this.#ahead.push(next);
  }

  /** The caller has left. */
  async leave(): Promise<void> {
    await this.#stream.return?.();
  }
}
