/** The beginning of a form finds no space on disk. The same request may well find some later. */
export class SpoolFull extends Error {
  override readonly name = 'SpoolFull';
}

/** The most bytes that the forms of all requests together may have in files. */
const MAX_BYTES = 4 * 1024 * 1024 * 1024;

/** Counts the bytes that forms have in files, so that they cannot take all of a disk together. */
export class SpoolSpace {
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes the most that all may have; 4 GiB */
  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Counts bytes that are to be written. Throws {@link SpoolFull} where there is no space for them. */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#maxBytes) {
      const message = `The forms that wait have ${this.#bytes} bytes in files, of ${this.#maxBytes} that they may have. Send this one again later, or with its field "model" before the file: then nothing is kept.`;
      throw new SpoolFull(message);
    }
    this.#bytes += bytes;
  }

  /** Bytes that were taken are kept no more. */
  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
