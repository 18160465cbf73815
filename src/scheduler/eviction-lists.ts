import { Heap } from './heap.ts';
import { minus, NOTHING, plus, type Resources } from './need.ts';
import type { Victim } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';
import type { Standing } from './resident.ts';

/**
 * Which reservations may be asked to leave, in eviction order, and what they hold together. A reservation is in one list
 * or in none. What its list or its place there depends on (standing, rank, surplus, need, times) may only change while it is out.
 */
export class EvictionLists {
  readonly #idleSurplus = new Heap<Reservation>(isEvictedBefore);
  readonly #warm = new Heap<Reservation>(isEvictedBefore);
  readonly #idle = new Heap<Reservation>(isEvictedBefore);
  readonly #busySurplus = new Heap<Reservation>(isAskedToYieldBefore);
  readonly #busy = new Heap<Reservation>(isAskedToYieldBefore);
  /** Those that would be in another list if their minimum residency were over. */
  readonly #young = new Heap<Reservation>((a, b) => matureAt(a) < matureAt(b));
  readonly #listOf = new Map<Reservation, Heap<Reservation>>();
  #now = -Infinity;
  #evictable: Resources = NOTHING;
  #yieldable: Resources = NOTHING;
  #evictableSurplus: Resources = NOTHING;
  #yieldableSurplus: Resources = NOTHING;

  /** The sum of what the {@link candidates} hold. */
  get evictable(): Resources {
    return this.#evictable;
  }

  /** The sum of what the {@link busy} ones hold. */
  get yieldable(): Resources {
    return this.#yieldable;
  }

  /** The part of {@link evictable} that is surplus. */
  get evictableSurplus(): Resources {
    return this.#evictableSurplus;
  }

  /** The part of {@link yieldable} that is surplus. */
  get yieldableSurplus(): Resources {
    return this.#yieldableSurplus;
  }

  /** When the next minimum residency ends, in milliseconds by the monotonic clock; `undefined` when none runs. */
  get nextMature(): number | undefined {
    const first = this.#young.peek();
    return first === undefined ? undefined : matureAt(first);
  }

  /** Reservations that can be evicted now, in eviction order: surplus ones first, then warm ones. */
  *candidates(): IterableIterator<Reservation> {
    yield* this.#idleSurplus.sorted();
    yield* this.#warm.sorted();
    yield* this.#idle.sorted();
  }

  /** Reservations in use that can be asked to yield: surplus ones first, then the longest resident. */
  *busy(): IterableIterator<Reservation> {
    yield* this.#busySurplus.sorted();
    yield* this.#busy.sorted();
  }

  /** The surplus ones of the {@link candidates}. */
  surplusCandidates(): IterableIterator<Reservation> {
    return this.#idleSurplus.sorted();
  }

  /** The surplus ones of the {@link busy}. */
  busySurplus(): IterableIterator<Reservation> {
    return this.#busySurplus.sorted();
  }

  /** Whether the reservation can be asked this now. */
  mayBeAsked(reservation: Reservation, ask: Victim['ask']): boolean {
    const list = this.#listOf.get(reservation);
    if (list === undefined || list === this.#young) return false;
    return (ask === 'YIELD') === (list === this.#busy || list === this.#busySurplus);
  }

  /** Puts a reservation into the list that it belongs to now, if any. */
  add(reservation: Reservation): void {
    const list = this.#listFor(reservation);
    if (list === undefined) return;
    list.push(reservation);
    this.#listOf.set(reservation, list);
    this.#count(list, reservation.need, plus);
  }

  /** Takes a reservation out of its list, if it is in one. */
  delete(reservation: Reservation): void {
    const list = this.#listOf.get(reservation);
    if (list === undefined) return;
    list.delete(reservation);
    this.#listOf.delete(reservation);
    this.#count(list, reservation.need, minus);
  }

  /** Takes note of the time; returns whether a minimum residency has ended. */
  advance(now: number): boolean {
    this.#now = Math.max(this.#now, now);
    let ended = false;
    for (let first = this.#young.peek(); first !== undefined && matureAt(first) <= this.#now; ) {
      this.delete(first);
      this.add(first);
      ended = true;
      first = this.#young.peek();
    }
    return ended;
  }

  #listFor(reservation: Reservation): Heap<Reservation> | undefined {
    const { leaving, claimed, need, standing, surplus } = reservation;
    if (leaving || claimed || need.pinned === true || standing === 'granted') return undefined;
    if (standing === 'warm') return this.#warm;
    if (matureAt(reservation) > this.#now) return this.#young;
    if (standing === 'idle') return surplus ? this.#idleSurplus : this.#idle;
    return surplus ? this.#busySurplus : this.#busy;
  }

  #count(list: Heap<Reservation>, need: Resources, by: typeof plus): void {
    if (list === this.#young) return;
    if (list === this.#busy || list === this.#busySurplus) this.#yieldable = by(this.#yieldable, need);
    else this.#evictable = by(this.#evictable, need);
    if (list === this.#busySurplus) this.#yieldableSurplus = by(this.#yieldableSurplus, need);
    if (list === this.#idleSurplus) this.#evictableSurplus = by(this.#evictableSurplus, need);
  }
}

/** Whether a plugin can spare `a` rather than `b`: what has not loaded, then what would be evicted first. */
export function isSparedBefore(a: Reservation, b: Reservation): boolean {
  if (a.standing !== b.standing) return TURNS[a.standing] < TURNS[b.standing];
  return a.standing === 'idle' ? isEvictedBefore(a, b) : isAskedToYieldBefore(a, b);
}

const TURNS: Readonly<Record<Standing, number>> = { warm: 0, granted: 1, idle: 2, busy: 3 };

function isEvictedBefore(a: Reservation, b: Reservation): boolean {
  return a.rank === b.rank ? a.idleOrder < b.idleOrder : a.rank < b.rank;
}

function isAskedToYieldBefore(a: Reservation, b: Reservation): boolean {
  return a.since === b.since ? a.idleOrder < b.idleOrder : a.since < b.since;
}

function matureAt({ since, need }: Reservation): number {
  return since + (need.minResidencyMs ?? 0);
}
