import { messageOf } from '../errors.ts';
import type { Clock } from '../time/clock.ts';

/** What was read, and when the reading began, by the monotonic clock. */
export interface Reading<T> {
  readonly value: T;
  readonly at: number;
}

/**
 * A source of figures that may be slow or fail. It is read by one reading at a time, and what it said last is kept, so
 * that there is something to go by while it does not answer.
 */
export class LatestReading<T> {
  readonly #read: () => T | Promise<T>;
  readonly #clock: Clock;
  readonly #onProblem: (message: string) => void;
  #last: Reading<T> | undefined;
  #running: Promise<void> | undefined;
  #problem: string | undefined;

  /** `onProblem` hears of a failure, again only when it is another one or the source has been well in between. */
  constructor(read: () => T | Promise<T>, clock: Clock, onProblem: (message: string) => void) {
    this.#read = read;
    this.#clock = clock;
    this.#onProblem = onProblem;
  }

  /** The last reading that succeeded. */
  get last(): Reading<T> | undefined {
    return this.#last;
  }

  /** Resolves when a reading has ended that began after this call, well or not. Never rejects. */
  async refresh(): Promise<void> {
    // What runs already may have looked before that came about for which it is to look now.
    await this.#running;
    this.#running ??= this.#run();
    await this.#running;
  }

  async #run(): Promise<void> {
    const at = this.#clock.monotonic();
    try {
      this.#last = { value: await this.#read(), at };
      this.#problem = undefined;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#problem) this.#onProblem(message);
      this.#problem = message;
    } finally {
      this.#running = undefined;
    }
  }
}
