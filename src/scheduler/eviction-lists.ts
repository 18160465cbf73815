import { Heap } from './heap.ts';
import { minus, NOTHING, plus, type Resources } from './need.ts';
import type { Victim } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';

/**
 * Which reservations may be asked to leave, in eviction order, and what they hold together. A reservation is in one list
 * or in none. What its list or its place there depends on (standing, rank, need, times) may only change while it is out.
 */
export class EvictionLists {
  readonly #warm = new Heap<Reservation>(isEvictedBefore);
  readonly #idle = new Heap<Reservation>(isEvictedBefore);
  readonly #busy = new Heap<Reservation>((a, b) =>
    a.since === b.since ? a.idleOrder < b.idleOrder : a.since < b.since,
  );
  /** Those that would be in another list if their minimum residency were over. */
  readonly #young = new Heap<Reservation>((a, b) => matureAt(a) < matureAt(b));
  readonly #listOf = new Map<Reservation, Heap<Reservation>>();
  #now = -Infinity;
  #evictable: Resources = NOTHING;
  #yieldable: Resources = NOTHING;

  /** The sum of what the {@link candidates} hold. */
  get evictable(): Resources {
    return this.#evictable;
  }

  /** The sum of what the {@link busy} ones hold. */
  get yieldable(): Resources {
    return this.#yieldable;
  }

  /** When the next minimum residency ends, in milliseconds by the monotonic clock; `undefined` when none runs. */
  get nextMature(): number | undefined {
    const first = this.#young.peek();
    return first === undefined ? undefined : matureAt(first);
  }

  /** Reservations that can be evicted now, in eviction order: warm ones first. */
  *candidates(): IterableIterator<Reservation> {
    yield* this.#warm.sorted();
    yield* this.#idle.sorted();
  }

  /** Reservations in use that can be asked to yield; the longest resident first. */
  busy(): IterableIterator<Reservation> {
    return this.#busy.sorted();
  }

  /** Whether the reservation can be asked this now. */
  mayBeAsked(reservation: Reservation, ask: Victim['ask']): boolean {
    const list = this.#listOf.get(reservation);
    return ask === 'YIELD' ? list === this.#busy : list === this.#idle || list === this.#warm;
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
    const { leaving, claimed, need, standing } = reservation;
    if (leaving || claimed || need.pinned === true || standing === 'granted') return undefined;
    if (standing === 'warm') return this.#warm;
    if (matureAt(reservation) > this.#now) return this.#young;
    return standing === 'idle' ? this.#idle : this.#busy;
  }

  #count(list: Heap<Reservation>, need: Resources, by: typeof plus): void {
    if (list === this.#busy) this.#yieldable = by(this.#yieldable, need);
    else if (list !== this.#young) this.#evictable = by(this.#evictable, need);
  }
}

function isEvictedBefore(a: Reservation, b: Reservation): boolean {
  return a.rank === b.rank ? a.idleOrder < b.idleOrder : a.rank < b.rank;
}

function matureAt({ since, need }: Reservation): number {
  return since + (need.minResidencyMs ?? 0);
}
