import type { AnyActorRef } from 'xstate';
import { least, minus, type Need, NOTHING, notNegative, plus, type Resources, UNLIMITED } from './need.ts';
import { type Recent, RecencyList } from './recency-list.ts';

/**
 * Where a generation stands: `granted` until its first edge, then `busy` or `idle`; `warm` when it has given up its
 * residency and keeps only what its processes still take.
 */
export type Standing = 'granted' | 'busy' | 'idle' | 'warm';

/** What is reserved for one generation of one plugin, from the grant until its process tree is gone. */
export interface Reservation extends Recent<Reservation> {
  readonly plugin: string;
  readonly generation: number;
  ref: AnyActorRef;
  need: Need;
  standing: Standing;
  /** When it was granted, in milliseconds since the epoch. */
  since: number;
  /** Whether it was told to release or to yield and has not answered. */
  leaving: boolean;
  /** Whether it is warm and asks to be resident again, so that it must not be taken away. */
  claimed: boolean;
  /** What a measurement does not show yet, because the worker is still loading. */
  unseen: Resources;
  /** When its first edge came, that is, when it had loaded. */
  loadedAt: number | undefined;
}

/** What the monitor measured as free. What it does not know is left out. */
export interface Measurement {
  readonly free: { readonly vramMb?: number | undefined; readonly ramMb?: number | undefined };
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Who holds how much: capacity, reservations per plugin generation, and what the monitor measures. Changed in place,
 * because a copy for each event would cost more than the decision. Every method takes constant time at any number of
 * plugins, except that a measurement visits those that are loading.
 */
export class Ledger {
  readonly capacity: Resources;
  readonly #plugins = new Map<string, Reservation[]>();
  readonly #idle = new RecencyList<Reservation>();
  readonly #warm = new RecencyList<Reservation>();
  readonly #listed = new Map<Reservation, RecencyList<Reservation>>();
  readonly #loading = new Set<Reservation>();
  #reserved: Resources = NOTHING;
  #pinned: Resources = NOTHING;
  #evictable: Resources = NOTHING;
  #unseen: Resources = NOTHING;
  #measurement: Measurement | undefined;

  /** @param capacity the most that may be reserved; what is left out is not limited */
  constructor(capacity: Partial<Resources>) {
    this.capacity = { ...UNLIMITED, ...capacity };
  }

  /** The sum of all reservations. */
  get reserved(): Resources {
    return this.#reserved;
  }

  /** The part of the reservations that is never evicted. */
  get pinned(): Resources {
    return this.#pinned;
  }

  /** The part of the reservations that could be evicted now. */
  get evictable(): Resources {
    return this.#evictable;
  }

  /** The last measurement, if there was one. */
  get measurement(): Measurement | undefined {
    return this.#measurement;
  }

  /** The reservation of a generation, if it has one. */
  get(plugin: string, generation: number): Reservation | undefined {
    return this.#plugins.get(plugin)?.find((reservation) => reservation.generation === generation);
  }

  /** Every reservation of a plugin; two while one generation replaces another. */
  of(plugin: string): readonly Reservation[] {
    return this.#plugins.get(plugin) ?? [];
  }

