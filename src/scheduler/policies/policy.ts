import type { EvictionOrder } from './eviction-order.ts';
import type { Need, Resources } from '../need.ts';
import type { Resident } from '../resident.ts';

/** A plugin generation that asks for room. */
export interface Asking {
  readonly plugin: string;
  readonly generation: number;
  /** With the GPUs that it names, if it does; a warm worker names its own. */
  readonly need: Need;
  readonly priority: number;
  /** When it asked, in milliseconds by the monotonic clock. */
  readonly at: number;
  /** When it stops waiting, in milliseconds by the monotonic clock. */
  readonly deadline: number;
  /** Whether it replaces a generation that keeps running: answered at once, so only a grant or a refusal counts. */
  readonly extra: boolean;
}

/**
 * What a policy may look at. Reading it changes nothing. Where GPUs are told apart, amounts have `gpus` beside their
 * sum, and whoever is granted room gets its place: on the GPU that it fills best, or over as many as it may be spread,
 * or, where it does not fit, on the emptiest.
 */
export interface Room {
  readonly capacity: Resources;
  /** Free for the one who asks, with what is earmarked for it. */
  readonly free: Resources;
  /** Reserved for residents that are never evicted. */
  readonly pinned: Resources;
  /** The sum of what the candidates hold: if the need exceeds `free` and this together, no eviction can help. */
  readonly evictable: Resources;
  /** The sum of what those hold that may be told to yield. */
  readonly yieldable: Resources;
  /** Those that may be evicted now: warm ones first, then in the eviction order. Read no more than is needed. */
  candidates(): Iterable<Resident>;
  /** Those in use that may be told to yield; the longest resident first. Read no more than is needed. */
  busy(): Iterable<Resident>;
  /** All that reside, the busy ones too, in no particular order. */
  residents(): Iterable<Resident>;
}

/** A candidate that a policy looked at, with the figure by which it ordered them; the lowest goes first. */
export interface Ranked {
  readonly plugin: string;
  readonly generation: number;
  readonly rank: number;
}

/** Whom to tell to go: an idle or warm one to `RELEASE`, a busy one to `YIELD` until the deadline (by the monotonic clock). */
export type Victim =
  | { readonly plugin: string; readonly generation: number; readonly ask: 'RELEASE' }
  | { readonly plugin: string; readonly generation: number; readonly ask: 'YIELD'; readonly deadline: number };

/** What a policy decides, with its reason as a short code in kebab-case. */
export type Verdict =
  | { readonly outcome: 'grant'; readonly reason: string }
  | { readonly outcome: 'refuse'; readonly reason: string }
  | {
      readonly outcome: 'wait';
      readonly reason: string;
      /** When to ask again even if nothing has happened, in milliseconds by the monotonic clock. */
      readonly again?: number | undefined;
      /**
       * Whether it has waited too long: what comes free is kept for the first of those, in the order of waiting, and
       * that one is asked about before all others.
       */
      readonly keep?: boolean | undefined;
    }
  | {
      readonly outcome: 'evict';
      readonly reason: string;
      readonly considered: readonly Ranked[];
      readonly victims: readonly Victim[];
    };

/** What happens when memory that was given up is not measured as free in time. */
export type Unconfirmed = 'proceed' | 'refuse';

/**
 * Decides who gets room. Write your own as an object of this type; `permissive`, `safety` and `queue` are such.
 *
 * `decide` is asked about a plugin when it asks for room, when somebody it was to get the room of has answered, and
 * while it waits: when what is free and what is evictable together hold its need, when `again` comes, and, for the
 * first of those who are to be kept room for, whenever anything has changed. Those who wait are asked about in the
 * order of their priority, which grows by one each 10 s, then of arrival.
 *
 * It must be pure: no clock, no log, no memory of its own. It must not throw; should it, or should it answer something
 * that is no verdict, the one who asked is refused. Whoever is pinned, granted and not yet called, told to go already,
 * or within its minimum residency is not taken away whatever it says.
 */
export interface Policy {
  readonly name: string;
  /** Whether it decides on measured figures, so that the monitor is asked before it when the last ones are old. */
  readonly measures: boolean;
  /** In which order idle residents are taken away; the least recently used first by default. */
  readonly order?: EvictionOrder | undefined;
  /**
   * How long the memory of a worker that has gone may take to be measured as free, in milliseconds, and what becomes
   * of the one who evicted it when it takes longer. By default nobody waits for that, and the measurement counts.
   */
  readonly confirm?: { readonly withinMs: number; readonly otherwise: Unconfirmed } | undefined;
  /** @param now milliseconds by the monotonic clock */
  decide(asking: Asking, room: Room, now: number): Verdict;
}
