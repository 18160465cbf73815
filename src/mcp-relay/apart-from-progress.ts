/** How many bytes of a pipe Node hands to a program at once: libuv reads so many (`uv__read`, `suggested_size`). */
const READ_BYTES = 64 * 1024;

/** How the progress of a call begins, as the daemon writes it. */
const PROGRESS = /^\{"jsonrpc":"2\.0","method":"notifications\/progress"/;

/**
 * Keeps an answer from coming with the same read as the progress before it. Clients built on the official SDKs handle a
 * notification later than an answer that comes with the same read, and by then nobody waits for it: of 200 calls with four
 * steps 5 to 36 lost some on a busy machine, though the answer was held back for 2 ms. Spaces before a JSON text mean
 * nothing, and so many of them need a read of their own.
 */
export class ApartFromProgress {
  #sinceProgress = READ_BYTES;

  /** The line as it is to be written. `isAnswer`: it answers a request. */
  line(line: string, isAnswer: boolean): string {
    const text = `${isAnswer ? ' '.repeat(Math.max(0, READ_BYTES - this.#sinceProgress)) : ''}${line}\n`;
    // Counted by characters, of which bytes are never fewer.
    this.#sinceProgress = PROGRESS.test(line) ? 0 : Math.min(READ_BYTES, this.#sinceProgress + text.length);
    return text;
  }
}
