import type { Standing } from './ledger.ts';
import type { Need, Resources } from './need.ts';

/** A plugin generation that asks for room. */
export interface Asking {
  readonly plugin: string;
  readonly generation: number;
  readonly need: Need;
  readonly priority: number;
  /** When it asked, in milliseconds since the epoch. */
  readonly at: number;
  /** When it stops waiting, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Whether it replaces a generation that keeps running: answered at once, so only a grant or a refusal counts. */
  readonly extra: boolean;
}

/** A plugin generation that has room. */
export interface Resident {
  readonly plugin: string;
  readonly generation: number;
  readonly need: Need;
  readonly standing: Standing;
  /** When it was granted, in milliseconds since the epoch. */
  readonly since: number;
  /** When its last call ended, or its grant if it had none; in milliseconds since the epoch. */
  readonly lastUsedAt: number;
  /** Whether it has been told to go already. */
  readonly leaving: boolean;
}

/** What a policy may look at. Reading it changes nothing. */
export interface Room {
  readonly capacity: Resources;
  /** Free for the one who asks, with what is earmarked for it. */
  readonly free: Resources;
  /** Reserved for residents that are never evicted. */
  readonly pinned: Resources;
  /** The sum of what the candidates hold: if the need exceeds `free` and this together, no eviction can help. */
  readonly evictable: Resources;
  /** Those that may be evicted now: warm ones first, then the least recently used. Read no more than is needed. */
  candidates(): Iterable<Resident>;
  /** All that reside, the busy ones too, in no particular order. */
  residents(): Iterable<Resident>;
}

/** A candidate that a policy looked at, with the figure by which it ordered them; the lowest goes first. */
export interface Ranked {
  readonly plugin: string;
  readonly generation: number;
  readonly rank: number;
}

/** Whom to tell to go: an idle or warm one to `RELEASE`, a busy one to `YIELD` until the deadline (epoch ms). */
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
      /** When to ask again even if nothing has happened, in milliseconds since the epoch. */
      readonly again?: number | undefined;
    }
  | {
      readonly outcome: 'evict';
      readonly reason: string;
      readonly considered: readonly Ranked[];
      readonly victims: readonly Victim[];
    };

/**
 * Decides who gets room. Pure: no clock, no log, no memory of its own. Of those who wait with equal needs only the
 * first in the order of waiting is asked about, since the others fit no better. It must not throw; should it, the one
 * who asked is refused.
 */
export interface Policy {
  readonly name: string;
  /** Whether it decides on measured figures, so that the monitor is asked before it when the last ones are old. */
  readonly measures: boolean;
  /** @param now milliseconds since the epoch */
  decide(asking: Asking, room: Room, now: number): Verdict;
}
