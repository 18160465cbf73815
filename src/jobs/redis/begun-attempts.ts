import type { Clock } from '../../time/clock.ts';
import type { BegunAttempt, Claim } from '../job-store.ts';

/** For how long the beginning of an attempt may wait to be told together with its end, in milliseconds. */
const TELL_AFTER_MS = 20;

/** The beginning of an attempt, as a script is told of it. */
export interface ToldBegin extends Claim {
  readonly generation: number | undefined;
  /** How long ago it was, in whole milliseconds. */
  readonly agoMs: number;
}

/** The beginning of an attempt that is still to be told. */
export interface PendingBegin {
  readonly begun: BegunAttempt;
  readonly at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Attempts that have begun, and of which Redis is still to be told: all of them at once, and of a short one together with its
 * end, which saves half of what it costs. A program that dies meanwhile has its job go back as one that had not begun.
 */
export class BegunAttempts {
  readonly #clock: Clock;
  readonly #tell: (begun: readonly ToldBegin[]) => Promise<unknown>;
  readonly #pending = new Map<string, PendingBegin>();
  #timer: unknown;

  constructor(clock: Clock, tell: (begun: readonly ToldBegin[]) => Promise<unknown>) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** An attempt has begun. Resolves once Redis knows of it, which is asked at once for one of a job that may run only once. */
  add(begun: BegunAttempt): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.putBack({ begun, at: this.#clock.monotonic(), resolve, reject });
      if (begun.once) void this.flush();
    });
  }

  /** Takes one out, to be told with something else; undefined: Redis knows of it, or has never to. */
  take({ id, claim }: Claim): PendingBegin | undefined {
    const pending = this.#pending.get(id);
    if (pending?.begun.claim !== claim) return undefined;
    this.#pending.delete(id);
    return pending;
  }

  /** What was taken out could not be told. */
  putBack(pending: PendingBegin): void {
    this.#pending.set(pending.begun.id, pending);
    this.#timer ??= this.#clock.setTimeout(() => this.#tellLate(), TELL_AFTER_MS);
  }

  /** How it is told. */
  told({ begun, at }: PendingBegin): ToldBegin {
    const { id, claim, generation } = begun;
    return { id, claim, generation, agoMs: Math.max(0, Math.round(this.#clock.monotonic() - at)) };
  }

  /** Tells of all of them. Resolves when that is done, or has failed. */
  async flush(): Promise<void> {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#send([...this.#pending.values()]);
  }

  /** Tells of those that have waited long enough: the end of a later one may still come. */
  #tellLate(): void {
    const late = [...this.#pending.values()].filter((each) => this.#waitsMs(each) <= 0);
    void this.#send(late);
    const waits = [...this.#pending.values()].map((each) => this.#waitsMs(each));
    this.#timer =
      waits.length === 0 ? undefined : this.#clock.setTimeout(() => this.#tellLate(), Math.ceil(Math.min(...waits)));
  }

  /** How long one may still wait for its end, in milliseconds. */
  #waitsMs({ at }: PendingBegin): number {
    return at + TELL_AFTER_MS - this.#clock.monotonic();
  }

  async #send(all: readonly PendingBegin[]): Promise<void> {
    if (all.length === 0) return;
    for (const { begun } of all) this.#pending.delete(begun.id);
    try {
      await this.#tell(all.map((each) => this.told(each)));
      for (const { resolve } of all) resolve();
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  }
}
