import { shortageIn } from '../system-error.ts';

/** How long a connection is tried for while this program is short of descriptors or memory, in milliseconds. */
const PATIENCE_MS = 30_000;

/** The longest pause between two tries, in milliseconds. */
const LONGEST_PAUSE_MS = 200;

/**
 * Whether one connection is tried again: while the host is short of what a connection takes. Nothing has been sent yet,
 * and the worker is not to blame.
 */
export class ConnectPatience {
  #pause = 5;
  #waited = 0;

  /** After how many milliseconds to try again; undefined: not at all. */
  pauseAfter(error: unknown): number | undefined {
    if (this.#waited >= PATIENCE_MS || shortageIn(error) === undefined) return undefined;
    const pause = this.#pause;
    this.#waited += pause;
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    return pause;
  }
}
