import { now, Promise, setImmediate } from './originals.ts';

/** Chunks are gathered up to this many characters and bytes, or for this many milliseconds of a generator that does not pause. */
export const GATHER_CHARACTERS = 16 * 1024;
const GATHER_MS = 1;
/** How long a generator that never waits may keep the event loop from turning, in milliseconds. */
const TURN_MS = 10;

/** When the chunks of one stream are sent, and when its generator has to let the event loop turn. */
export class ChunkPace {
  #begun = false;
  #gatheringSince = 0;
  #turnedAt = 0;
  #sendScheduled = false;

  /** Told of each chunk, the first of those gathered or not, and how long they are with it; whether to send them now. */
  isDue(isFirst: boolean, gathered: number): boolean {
    const at = now();
    if (isFirst) this.#gatheringSince = at;
    if (!this.#begun) {
      this.#begun = true;
      this.#turnedAt = at;
      return true;
    }
    return gathered >= GATHER_CHARACTERS || at - this.#gatheringSince >= GATHER_MS;
  }

  /** Sends once the generator waits for something: the event loop only gets there then, and nothing is held back. */
  sendLater(send: () => void): void {
    if (this.#sendScheduled) return;
    this.#sendScheduled = true;
    setImmediate(() => {
      this.#sendScheduled = false;
      send();
    });
  }

  /** What a generator that has not waited for long is to wait for. */
  turn(): Promise<void> | undefined {
    if (now() - this.#turnedAt < TURN_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnedAt = now();
        resolve();
      });
    });
  }
}