  /** Every reservation, in no particular order. */
  *[Symbol.iterator](): IterableIterator<Reservation> {
    for (const reservations of this.#plugins.values()) yield* reservations;
  }

  /** Those that can be evicted now, in the order in which they go: warm ones first, then the least recently used. */
  *candidates(): IterableIterator<Reservation> {
    yield* this.#warm;
    yield* this.#idle;
  }

  /**
   * What is free for somebody new: the smaller of capacity less reservations and measured free less the reservations
   * that the measurement does not show yet, both less `held`, which is kept back for others.
   */
  available(held: Resources): Resources {
    const unreserved = minus(this.capacity, this.#reserved);
    if (this.#measurement === undefined) return notNegative(minus(unreserved, held));
    const { vramMb = Infinity, ramMb = Infinity } = this.#measurement.free;
    const measured = minus({ vramMb, ramMb, slots: Infinity }, this.#unseen);
    return notNegative(minus(least(unreserved, measured), held));
  }

  /** Reserves for a generation; one that is warm grows to the need. */
  reserve(plugin: string, generation: number, ref: AnyActorRef, need: Need, now: number): void {
    const warm = this.get(plugin, generation);
    if (warm !== undefined) {
      this.#unlist(warm);
      const unseen = notNegative(minus(need, warm.need));
      this.#resize(warm, need);
      warm.ref = ref;
      warm.since = now;
      warm.claimed = false;
      warm.loadedAt = undefined;
      this.#show(warm, unseen);
      this.#stand(warm, 'granted');
      return;
    }
    const reservation: Reservation = {
      plugin,
      generation,
      ref,
      need: NOTHING,
      standing: 'granted',
      since: now,
      leaving: false,
      claimed: false,
      unseen: NOTHING,
      loadedAt: undefined,
      lastUsedAt: now,
      older: undefined,
      newer: undefined,
    };
    const others = this.#plugins.get(plugin);
    if (others === undefined) this.#plugins.set(plugin, [reservation]);
    else others.push(reservation);
    this.#resize(reservation, need);
    this.#show(reservation, need);
  }

  /** Ends a reservation. */
  free(reservation: Reservation): void {
    this.#unlist(reservation);
    this.#resize(reservation, NOTHING);
    this.#show(reservation, NOTHING);
    const others = this.of(reservation.plugin).filter((other) => other !== reservation);
    if (others.length === 0) this.#plugins.delete(reservation.plugin);
    else this.#plugins.set(reservation.plugin, others);
  }

  /** The generation takes calls: it cannot be evicted. */
  busy(reservation: Reservation, now: number): void {
    reservation.loadedAt ??= now;
    this.#stand(reservation, 'busy');
  }

  /** The generation's last call ended `at`: it can be evicted. */
  idle(reservation: Reservation, at: number): void {
    reservation.loadedAt ??= at;
    this.#unlist(reservation);
    reservation.lastUsedAt = at;
    this.#stand(reservation, 'idle');
  }

  /** The generation has gone warm and keeps this much. */
  warm(reservation: Reservation, kept: Resources): void {
    this.#unlist(reservation);
    reservation.leaving = false;
    this.#resize(reservation, { ...kept, pinned: false });
    this.#show(reservation, NOTHING);
    this.#stand(reservation, 'warm');
  }

  /** The generation was told to go, or (`false`) said that it will not. */
  leave(reservation: Reservation, leaving: boolean): void {
    reservation.leaving = leaving;
    this.#relist(reservation);
  }

  /** A warm generation asks to come back, or (`false`) does not any more. */
  claim(reservation: Reservation, claimed: boolean): void {
    reservation.claimed = claimed;
    this.#relist(reservation);
  }

  /** The manifest's figures have changed. */
  resize(reservation: Reservation, need: Need): void {
    this.#unlist(reservation);
    this.#resize(reservation, need);
    this.#relist(reservation);
  }

  /** Takes in what the monitor measured. What had loaded by then is in it. */
  measure(measurement: Measurement): void {
    this.#measurement = measurement;
    for (const reservation of this.#loading) {
      if (reservation.loadedAt !== undefined && reservation.loadedAt <= measurement.at)
        this.#show(reservation, NOTHING);
    }
  }

  #stand(reservation: Reservation, standing: Standing): void {
    reservation.standing = standing;
    this.#relist(reservation);
  }

  #resize(reservation: Reservation, need: Need): void {
    this.#reserved = plus(minus(this.#reserved, reservation.need), need);
    if (reservation.need.pinned === true) this.#pinned = minus(this.#pinned, reservation.need);
    if (need.pinned === true) this.#pinned = plus(this.#pinned, need);
    reservation.need = need;
  }

  #show(reservation: Reservation, unseen: Resources): void {
    this.#unseen = plus(minus(this.#unseen, reservation.unseen), unseen);
    reservation.unseen = unseen;
    if (unseen === NOTHING) this.#loading.delete(reservation);
    else this.#loading.add(reservation);
  }

  #relist(reservation: Reservation): void {
    this.#unlist(reservation);
    const list = this.#listFor(reservation);
    if (list === undefined) return;
    list.add(reservation);
    this.#listed.set(reservation, list);
    this.#evictable = plus(this.#evictable, reservation.need);
  }

  #unlist(reservation: Reservation): void {
    const list = this.#listed.get(reservation);
    if (list === undefined) return;
    list.delete(reservation);
    this.#listed.delete(reservation);
    this.#evictable = minus(this.#evictable, reservation.need);
  }

  #listFor(reservation: Reservation): RecencyList<Reservation> | undefined {
    if (reservation.leaving || reservation.claimed || reservation.need.pinned === true) return undefined;
    if (reservation.standing === 'idle') return this.#idle;
    return reservation.standing === 'warm' ? this.#warm : undefined;
  }
}
