import { Readable } from 'node:stream';

/** What happens to a body on its way. */
export interface BodyWatcher {
  /** The server wants it: it is connected, and its turn has come. */
  onWanted(): void;
  onChunk(): void;
  /** Its source ended before its end. */
  onBroken(error: Error): void;
}

/**
 * A body on its way to a server, read from its source only as fast as the server takes it. undici destroys the bodies
 * that it is given; this one leaves its source alone, so that what was not read can be sent once more, or thrown away.
 */
export class RequestBody extends Readable {
  readonly #source: Readable;
  readonly #watcher: BodyWatcher;
  #wanted = false;
  #begun = false;

  constructor(source: Readable, watcher: BodyWatcher) {
    super();
    this.#source = source;
    this.#watcher = watcher;
    // Its watcher is told; where nobody reads it, an error that nobody hears would end the program.
    this.on('error', () => {});
    source.on('error', this.#break).on('close', this.#close);
  }

  /** Whether something of it has been read. */
  get begun(): boolean {
    return this.#begun;
  }

  override _read(): void {
    if (!this.#wanted) {
      this.#wanted = true;
      this.#watcher.onWanted();
      this.#source.on('data', this.#take).on('end', this.#end);
    }
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#source.off('data', this.#take).off('end', this.#end).off('error', this.#break).off('close', this.#close);
    if (this.#wanted) this.#source.pause();
    callback(error);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#begun = true;
    this.#watcher.onChunk();
    if (!this.push(chunk)) this.#source.pause();
  };

  readonly #end = (): void => {
    this.#begun = true;
    this.push(null);
  };

  readonly #break = (error: Error): void => {
    this.#watcher.onBroken(error);
    this.destroy(error);
  };

  readonly #close = (): void => {
    if (!this.#source.readableEnded) this.#break(new Error('The body ended early.'));
  };
}
