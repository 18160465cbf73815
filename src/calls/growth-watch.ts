import { DemandWindow } from './demand-window.ts';

/** How long it takes at least until it is told again that requests wait, in milliseconds. */
const AGAIN_MS = 100;

/** A request that waits, as far as this needs to know. */
export interface WaitingRequest {
  /** Whether any worker will do. */
  readonly only?: object | undefined;
  /** Since when it waits while every instance is full, by the monotonic clock. Set here alone. */
  waitsSince?: number | undefined;
}

/** Watches whether the calls of a plugin want more instances than there are, and how many they needed of late. */
export class GrowthWatch {
  /** How long a request waits before it is a reason to grow, in milliseconds. */
  growAfterMs: number;
  readonly #now: () => number;
  readonly #demand = new DemandWindow();
  /** When it was last told that a request waits too long, by the monotonic clock. */
  #toldFullAt: number | undefined;

  /** @param now milliseconds by the monotonic clock */
  constructor(growAfterMs: number, now: () => number) {
    this.growAfterMs = growAfterMs;
    this.#now = now;
  }

  /** Whether it was told that a request waits too long, and not yet that none does. */
  get isFull(): boolean {
    return this.#toldFullAt !== undefined;
  }

  /** The most calls at once of late. */
  get demand(): number {
    return this.#demand.most;
  }

  /** So many calls are at the plugin now. */
  note(calls: number): void {
    this.#demand.note(calls);
  }

  /** The oldest part of what {@link demand} looks at is not recent any more; so many calls are at the plugin. */
  forgetOldDemand(calls: number): void {
    this.#demand.turn(calls);
  }

  /** From now on it counts for how long the requests have waited. */
  begin(waiting: readonly WaitingRequest[]): void {
    const now = this.#now();
    for (const request of waiting) request.waitsSince ??= now;
  }

  /** Nothing waits for a full worker any more. */
  end(): void {
    this.#toldFullAt = undefined;
  }

  /**
   * What is to be told of the requests that wait for full workers, beside so many calls that run: `FULL` when one has
   * waited for long, and again while it is so; `ROOM` when none waits any more.
   */
  look(waiting: readonly WaitingRequest[], running: number): 'FULL' | 'ROOM' | undefined {
    if (waiting.length === 0) {
      const { isFull } = this;
      this.end();
      return isFull ? 'ROOM' : undefined;
    }
    const now = this.#now();
    if (now - (this.#toldFullAt ?? -Infinity) < Math.max(this.growAfterMs, AGAIN_MS)) return undefined;
    const isLate = ({ only, waitsSince = now }: WaitingRequest): boolean =>
      only === undefined && now - waitsSince >= this.growAfterMs;
    if (!waiting.some(isLate)) return undefined;
    this.#toldFullAt = now;
    this.note(running + waiting.length);
    return 'FULL';
  }
}
