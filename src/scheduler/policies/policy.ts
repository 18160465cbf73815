import type { Need, Resources } from '../need.ts';
import type { Resident } from '../resident.ts';
import type { EvictionOrder } from './eviction-order.ts';

/** A plugin generation that asks for memory. */
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
  /**
   * Whether it is for an instance beside at least one that the plugin has already. Such a request comes after all that
   * are not, however long it waits, and only {@link Resident.surplus} residents of other plugins leave for it, whatever
   * the verdict. What they give up is kept for it from other such requests, and no memory is kept from first ones.
   */
  readonly further: boolean;
}

/**
 * What a policy may look at. Reading it changes nothing. For a request that is {@link Asking.further}, the residents that
 * may leave are surplus ones of other plugins (their sums may be of more), and the pinned ones include its own instances. Where GPUs are told apart, amounts have `gpus` beside their
 * sum, and a request that is granted gets its place: on the GPU that it fills best, or over as many as it may be spread,
 * or, where it does not fit, on the emptiest.
 */
export interface MemoryView {
  readonly capacity: Resources;
  /** Free for the request, with what is kept back for it. */
  readonly free: Resources;
  /** Reserved for residents that are never evicted. */
  readonly pinned: Resources;
  /** The sum of what the candidates hold: if the need exceeds `free` and this together, no eviction can help. */
  readonly evictable: Resources;
  /** The sum of what the {@link busy} ones hold. */
  readonly yieldable: Resources;
  /** The part of {@link yieldable} that surplus ones hold: their plugins go on serving without them. */
  readonly yieldableSurplus: Resources;
  /**
   * Residents that may be evicted now: surplus ones first, then warm ones, then the others, each in the eviction order.
   * Read no more than is needed.
   */
  candidates(): Iterable<Resident>;
  /** Residents in use that may be asked to yield: surplus ones first, then the longest resident. Read no more than is needed. */
  busy(): Iterable<Resident>;
  /**
   * Counts who leaves together for the request: tells of one resident after another whether it may leave beside those of
   * which it has told so. Always for a first instance; for one that is {@link Asking.further}, each plugin has to have
   * as many instances left as the one that asks has then, or of idle ones as many as it keeps. Every call counts anew.
   */
  together(): (resident: Resident) => boolean;
  /** All residents, the busy ones too, in no particular order. */
  residents(): Iterable<Resident>;
}

/** A candidate that a policy looked at, with the figure by which it ordered them; the lowest is evicted first. */
export interface Ranked {
  readonly plugin: string;
  readonly generation: number;
  readonly rank: number;
}

/** A resident to evict: an idle or warm one is asked to `RELEASE`, a busy one to `YIELD` until the deadline (by the monotonic clock). */
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
       * Whether it has waited too long: memory that becomes free is kept for the first such request, in the order of
       * the queue, and the policy is asked about that one before all others.
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
 * Decides which plugins get memory. Write your own as an object of this type; `permissive`, `safety` and `queue` are
 * such.
 *
 * `decide` is asked about a plugin when it asks for memory, when a victim of its request has answered, and while it
 * waits: when its need fits into what is free and what is evictable together, when `again` comes, and, for the first
 * request that memory is kept for, whenever anything has changed. Waiting requests are asked about in the order of their
 * priority, which grows by one each 10 s, then of arrival; those that are {@link Asking.further} after all others.
 *
 * It must be pure: no clock, no log, no state of its own. It must not throw; if it does, or answers anything but a
 * verdict, the request is refused. A resident that is pinned, granted and not yet called, asked to leave already, or
 * within its minimum residency is not evicted, whatever the verdict; nor is one that may not leave
 * {@link MemoryView.together} with those that were named before it.
 */
export interface Policy {
  readonly name: string;
  /** Whether it decides on measured figures, so that the monitor is asked before it when the last ones are old. */
  readonly measures: boolean;
  /** In which order idle residents are evicted; the least recently used first by default. */
  readonly order?: EvictionOrder | undefined;
  /**
   * How long the memory of an evicted worker may take to be measured as free, in milliseconds, and what becomes of the
   * request that it was evicted for when it takes longer. By default no request waits for that, and the measurement
   * counts.
   */
  readonly confirm?: { readonly withinMs: number; readonly otherwise: Unconfirmed } | undefined;
  /** @param now milliseconds by the monotonic clock */
  decide(asking: Asking, memory: MemoryView, now: number): Verdict;
}
