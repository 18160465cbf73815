import type { Progress } from '../calls/call-options.ts';
import { printedJson } from '../json/printed-json.ts';
import type { EventStream } from '../server/event-stream.ts';

/**
 * Tells the progress of a call in events. While their reader is behind, only the newest is kept, as a tool may report
 * faster than its client reads, and what it did before counts no more.
 */
export class ProgressEvents {
  readonly #begin: () => EventStream;
  #newest: Progress | undefined;
  #isBehind = false;

  /** @param begin gives the stream of events, once there is one to tell */
  constructor(begin: () => EventStream) {
    this.#begin = begin;
  }

  /** Tells it at once, or when the reader has caught up. */
  tell(progress: Progress): void {
    this.#newest = progress;
    if (!this.#isBehind) this.flush();
  }

  /** Tells what is kept, whether the reader has caught up or not: before what comes after it. */
  flush(): void {
    const newest = this.#newest;
    if (newest === undefined) return;
    this.#newest = undefined;
    const events = this.#begin();
    if (!events.send('progress', printedJson(newest)) && !this.#isBehind) void this.#catchUp(events);
  }

  async #catchUp(events: EventStream): Promise<void> {
    this.#isBehind = true;
    await events.drained();
    this.#isBehind = false;
    this.flush();
  }
}
