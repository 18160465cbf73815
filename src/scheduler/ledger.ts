import type { AnyActorRef } from 'xstate';
import { onRejection } from '../events/listeners.ts';
import { EvictionLists, isSparedBefore } from './eviction-lists.ts';
import { placedLike, sumOf } from './gpus/gpu-amounts.ts';
import { GpuPool } from './gpus/gpu-pool.ts';
import { MeasuredMemory } from './measured-memory.ts';
import { type GenerationUse, type Measurement, needAsUsed, usedBy } from './measurement.ts';
import { least, minus, type Need, NOTHING, notNegative, plus, type Resources, UNLIMITED } from './need.ts';
import type { EvictionOrder } from './policies/eviction-order.ts';
import type { Victim } from './policies/policy.ts';
import { newReservation, type Reservation } from './reservation.ts';
import type { Standing } from './resident.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';

/** How many reservations are looked at to find those in the way of a request. */
const HOLDERS_SCANNED = 32;

/**
 * Capacity, and what each plugin generation has reserved of it, in accordance with what the monitor measures. Changed in
 * place, because a copy for each event would cost more than the decision. No method takes time that grows faster than
 * the logarithm of the number of plugins, except that a measurement visits workers that are loading or measured. What
 * changes about one of several instances of a plugin visits the others.
 */
export class Ledger {
  readonly #given: Partial<Resources>;
  /** The GPUs that plugins are placed on. */
  readonly gpus: GpuPool;
  readonly #order: EvictionOrder;
  readonly #reservations = new Map<ResidentKey, Reservation[]>();
  /** The plugins that have had further instances since they last held nothing. */
  readonly #pools = new Set<ResidentKey>();
  readonly #lists = new EvictionLists();
  readonly #measured = new MeasuredMemory();
  #timesIdle = 0;
  /** The highest rank of all residents that were asked to leave. */
  #floor = 0;
  #reserved: Resources = NOTHING;
  #pinned: Resources = NOTHING;
  #capacity: Resources = UNLIMITED;

  /**
   * @param capacity the most that may be reserved; what is left out is not limited
   * @param order in which order idle residents are evicted
   * @param hostDevices the host's own `CUDA_VISIBLE_DEVICES`
   */
  constructor(capacity: Partial<Resources>, order: EvictionOrder, hostDevices?: string) {
    this.#given = capacity;
    this.gpus = new GpuPool(capacity.gpus, hostDevices);
    this.#order = order;
    this.#limit();
  }

  /** The most that may be reserved. It tells GPUs apart once it is known that there are several. */
  get capacity(): Resources {
    return this.#capacity;
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
    return this.#lists.evictable;
  }

  /** The part of the reservations that could be asked to yield. */
  get yieldable(): Resources {
    return this.#lists.yieldable;
  }

  /** The part of {@link evictable} that is surplus. */
  get evictableSurplus(): Resources {
    return this.#lists.evictableSurplus;
  }

  /** The part of {@link yieldable} that is surplus. */
  get yieldableSurplus(): Resources {
    return this.#lists.yieldableSurplus;
  }

  /** When memory was last given up that a measurement may have shown as taken, in milliseconds by the monotonic clock. */
  get freedAt(): number {
    return this.#measured.freedAt;
  }

  /** What was given up at that time and shortly before. */
  get givenUp(): Resources {
    return this.#measured.givenUp;
  }

  /** When the next minimum residency ends, in milliseconds by the monotonic clock; `undefined` when none runs. */
  get nextMature(): number | undefined {
    return this.#lists.nextMature;
  }

  /** The last measurement, if there was one. */
  get measurement(): Measurement | undefined {
    return this.#measured.last;
  }

  /** The reservation of a generation, if it has one. */
  get(key: ResidentKey, generation: number): Reservation | undefined {
    return this.#reservations.get(key)?.find((reservation) => reservation.generation === generation);
  }

  /** Every reservation of a plugin: of each instance, and of both generations while one replaces another. */
  of(key: ResidentKey): readonly Reservation[] {
    return this.#reservations.get(key) ?? [];
  }

  /** How many instances a plugin has that serve, or will once they have loaded. */
  instancesOf(key: ResidentKey): number {
    let count = 0;
    for (const reservation of this.of(key)) if (serves(reservation)) count += 1;
    return count;
  }

