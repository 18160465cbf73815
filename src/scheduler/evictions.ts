import { type GpuAmounts, smaller, sumOf } from './gpus/gpu-amounts.ts';
import type { Ledger } from './ledger.ts';
import { fits, least, minus, NOTHING, notNegative, plus, type Resources } from './need.ts';
import type { Asking } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';
import type { Request } from './waiting-queue.ts';

/**
 * Why memory is kept back for a request that waits, other than for the answers of its victims: the policy wants it
 * `kept`, or what victims have given up is to be `confirmed` by a measurement.
 */
export type WaitsFor = 'kept' | 'confirmed';

/** Memory kept back for one request, and the residents that are asked to leave for it. */
interface Earmark {
  /** Whether the request is for a further instance. */
  readonly further: boolean;
  readonly victims: Set<Reservation>;
  /** What its victims have given up; `undefined` while none has. */
  gained: Resources | undefined;
  /** The sum of what the victims hold. */
  coming: Resources;
  /** What is kept back of the free memory, so that it and what is coming satisfy the request. */
  held: Resources;
  /** On which GPUs that is. */
  place: GpuAmounts | undefined;
}

/** The evictions in flight, and the memory that is kept back for requests. */
export class Evictions {
  readonly #earmarks = new Map<ResidentKey, Earmark>();
  readonly #requesters = new Map<Reservation, Asking>();
  readonly #waiting = new Map<ResidentKey, WaitsFor>();
  /** What is kept back for first instances, and for further ones. */
  #held: Resources = NOTHING;
  #heldForFurther: Resources = NOTHING;
  #size = 0;
  #further = 0;

  /** How many requests have victims that have not answered. */
  get size(): number {
    return this.#size;
  }

  /** How many of them are for a further instance. */
  get further(): number {
    return this.#further;
  }

