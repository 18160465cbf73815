import type { CallStream } from './stream.ts';

/** Cancels the call of a stream whose handle the program has dropped without leaving it. */
const dropped = new FinalizationRegistry<() => void>((cancel) => cancel());

/** The streams of promises that waited for an item. */
const awaited = new WeakMap<Promise<unknown>, object>();

/**
 * What the program holds of a stream. Nothing of the call holds it, except while a `next()` waits, so that a stream that
 * was dropped halfway is cancelled when it is collected and returns its lease.
 */
export class StreamHandle<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #stream: CallStream<T>;

  constructor(stream: CallStream<T>) {
    this.#stream = stream;
    dropped.register(this, () => void stream.return());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#stream.next();
    // A program may hold the promise alone: then the stream is in use. Not by a reaction to it, as the frames of who waits
    // for a promise are found only where it has a single one.
    if (this.#stream.isAwaited) awaited.set(next, this);
    return next;
  }

  /** The reader leaves: the call is cancelled, and what had come is let go. */
  return(): Promise<IteratorResult<T>> {
    return this.#stream.return();
  }

  throw(error: unknown): Promise<IteratorResult<T>> {
    return this.#stream.throw(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