  /** Every reservation, in no particular order. */
  *[Symbol.iterator](): IterableIterator<Reservation> {
    for (const reservations of this.#reservations.values()) yield* reservations;
  }

  /** Reservations that can be evicted now, in eviction order: surplus ones first, then warm ones. */
  candidates(): IterableIterator<Reservation> {
    return this.#lists.candidates();
  }

  /** Reservations in use that can be asked to yield: surplus ones first, then the longest resident. */
  busy(): IterableIterator<Reservation> {
    return this.#lists.busy();
  }

  /** The surplus ones of the {@link candidates}. */
  surplusCandidates(): IterableIterator<Reservation> {
    return this.#lists.surplusCandidates();
  }

  /** The surplus ones of the {@link busy}. */
  busySurplus(): IterableIterator<Reservation> {
    return this.#lists.busySurplus();
  }

  /**
   * Whether a reservation may be asked this. One that is pinned, granted and not yet called, asked to leave already,
   * asking to return, or within its minimum residency stays.
   */
  mayBeAsked(reservation: Reservation, ask: Victim['ask']): boolean {
    return this.#lists.mayBeAsked(reservation, ask);
  }

  /** Some of the reservations that cannot be evicted now, at most this many. */
  holders(most: number): readonly Reservation[] {
    const holders: Reservation[] = [];
    let scanned = 0;
    for (const reservation of this) {
      scanned += 1;
      if (holders.length === most || scanned > HOLDERS_SCANNED) break;
      if (!this.#lists.mayBeAsked(reservation, 'RELEASE')) holders.push(reservation);
    }
    return holders;
  }

  /**
   * What is free for a new reservation: the smaller of what is unreserved and measured free less the reservations that
   * the measurement does not show yet, both less `held`, which is kept back for others. `unseen` counts as measured free.
   */
  available(held: Resources, unseen = NOTHING): Resources {
    const unreserved = this.unreserved(held);
    const measured = this.#measured.freeWith(unseen);
    if (measured === undefined) return unreserved;
    const free = notNegative(least(unreserved, minus(measured, held)));
    return free.gpus === undefined ? free : { ...free, vramMb: Math.min(free.vramMb, sumOf(free.gpus)) };
  }

  /** Capacity less reservations, less `held`. */
  unreserved(held: Resources): Resources {
    return notNegative(minus(minus(this.capacity, this.#reserved), held));
  }

  /** Takes note of the time; returns whether a minimum residency has ended. */
  advance(now: number): boolean {
    return this.#lists.advance(now);
  }

  /**
   * Reserves for a generation what has been {@link GpuPool.placed}; one that is warm grows to the need.
   *
   * @param further whether it is an instance beside others of its plugin
   */
  reserve(plugin: string, generation: number, ref: AnyActorRef, need: Need, now: number, further = false): void {
    const key = residentKey({ plugin });
    if (further) this.#pools.add(key);
    const warm = this.get(key, generation);
    if (warm !== undefined) {
      this.#lists.delete(warm);
      const unseen = notNegative(minus(need, warm.need));
      this.#resize(warm, need);
      warm.ref = ref;
      warm.since = now;
      warm.claimed = false;
      warm.settledAt = undefined;
      warm.used = undefined;
      warm.deniedAt = undefined;
      this.#measured.expect(warm, unseen);
      this.#stand(warm, 'granted');
      return;
    }
    const reservation = newReservation(plugin, generation, ref, need, now);
    const others = this.#reservations.get(key);
    if (others === undefined) this.#reservations.set(key, [reservation]);
    else others.push(reservation);
    this.#resize(reservation, need);
    this.#measured.expect(reservation, need);
    this.#countAnew(key);
  }

  /** Ends a reservation. */
  free(reservation: Reservation, now: number): void {
    this.#lists.delete(reservation);
    this.#measured.giveUp(reservation, NOTHING, now);
    this.#resize(reservation, NOTHING);
    this.#measured.expect(reservation, NOTHING);
    const key = residentKey(reservation);
    const others = this.of(key).filter((other) => other !== reservation);
    if (others.length > 0) {
      this.#reservations.set(key, others);
      this.#countAnew(key);
    } else {
      this.#reservations.delete(key);
      this.#pools.delete(key);
    }
  }

  /** The generation has calls: it cannot be evicted. */
  use(reservation: Reservation, now: number): void {
    this.#noteLoaded(reservation, now);
    this.#stand(reservation, 'busy');
  }

  /** The generation's last call ended `at`: it can be evicted. */
  idle(reservation: Reservation, at: number): void {
    this.#noteLoaded(reservation, at);
    this.#lists.delete(reservation);
    reservation.lastUsedAt = at;
    this.#timesIdle += 1;
    reservation.idleOrder = this.#timesIdle;
    reservation.rank = this.#rankOf(reservation);
    this.#stand(reservation, 'idle');
  }

  /** The generation has become warm and keeps this much. */
  warm(reservation: Reservation, kept: Resources, now: number): void {
    this.#lists.delete(reservation);
    this.#measured.giveUp(reservation, kept, now);
    reservation.leaving = false;
    this.#resize(reservation, { ...kept, pinned: false });
    this.#measured.expect(reservation, NOTHING);
    reservation.settledAt = now;
    reservation.used = undefined;
    this.#stand(reservation, 'warm');
  }

  /** The generation is asked to leave. */
  leave(reservation: Reservation, ask: Victim['ask']): void {
    reservation.leaving = true;
    reservation.asked = ask;
    if (ask === 'RELEASE') this.#floor = Math.max(this.#floor, reservation.rank);
    this.#relist(reservation);
  }

  /** The generation has answered that it stays. */
  stay(reservation: Reservation, now: number, isLast = false): void {
    reservation.leaving = false;
    reservation.saidLast = isLast;
    if (reservation.asked === 'YIELD') reservation.deniedAt = now;
    // A generation that denies has calls, whatever it said last; it says so again when they have ended.
    if (!reservation.claimed) this.use(reservation, now);
    this.#relist(reservation);
  }

  /** A warm generation asks to return, or (`false`) does not any more. */
  claim(reservation: Reservation, claimed: boolean): void {
    reservation.claimed = claimed;
    this.#relist(reservation);
  }

  /** The manifest's figures have changed. The reservation stays on its GPUs. */
  resize(reservation: Reservation, need: Need): void {
    this.#grow(reservation, placedLike(need, reservation.need.gpus));
  }

  /** Takes in what the monitor measured; returns residents that use more than was reserved for them. */
  measure(measurement: Measurement): readonly Reservation[] {
    if (measurement.gpus !== undefined && this.gpus.learn(measurement.gpus)) this.#limit();
    this.#measured.measure(measurement, this.gpus);
    const grown: Reservation[] = [];
    for (const use of measurement.used ?? []) {
      const reservation = this.get(residentKey(use), use.generation);
      if (reservation !== undefined && this.#noteUse(reservation, use, measurement.at)) grown.push(reservation);
    }
    this.#measured.settle(measurement.at);
    return grown;
  }

  /** Returns whether the reservation has grown by it. */
  #noteUse(reservation: Reservation, use: GenerationUse, at: number): boolean {
    const { standing, leaving, claimed, settledAt } = reservation;
    const isWarm = standing === 'warm';
    // A warm worker has given up since what was measured before it became warm.
    if (isWarm && (settledAt === undefined || settledAt > at)) return false;
    const used = usedBy(reservation, use, this.gpus);
    reservation.used = used;
    // A leaving worker counts as it was when it was asked to leave, a returning one as it asked to.
    const need = leaving || claimed ? undefined : needAsUsed(reservation, used);
    if (need === undefined) return false;
    this.#grow(reservation, need);
    return !isWarm;
  }

  #limit(): void {
    const { capacity: gpus } = this.gpus;
    const vramMb = Math.min(this.#given.vramMb ?? Infinity, gpus === undefined ? Infinity : sumOf(gpus));
    this.#capacity = { ...UNLIMITED, ...this.#given, vramMb, gpus };
  }

  #noteLoaded(reservation: Reservation, at: number): void {
    reservation.settledAt ??= at;
    reservation.loadMs ??= at - reservation.since;
  }

  #rankOf(reservation: Reservation): number {
    try {
      const rank = this.#order.rank(reservation, { capacity: this.capacity, floor: this.#floor });
      onRejection(rank, () => {});
      return Number.isFinite(rank) ? rank : 0;
    } catch {
      return 0;
    }
  }

  #grow(reservation: Reservation, need: Need): void {
    this.#lists.delete(reservation);
    this.#resize(reservation, need);
    this.#lists.add(reservation);
  }

  #stand(reservation: Reservation, standing: Standing): void {
    reservation.standing = standing;
    this.#relist(reservation);
  }

  #relist(reservation: Reservation): void {
    this.#lists.delete(reservation);
    this.#lists.add(reservation);
    this.#chooseSurplus(residentKey(reservation));
  }

