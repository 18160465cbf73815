import type { AnyActorRef } from 'xstate';
import { onRejection } from '../events/listeners.ts';
import type { EvictionOrder } from './policies/eviction-order.ts';
import { type GpuAmounts, inProportion, placedLike, sumOf } from './gpus/gpu-amounts.ts';
import { GpuPool, type MeasuredGpu } from './gpus/gpu-pool.ts';
import { Heap } from './heap.ts';
import {
  isSame,
  least,
  minus,
  most,
  type Need,
  NOTHING,
  notNegative,
  plus,
  type Resources,
  UNLIMITED,
} from './need.ts';
import type { Victim } from './policies/policy.ts';
import type { Resident, Standing } from './resident.ts';

/** What is reserved for one generation of one plugin, from the grant until its process tree is gone. */
export interface Reservation extends Resident {
  ref: AnyActorRef;
  need: Need;
  /** The UUIDs of the GPUs that its processes may use; `undefined` where it was not placed. */
  gpus: readonly string[] | undefined;
  standing: Standing;
  since: number;
  lastUsedAt: number;
  rank: number;
  used: Resources | undefined;
  loadMs: number | undefined;
  deniedAt: number | undefined;
  leaving: boolean;
  /** What it was told last. */
  told: Victim['ask'] | undefined;
  /** Its place in the order in which reservations fell idle; decides between equal ranks. */
  turn: number;
  /** Whether it is warm and asks to be resident again, so that it must not be taken away. */
  claimed: boolean;
  /** What a measurement does not show yet, because the worker is still loading. */
  unseen: Resources;
  /** Since when a measurement shows what it takes up: since its first edge, that is, when it had loaded, or went warm. */
  settledAt: number | undefined;
}

/** What the processes of one generation were measured to use, in MiB. What is not known is left out. */
export interface GenerationUse {
  readonly plugin: string;
  readonly generation: number;
  readonly vramMb?: number | undefined;
  /** The same by GPU. */
  readonly gpus?: GpuAmounts | undefined;
  readonly ramMb?: number | undefined;
}

/** What the monitor measured, in MiB. What it does not know is left out. */
export interface Measurement {
  readonly free: {
    /** Of all GPUs that the host sees. */
    readonly vramMb?: number | undefined;
    /** The same by GPU. */
    readonly gpus?: GpuAmounts | undefined;
    readonly ramMb?: number | undefined;
  };
  /** Every GPU of the machine, in the driver's order. */
  readonly gpus?: readonly MeasuredGpu[] | undefined;
  /** What the workers use. */
  readonly used?: readonly GenerationUse[] | undefined;
  /** When the oldest of the figures was read, in milliseconds by the monotonic clock. */
  readonly at: number;
}

/** How many reservations are looked at for those who hold the room. */
const HOLDERS_SCANNED = 32;
/** Memory given up within this long of each other is counted together, in milliseconds. */
const GIVEN_UP_TOGETHER_MS = 5_000;

/**
 * Who holds how much: capacity, reservations per plugin generation, and what the monitor measures. Changed in place,
 * because a copy for each event would cost more than the decision. No method takes time that grows faster than the
 * logarithm of the number of plugins, except that a measurement visits those that are loading or measured.
 */
export class Ledger {
  readonly #given: Partial<Resources>;
  /** The GPUs that plugins are placed on. */
  readonly gpus: GpuPool;
  readonly #order: EvictionOrder;
  readonly #plugins = new Map<string, Reservation[]>();
  readonly #warm = new Heap<Reservation>(goesBefore);
  readonly #idle = new Heap<Reservation>(goesBefore);
  readonly #busy = new Heap<Reservation>((a, b) => (a.since === b.since ? a.turn < b.turn : a.since < b.since));
  /** Those that would be in another list if their minimum residency were over. */
  readonly #young = new Heap<Reservation>((a, b) => matureAt(a) < matureAt(b));
  readonly #listed = new Map<Reservation, Heap<Reservation>>();
  readonly #loading = new Set<Reservation>();
  #now = -Infinity;
  #turns = 0;
  #floor = 0;
  #reserved: Resources = NOTHING;
  #pinned: Resources = NOTHING;
  #evictable: Resources = NOTHING;
  #yieldable: Resources = NOTHING;
  #unseen: Resources = NOTHING;
  #capacity: Resources = UNLIMITED;
  #measurement: Measurement | undefined;
  /** What is measured as free; what is not known is not limited. */
  #free: Resources = UNLIMITED;
  #freedAt = -Infinity;
  #givenUp: Resources = NOTHING;

