import { systemClock } from '../time/clock.ts';
import { rebuildError } from './error-message.ts';
import { receivedValue } from './sent-value.ts';
import type { ThreadClient } from './thread-client.ts';

/** How long a batch may be read, in milliseconds, before the thread is told that its reader is not idle. */
const TOUCH_MS = 100;

/** Cancels the calls of streams that were dropped without being left. */
const dropped = new FinalizationRegistry<() => void>((leave) => leave());

/** A stream that is read by a loop that waits. Leaving the loop cancels the call, as does dropping the stream. */
export class BlockingStream<Chunk> implements IterableIterator<Chunk, undefined>, Disposable {
  readonly #thread: ThreadClient;
  readonly #id: number;
  #batch: readonly Chunk[] = [];
  /** The next of the batch to give out. */
  #at = 0;
  #askedAt = 0;
  #ended = false;
  /** What comes after the batch. */
  #error: Error | undefined;

  /** @internal The thread has this stream under this identifier; or it has none, as it failed before. */
  constructor(thread: ThreadClient, id: number, error?: Error) {
    this.#thread = thread;
    this.#id = id;
    this.#error = error;
    this.#ended = error !== undefined;
    if (!this.#ended) dropped.register(this, () => leave(thread, id), this);
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** The next chunk. Waits for it, and takes those that have arrived with it. Throws what the call fails with, once. */
  next(): IteratorResult<Chunk, undefined> {
    while (this.#at === this.#batch.length) {
      if (this.#ended) return this.#endOrThrow();
      this.#fetch();
    }
    const value = this.#batch[this.#at] as Chunk;
    this.#at += 1;
    this.#touch();
    return { value, done: false };
  }

  /** Leaves the stream: the call is cancelled, and chunks that had arrived are dropped. */
  return(): IteratorResult<Chunk, undefined> {
    const wasOpen = !this.#ended;
    this.#batch = [];
    this.#at = 0;
    this.#error = undefined;
    this.#finish();
    if (wasOpen) leave(this.#thread, this.#id);
    return { value: undefined, done: true };
  }

  throw(error: unknown): IteratorResult<Chunk, undefined> {
    this.return();
    throw error;
  }

  [Symbol.dispose](): void {
    this.return();
  }

  #fetch(): void {
    this.#askedAt = systemClock.monotonic();
    try {
      const { chunks, bytes, ended, error } = this.#thread.read(this.#id);
      this.#batch = receivedValue({ json: chunks, bytes }) as readonly Chunk[];
      this.#at = 0;
      if (error !== undefined) this.#error = rebuildError(error);
      if (ended) this.#finish();
    } catch (error) {
      // Interrupted, or the thread has ended.
      this.return();
      throw error;
    }
  }

  #endOrThrow(): IteratorResult<Chunk, undefined> {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) return { value: undefined, done: true };
    Error.captureStackTrace(error, this.next);
    throw error;
  }

  #touch(): void {
    if (this.#ended) return;
    const now = systemClock.monotonic();
    if (now - this.#askedAt < TOUCH_MS) return;
    this.#askedAt = now;
    this.#thread.tell('touch', this.#id);
  }

  #finish(): void {
    this.#ended = true;
    this.#thread.forget(this.#id);
    dropped.unregister(this);
  }
}

function leave(thread: ThreadClient, id: number): void {
  thread.forget(id);
  thread.tell('leave', id);
}