  /** An instance of the plugin has come or gone: what one of them has said of the others holds no more. */
  #countAnew(key: ResidentKey): void {
    for (const each of this.of(key)) each.saidLast = false;
    this.#chooseSurplus(key);
  }

  /** Of a plugin with several instances, all that serve are surplus but the one that it can spare least. */
  #chooseSurplus(key: ResidentKey): void {
    if (!this.#pools.has(key)) return;
    const instances = this.of(key);
    let last: Reservation | undefined;
    for (const each of instances) if (serves(each) && (last === undefined || isSparedBefore(last, each))) last = each;
    for (const each of instances) {
      const surplus = serves(each) && each !== last && !each.saidLast;
      if (each.surplus === surplus) continue;
      this.#lists.delete(each);
      each.surplus = surplus;
      this.#lists.add(each);
    }
  }

  #resize(reservation: Reservation, need: Need): void {
    this.#reserved = plus(minus(this.#reserved, reservation.need), need);
    if (reservation.need.pinned === true) this.#pinned = minus(this.#pinned, reservation.need);
    if (need.pinned === true) this.#pinned = plus(this.#pinned, need);
    reservation.need = need;
  }
}

/** Whether its plugin has this generation for its calls, or will once it has loaded. */
function serves({ standing, leaving }: Reservation): boolean {
  return standing !== 'warm' && !leaving;
}