  /**
   * @param capacity the most that may be reserved; what is left out is not limited
   * @param order in which order idle residents go
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
    return this.#evictable;
  }

  /** The part of the reservations that could be told to yield. */
  get yieldable(): Resources {
    return this.#yieldable;
  }

  /** When memory was last given up that a measurement may have shown as taken, in milliseconds by the monotonic clock. */
  get freedAt(): number {
    return this.#freedAt;
  }

  /** What was given up at that time and shortly before. */
  get givenUp(): Resources {
    return this.#givenUp;
  }

  /** When the next minimum residency ends, in milliseconds by the monotonic clock; `undefined` when none runs. */
  get nextMature(): number | undefined {
    const first = this.#young.peek();
    return first === undefined ? undefined : matureAt(first);
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

  /** Those that can be evicted now, in the order in which they go: warm ones first. */
  *candidates(): IterableIterator<Reservation> {
    yield* this.#warm.sorted();
    yield* this.#idle.sorted();
  }

  /** Those in use that can be told to yield; the longest resident first. */
  busy(): IterableIterator<Reservation> {
    return this.#busy.sorted();
  }

  /**
   * Whether a reservation may be told this. One that is pinned, granted and not yet called, told to go already, asking
   * to come back, or within its minimum residency stays.
   */
  mayBeTold(reservation: Reservation, ask: Victim['ask']): boolean {
    const list = this.#listed.get(reservation);
    return ask === 'YIELD' ? list === this.#busy : list === this.#idle || list === this.#warm;
  }

  /** Some of those that hold room and cannot be evicted now, at most this many. */
  holders(most: number): readonly Reservation[] {
    const holders: Reservation[] = [];
    let scanned = 0;
    for (const reservation of this) {
      scanned += 1;
      if (holders.length === most || scanned > HOLDERS_SCANNED) break;
      const list = this.#listed.get(reservation);
      if (list !== this.#idle && list !== this.#warm) holders.push(reservation);
    }
    return holders;
  }

  /**
   * What is free for somebody new: the smaller of what is unreserved and measured free less the reservations that the
   * measurement does not show yet, both less `held`, which is kept back for others. `unseen` counts as measured free.
   */
  available(held: Resources, unseen = NOTHING): Resources {
    const unreserved = this.unreserved(held);
    if (this.#measurement === undefined) return unreserved;
    const measured = minus(minus(plus(this.#free, unseen), this.#unseen), held);
    const free = notNegative(least(unreserved, measured));
    return free.gpus === undefined ? free : { ...free, vramMb: Math.min(free.vramMb, sumOf(free.gpus)) };
  }

  /** Capacity less reservations, less `held`. */
  unreserved(held: Resources): Resources {
    return notNegative(minus(minus(this.capacity, this.#reserved), held));
  }

  /** Time has passed; returns whether a minimum residency has ended. */
  advance(now: number): boolean {
    this.#now = Math.max(this.#now, now);
    let ended = false;
    for (let first = this.#young.peek(); first !== undefined && matureAt(first) <= this.#now; ) {
      this.#relist(first);
      ended = true;
      first = this.#young.peek();
    }
    return ended;
  }

  /** Reserves for a generation what has been {@link GpuPool.placed}; one that is warm grows to the need. */
  reserve(plugin: string, generation: number, ref: AnyActorRef, need: Need, now: number): void {
    const warm = this.get(plugin, generation);
    if (warm !== undefined) {
      this.#unlist(warm);
      const unseen = notNegative(minus(need, warm.need));
      this.#resize(warm, need);
      warm.ref = ref;
      warm.since = now;
      warm.claimed = false;
      warm.settledAt = undefined;
      warm.used = undefined;
      warm.deniedAt = undefined;
      this.#show(warm, unseen);
      this.#stand(warm, 'granted');
      return;
    }
    const reservation: Reservation = {
      plugin,
      generation,
      ref,
      need: NOTHING,
      gpus: need.gpus === undefined ? undefined : Object.keys(need.gpus),
      standing: 'granted',
      since: now,
      lastUsedAt: now,
      rank: 0,
      loadMs: undefined,
      deniedAt: undefined,
      leaving: false,
      told: undefined,
      turn: 0,
      claimed: false,
      unseen: NOTHING,
      settledAt: undefined,
      used: undefined,
    };
    const others = this.#plugins.get(plugin);
    if (others === undefined) this.#plugins.set(plugin, [reservation]);
    else others.push(reservation);
    this.#resize(reservation, need);
    this.#show(reservation, need);
  }

  /** Ends a reservation. */
  free(reservation: Reservation, now: number): void {
    this.#unlist(reservation);
    this.#noteGivenUp(reservation, NOTHING, now);
    this.#resize(reservation, NOTHING);
    this.#show(reservation, NOTHING);
    const others = this.of(reservation.plugin).filter((other) => other !== reservation);
    if (others.length === 0) this.#plugins.delete(reservation.plugin);
    else this.#plugins.set(reservation.plugin, others);
  }

  /** The generation takes calls: it cannot be evicted. */
  use(reservation: Reservation, now: number): void {
    this.#noteLoaded(reservation, now);
    this.#stand(reservation, 'busy');
  }

  /** The generation's last call ended `at`: it can be evicted. */
  idle(reservation: Reservation, at: number): void {
    this.#noteLoaded(reservation, at);
    this.#unlist(reservation);
    reservation.lastUsedAt = at;
    this.#turns += 1;
    reservation.turn = this.#turns;
    reservation.rank = this.#rankOf(reservation);
    this.#stand(reservation, 'idle');
  }

  /** The generation has gone warm and keeps this much. */
  warm(reservation: Reservation, kept: Resources, now: number): void {
    this.#unlist(reservation);
    this.#noteGivenUp(reservation, kept, now);
    reservation.leaving = false;
    this.#resize(reservation, { ...kept, pinned: false });
    this.#show(reservation, NOTHING);
    reservation.settledAt = now;
    reservation.used = undefined;
    this.#stand(reservation, 'warm');
  }

  /** The generation was told to go. */
  leave(reservation: Reservation, told: Victim['ask']): void {
    reservation.leaving = true;
    reservation.told = told;
    if (told === 'RELEASE') this.#floor = Math.max(this.#floor, reservation.rank);
    this.#relist(reservation);
  }

  /** The generation said that it will not go. */
  stay(reservation: Reservation, now: number): void {
    reservation.leaving = false;
    if (reservation.told === 'YIELD') reservation.deniedAt = now;
    // What denies has leases out, whatever it said last; it says so again when they are back.
    if (!reservation.claimed) this.use(reservation, now);
    this.#relist(reservation);
  }

  /** A warm generation asks to come back, or (`false`) does not any more. */
  claim(reservation: Reservation, claimed: boolean): void {
    reservation.claimed = claimed;
    this.#relist(reservation);
  }

  /** The manifest's figures have changed. Where it is it stays. */
  resize(reservation: Reservation, need: Need): void {
    this.#grow(reservation, placedLike(need, reservation.need.gpus));
  }

  /**
   * Takes in what the monitor measured; returns those that use more than was reserved for them. What had loaded by then
   * is in it, and of what is loading as much as its processes use. A resident has reserved what it asked for, or the
   * most it was measured to use, whatever is more; a warm one, what it still uses.
   */
  measure(measurement: Measurement): readonly Reservation[] {
    this.#measurement = measurement;
    if (measurement.gpus !== undefined && this.gpus.learn(measurement.gpus)) this.#limit();
    const { vramMb = Infinity, ramMb = Infinity, gpus } = measurement.free;
    const each = this.gpus.freeOf(gpus);
    // Where each GPU is told, those that do not count, and those that are not told, make the sum another.
    const isTold = each !== undefined && gpus !== undefined;
    this.#free = { vramMb: isTold ? sumOf(each) : vramMb, ramMb, slots: Infinity, gpus: each };
    const grown: Reservation[] = [];
    for (const { plugin, generation, ...figures } of measurement.used ?? []) {
      const reservation = this.get(plugin, generation);
      if (reservation !== undefined && this.#noteUse(reservation, figures, measurement.at)) grown.push(reservation);
    }
    for (const reservation of this.#loading) {
      const { settledAt, need, used } = reservation;
      const isLoaded = settledAt !== undefined && settledAt <= measurement.at;
      this.#show(reservation, isLoaded ? NOTHING : notNegative(minus(need, used ?? NOTHING)));
    }
    return grown;
  }

  /** Returns whether the reservation has grown by it. */
  #noteUse(reservation: Reservation, use: Measurement['free'], at: number): boolean {
    const { need, standing, leaving, claimed, settledAt } = reservation;
    const gpus = this.gpus.usedOf(use.gpus);
    const used = { vramMb: Math.ceil(use.vramMb ?? 0), ramMb: Math.ceil(use.ramMb ?? 0), slots: need.slots, gpus };
    const isWarm = standing === 'warm';
    // What was measured before it went warm is what it has given up since.
    if (isWarm && (settledAt === undefined || settledAt > at)) return false;
    reservation.used = used;
    // What is on its way out is reckoned with as it was when it was told to go, and what comes back as it asked to.
    if (leaving || claimed) return false;
    // Of what it has not asked for, nothing is reserved.
    const counted = {
      ...used,
      ...(need.vramMb === 0 && { vramMb: 0, gpus: undefined }),
      ramMb: need.ramMb > 0 ? used.ramMb : 0,
    };
    const reserved = placedAsUsed(need, counted, isWarm);
    if (isSame(reserved, need)) return false;
    this.#grow(reservation, { ...need, ...reserved });
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

  #noteGivenUp({ settledAt, need }: Reservation, kept: Resources, now: number): void {
    // What had not loaded was not measured as taken either.
    if (settledAt === undefined) return;
    const before = now - this.#freedAt > GIVEN_UP_TOGETHER_MS ? NOTHING : this.#givenUp;
    this.#givenUp = plus(before, notNegative(minus(need, kept)));
    this.#freedAt = now;
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
    this.#unlist(reservation);
    this.#resize(reservation, need);
    this.#relist(reservation);
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
    list.push(reservation);
    this.#listed.set(reservation, list);
    this.#count(list, reservation.need, plus);
  }

  #unlist(reservation: Reservation): void {
    const list = this.#listed.get(reservation);
    if (list === undefined) return;
    list.delete(reservation);
    this.#listed.delete(reservation);
    this.#count(list, reservation.need, minus);
  }

  #count(list: Heap<Reservation>, need: Need, by: typeof plus): void {
    if (list === this.#busy) this.#yieldable = by(this.#yieldable, need);
    else if (list !== this.#young) this.#evictable = by(this.#evictable, need);
  }

  #listFor(reservation: Reservation): Heap<Reservation> | undefined {
    const { leaving, claimed, need, standing } = reservation;
    if (leaving || claimed || need.pinned === true || standing === 'granted') return undefined;
    if (standing === 'warm') return this.#warm;
    if (matureAt(reservation) > this.#now) return this.#young;
    return standing === 'idle' ? this.#idle : this.#busy;
  }
}

/** What is reserved for one that needs this and was measured to use that, on the GPUs that it is on. */
function placedAsUsed(need: Need, used: Resources, isWarm: boolean): Resources {
  const larger = isWarm ? used : most(need, used);
  if (used.gpus === undefined) return placedLike({ ...larger, gpus: undefined }, need.gpus);
  // What was started before the GPUs were known is where it is seen to be.
  if (need.gpus === undefined) return { ...larger, gpus: inProportion(larger.vramMb, used.gpus) };
  return { ...larger, vramMb: Math.max(larger.vramMb, sumOf(larger.gpus ?? {})) };
}

function goesBefore(a: Reservation, b: Reservation): boolean {
  return a.rank === b.rank ? a.turn < b.turn : a.rank < b.rank;
}

function matureAt({ since, need }: Reservation): number {
  return since + (need.minResidencyMs ?? 0);
}
