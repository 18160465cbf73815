import type { GreenroomError } from '../errors.ts';
import { rejectedForCaller } from './caller-frames.ts';
import { type ReaderLimit, ReaderWatch } from './reader-watch.ts';

/** How a stream acts on the call that feeds it. */
export interface StreamSource {
  /** The first item is wanted. */
  start(): void;
  /** The reader is behind: send nothing for a while. */
  pause(): void;
  resume(): void;
  /** The reader has left. */
  cancel(): void;
  /** The reader has asked for nothing for this many milliseconds, though items wait; more may be too long. */
  warn(idleMs: number): void;
  /** It has done so for as long as it may: the call has to end. */
  expire(idleMs: number): void;
}

/** From this many items on that nobody has read the source is paused, and at half of it resumed. */
const HIGH_WATER = 1_024;

/** The same for their size, in UTF-16 code units of the texts that they came in. */
const HIGH_WATER_LENGTH = 4 * 1024 * 1024;

interface Waiting<T> {
  resolve(result: IteratorResult<T> | Promise<never>): void;
}

/**
 * What the caller of a streaming call reads. Starts its source with the first `next()`, holds a bounded number of items,
 * gives out what came before an error ahead of the error, and cancels the call when the reader leaves. A reader that
 * leaves items unread is told to the source.
 */
export class CallStream<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #source: StreamSource;
  readonly #watch: ReaderWatch;
  #items: T[] = [];
  #lengths: number[] = [];
  /** What the items that were not given out yet come to. */
  #length = 0;
  /** The next item to give out; items before it are done with. */
  #head = 0;
  readonly #waiting: Waiting<T>[] = [];
  #state: 'new' | 'flowing' | 'ended' = 'new';
  #paused = false;
  #error: GreenroomError | undefined;

  constructor(source: StreamSource, limit: ReaderLimit) {
    this.#source = source;
    this.#watch = new ReaderWatch(limit, {
      isUnread: () => this.#head < this.#items.length,
      warn: (idleMs) => source.warn(idleMs),
      expire: (idleMs) => source.expire(idleMs),
    });
  }

  /** Since when its reader has asked for nothing though items wait, by the monotonic clock; `undefined`: it reads. */
  get idleSince(): number | undefined {
    return this.#watch.idleSince;
  }

  /** Whether its reader waits for an item that has not come. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    this.#watch.noteRead();
    if (this.#head < this.#items.length) {
      const value = this.#items[this.#head] as T;
      this.#length -= this.#lengths[this.#head] as number;
      this.#head += 1;
      // Cut off now and then, so that a reader who is always behind does not keep what it has read.
      if (this.#head === this.#items.length || this.#head === HIGH_WATER) {
        this.#items = this.#items.slice(this.#head);
        this.#lengths = this.#lengths.slice(this.#head);
        this.#head = 0;
      }
      if (this.#paused && !this.#isBehind(0.5)) {
        this.#paused = false;
        this.#source.resume();
      }
      return Promise.resolve({ value, done: false });
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      return rejectedForCaller(error);
    }
    if (this.#state === 'ended') return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.#waiting.push({ resolve });
      if (this.#state !== 'new') return;
      this.#state = 'flowing';
      this.#source.start();
    });
  }

  /** The reader leaves: the call is cancelled, and what had come is let go. */
  return(): Promise<IteratorResult<T>> {
    const flowing = this.#state === 'flowing';
    this.#items = [];
    this.#lengths = [];
    this.#length = 0;
    this.#head = 0;
    this.#error = undefined;
    this.end();
    if (flowing) this.#source.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** An item has come; `length` is that of the text it came in, in UTF-16 code units. */
  push(item: T, length: number): void {
    if (this.#state === 'ended') return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ value: item, done: false });
      return;
    }
    this.#items.push(item);
    this.#lengths.push(length);
    this.#length += length;
    this.#watch.noteUnread();
    if (!this.#paused && this.#isBehind(1)) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  /** No more will come. */
  end(): void {
    this.#state = 'ended';
    this.#watch.stop();
    for (const reader of this.#waiting.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  /** The call has failed; the reader hears of it after what came before. */
  fail(error: GreenroomError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    const reader = this.#waiting.shift();
    if (reader === undefined) this.#error = error;
    else reader.resolve(rejectedForCaller(error));
    this.end();
  }

  /** Whether at least this share of what may wait to be read does. */
  #isBehind(share: number): boolean {
    return this.#items.length - this.#head >= HIGH_WATER * share || this.#length >= HIGH_WATER_LENGTH * share;
  }
}
