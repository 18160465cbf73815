import type { IncomingMessage } from 'node:http';

/** The body of a request finds no room in memory. The same request may well find some later. */
export class MemoryFull extends Error {
  override readonly name = 'MemoryFull';
}

/** The most bytes of bodies that are kept in memory for all requests together: for those that come and those that wait. */
const MAX_BYTES = 512 * 1024 * 1024;

/** What the body of one request takes of the memory that all have. */
export interface BodyRoom {
  /** Throws {@link MemoryFull} where the length that the request says finds no room. */
  ask(): void;
  /** Counts what comes. Call it once the body is being read: where it finds no room, the reader is given an error. */
  count(): void;
  /** The body is not kept any more. Idempotent. */
  leave(): void;
}

/** Counts the bodies that are kept in memory, so that they cannot take all of it together. */
export class BodyMemory {
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes the most that all may have; 512 MiB */
  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The room of a request, which has nothing yet. */
  room(request: IncomingMessage): BodyRoom {
    const length = Number(request.headers['content-length'] ?? 0);
    let own = 0;
    const onData = (chunk: Buffer): void => {
      own += chunk.length;
      this.#bytes += chunk.length;
      if (this.#bytes <= this.#maxBytes) return;
      request.off('data', onData);
      request.emit('error', this.#full());
    };
    return {
      ask: () => {
        // What would never find room is too long, which its reader says.
        if (length <= this.#maxBytes && this.#bytes + length > this.#maxBytes) throw this.#full();
      },
      count: () => {
        // The reader may have refused it already, and errors that nobody hears end the program.
        request.on('error', () => {}).on('data', onData);
      },
      leave: () => {
        request.off('data', onData);
        this.#bytes -= own;
        own = 0;
      },
    };
  }

  #full(): MemoryFull {
    const message = `The requests that wait have ${this.#bytes} bytes in memory, of ${this.#maxBytes} that they may have. Send this one again later.`;
    return new MemoryFull(message);
  }
}
