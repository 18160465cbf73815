import type { Clock } from '../time/clock.ts';

/** The length of a tick, in milliseconds: a first lease goes untold for one at most, the return of the last for two. */
const DELAY_MS = 5;

/** A gate that has something to tell. */
export interface EdgeSource {
  /** Tells now. */
  tell(): void;
  /** Tells what stands for longer than one tick; false once nothing is left to tell. */
  tick(): boolean;
}

/** What the edges of a supervisor's gates need. */
export interface LeaseEdgesParts {
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'setTimeout' | 'clearTimeout'>;
  /** Whether a request waits for what a plugin may give up: then nothing is told late. */
  readonly isWaitedFor: () => boolean;
  /** Something is to be told, or nothing any more. */
  readonly onPending: (isPending: boolean) => void;
}

/**
 * When the machines of plugins are told that a first lease is out or the last one is back. Two steps of a machine and
 * two of the scheduler cost more than a short call, so they come a little late, and not at all while one call follows
 * another. The scheduler still decides by what is: before a plugin asks it for something, all is told ({@link tellAll}),
 * and while a request waits, at once.
 */
export class LeaseEdges {
  readonly #parts: LeaseEdgesParts;
  readonly #sources = new Set<EdgeSource>();
  #timer: unknown;

  constructor(parts: LeaseEdgesParts) {
    this.#parts = parts;
  }

  /** Whether a gate should tell at once. */
  get prompt(): boolean {
    return this.#parts.isWaitedFor();
  }

  /** The time of day, in milliseconds since the epoch. */
  now(): number {
    return this.#parts.clock.now();
  }

  /** Milliseconds by the monotonic clock. */
  monotonic(): number {
    return this.#parts.clock.monotonic();
  }

  /** The gate tells within a tick or two, after those that have something to tell for longer: who is told of last was used last. */
  add(source: EdgeSource): void {
    this.#sources.delete(source);
    if (this.#timer === undefined) {
      this.#arm();
      this.#parts.onPending(true);
    }
    this.#sources.add(source);
  }

  /** All gates tell now. Where requests wait at an open gate, it is still to be told when they have waited for long. */
  tellAll(): void {
    for (const source of [...this.#sources]) source.tell();
  }

  /** Ends the timer; nothing more is told. */
  close(): void {
    this.#parts.clock.clearTimeout(this.#timer);
    this.#sources.clear();
    this.#rest();
  }

  #arm(): void {
    this.#timer = this.#parts.clock.setTimeout(this.#tick, DELAY_MS);
  }

  #rest(): void {
    if (this.#timer === undefined) return;
    this.#timer = undefined;
    this.#parts.onPending(false);
  }

  readonly #tick = (): void => {
    for (const source of [...this.#sources]) {
      // Before it tells: whoever hears of it may make a call, which it has to tell of as well.
      this.#sources.delete(source);
      if (source.tick()) this.#sources.add(source);
    }
    if (this.#sources.size > 0) this.#arm();
    else this.#rest();
  };
}