  /**
   * What is kept back for requests, other than this one if one is named.
   *
   * @param further whether it is kept back from a request for a further instance: then it is also what is kept for other such
   * ones, which first instances may take
   */
  held(except?: ResidentKey, further = false): Resources {
    const all = further ? plus(this.#held, this.#heldForFurther) : this.#held;
    const own = except === undefined ? undefined : this.#earmarks.get(except);
    return own === undefined || (own.further && !further) ? all : minus(all, own.held);
  }

  /** What the victims of this request hold; `undefined` when no victim's answer is awaited. */
  coming(key: ResidentKey): Resources | undefined {
    const earmark = this.#earmarks.get(key);
    return earmark === undefined || earmark.victims.size === 0 ? undefined : earmark.coming;
  }

  /** Whether memory is kept back for this request. */
  has(key: ResidentKey): boolean {
    return this.#earmarks.has(key);
  }

  /** What victims have given up for this request; `undefined` when none has. */
  gained(key: ResidentKey): Resources | undefined {
    return this.#earmarks.get(key)?.gained;
  }

  /** On which GPUs there is to be memory for this request, in MiB; `undefined` where they are not told apart. */
  placeOf(key: ResidentKey): GpuAmounts | undefined {
    return this.#earmarks.get(key)?.place;
  }

  /** The victims of this request that have not answered. */
  victimsOf(key: ResidentKey): Iterable<Reservation> {
    return this.#earmarks.get(key)?.victims ?? [];
  }

  /** The request that this victim is to leave for. */
  requesterOf(victim: Reservation): Asking | undefined {
    return this.#requesters.get(victim);
  }

  /** The requests that memory is kept back for, other than for the answers of their victims, and why. */
  get waiting(): Iterable<readonly [ResidentKey, WaitsFor]> {
    return this.#waiting;
  }

  /** The request is given victims, and waits for their answers. Returns the same as {@link hold}. */
  start(request: Request, victims: readonly Reservation[], ledger: Ledger): boolean {
    this.#waiting.delete(residentKey(request));
    this.add(request, victims);
    return this.hold(request, ledger);
  }

  /** Adds victims of the request to those that it has. */
  add(request: Asking, victims: readonly Reservation[]): void {
    const earmark = this.#earmark(request);
    earmark.place = undefined;
    if (earmark.victims.size === 0 && victims.length > 0) this.#count(earmark, 1);
    for (const victim of victims) {
      earmark.victims.add(victim);
      earmark.coming = plus(earmark.coming, victim.need);
      this.#requesters.set(victim, request);
    }
  }

  /** A victim has answered, and keeps this much of what it holds. Call it before the ledger is told. */
  answered(victim: Reservation, keeps: Resources = victim.need): void {
    const requester = this.#requesters.get(victim);
    if (requester === undefined) return;
    this.#requesters.delete(victim);
    const earmark = this.#earmarks.get(residentKey(requester));
    if (earmark === undefined) return;
    earmark.victims.delete(victim);
    if (earmark.victims.size === 0) this.#count(earmark, -1);
    earmark.coming = minus(earmark.coming, victim.need);
    if (keeps === victim.need) return;
    const gained = minus(victim.need, keeps);
    earmark.gained = plus(earmark.gained ?? NOTHING, gained);
    // Or a further instance before it in the queue would have this, the plugin of the victim would get it back in turns.
    if (earmark.further) this.#keep(earmark, plus(earmark.held, gained));
  }

  /**
   * Keeps back for the request what it needs beside what is coming, as far as there is that much. Returns whether others
   * get back some of what was kept from them.
   */
  hold(request: Request, ledger: Ledger): boolean {
    const key = residentKey(request);
    const earmark = this.#earmark(request);
    const former = earmark.held;
    this.#keep(earmark, NOTHING);
    const forOthers = this.held(undefined, earmark.further);
    const own = ledger.get(key, request.generation);
    const there = plus(own?.need ?? NOTHING, earmark.coming);
    // Not by what is measured as free: what is given up now and measured later must not be given to others meanwhile.
    const unreserved = ledger.unreserved(forOthers);
    const wanted = ledger.gpus.placed(ledger.gpus.demandOf(request.need, own?.gpus), ledger.pinned, () => [
      // The choice of the GPU is by what is measured: what others have taken there cannot be had.
      plus(ledger.available(forOthers, earmark.gained), there),
      plus(unreserved, there),
    ]);
    earmark.place = furthest(earmark.place, wanted.gpus, plus(unreserved, there).gpus);
    const missing = notNegative(minus({ ...wanted, gpus: earmark.place }, there));
    const held = least(missing, unreserved);
    this.#keep(earmark, held.gpus === undefined ? held : { ...held, vramMb: Math.min(held.vramMb, sumOf(held.gpus)) });
    const back = minus(former, earmark.held);
    return !fits(back, NOTHING) || Object.values(back.gpus ?? {}).some((mb) => mb > 0);
  }

  /** Like {@link hold}, for a request that waits. Memory is `kept` for one request at a time: this one. */
  holdWaiting(request: Request, waitsFor: WaitsFor, ledger: Ledger): boolean {
    const key = residentKey(request);
    let freed = false;
    if (waitsFor === 'kept') {
      for (const [other, why] of this.#waiting) {
        if (why === 'kept' && other !== key) freed = this.delete(other);
      }
    }
    this.#waiting.set(key, waitsFor);
    return this.hold(request, ledger) || freed;
  }

  /** The request needs no memory any more. Its victims leave all the same. Returns whether memory was kept back for it. */
  delete(key: ResidentKey): boolean {
    this.#waiting.delete(key);
    const earmark = this.#earmarks.get(key);
    if (earmark === undefined) return false;
    this.#earmarks.delete(key);
    if (earmark.victims.size > 0) this.#count(earmark, -1);
    for (const victim of earmark.victims) this.#requesters.delete(victim);
    this.#keep(earmark, NOTHING);
    return true;
  }

  #keep(earmark: Earmark, amount: Resources): void {
    if (earmark.further) this.#heldForFurther = plus(minus(this.#heldForFurther, earmark.held), amount);
    else this.#held = plus(minus(this.#held, earmark.held), amount);
    earmark.held = amount;
  }

  #count({ further }: Earmark, by: 1 | -1): void {
    this.#size += by;
    if (further) this.#further += by;
  }

  #earmark(request: Asking): Earmark {
    const key = residentKey(request);
    let earmark = this.#earmarks.get(key);
    if (earmark === undefined) {
      const { further } = request;
      earmark = { further, victims: new Set(), gained: undefined, coming: NOTHING, held: NOTHING, place: undefined };
      this.#earmarks.set(key, earmark);
    }
    return earmark;
  }
}

/** The former place, unless the other has more of what is wanted: moved to and fro, memory would never add up. */
function furthest(
  former: GpuAmounts | undefined,
  other: GpuAmounts | undefined,
  available: GpuAmounts | undefined,
): GpuAmounts | undefined {
  if (former === undefined || other === undefined || sumOf(former) !== sumOf(other)) return other;
  const reach = (place: GpuAmounts): number => sumOf(smaller(place, available) ?? place);
  return reach(other) > reach(former) ? other : former;
}
