import type { Clock } from '../time/clock.ts';

/** How often a stream with unread items is looked at, in milliseconds, unless its limit is so short that a tenth is less. */
const LOOK_MS = 1_000;

/** The share of the limit after which a warning is given, and the least time before one, in milliseconds. */
const WARNING_SHARE = 0.1;
const LEAST_WARNING_MS = 1_000;

/** How a stream is watched. */
export interface ReaderLimit {
  readonly clock: Clock;
  /** How long its reader may ask for nothing while items wait, in milliseconds; `Infinity`: for ever. */
  readonly idleMs: number;
}

/** What a watch sees of its stream, and what it tells it. */
export interface Watched {
  /** Whether an item waits that nobody has asked for. */
  isUnread(): boolean;
  /** The reader has been idle for this many milliseconds. Told once for each time it is, ahead of the limit. */
  warn(idleMs: number): void;
  /** The reader has been idle for as long as it may be. */
  expire(idleMs: number): void;
}

/**
 * Notices a reader that asks for nothing while items wait. Reading sets a flag and nothing else: one timer, which runs
 * only while something is unread, looks at the flag every second. Idle time therefore counts from the first look after
 * the last read, up to a second late. Time for which the program itself was held up does not count: nobody could read.
 */
export class ReaderWatch {
  readonly #limit: ReaderLimit;
  readonly #watched: Watched;
  readonly #stepMs: number;
  readonly #warningMs: number;
  #asked = false;
  #since = 0;
  #due = 0;
  #looking = false;
  #timer: unknown;
  #warned = false;

  constructor(limit: ReaderLimit, watched: Watched) {
    this.#limit = limit;
    this.#watched = watched;
    this.#stepMs = Math.min(LOOK_MS, limit.idleMs / 10);
    this.#warningMs = Math.max(LEAST_WARNING_MS, limit.idleMs * WARNING_SHARE);
  }

  /** Since when the reader has been idle, by the monotonic clock; `undefined`: it is not. */
  get idleSince(): number | undefined {
    return this.#looking && !this.#asked && this.#watched.isUnread() ? this.#since : undefined;
  }

  /** The reader has asked for an item. */
  noteRead(): void {
    this.#asked = true;
  }

  /** An item has come that nobody waits for. */
  noteUnread(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#asked = false;
    this.#warned = false;
    this.#since = this.#limit.clock.monotonic();
    this.#lookIn(this.#stepMs, this.#since);
  }

  /** The stream is over. */
  stop(): void {
    if (!this.#looking) return;
    this.#looking = false;
    this.#limit.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookIn(ms: number, now: number): void {
    this.#due = now + ms;
    this.#timer = this.#limit.clock.setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    if (!this.#watched.isUnread()) {
      this.stop();
      return;
    }
    const { clock, idleMs } = this.#limit;
    const now = clock.monotonic();
    if (this.#asked) {
      this.#asked = false;
      this.#warned = false;
      this.#since = now;
    } else {
      this.#since += Math.max(0, now - this.#due);
    }
    const idle = now - this.#since;
    if (idle >= idleMs) {
      this.stop();
      this.#watched.expire(idle);
      return;
    }
    if (idle >= this.#warningMs && !this.#warned) {
      this.#warned = true;
      this.#watched.warn(idle);
    }
    this.#lookIn(Math.min(this.#stepMs, idleMs - idle), now);
  }
}
