// Longer than others because what a call and the machine see of the leases, the queue and the gate changes in one step, here.

import { GreenroomError } from '../errors.ts';
import { leastLoaded } from './dispatch.ts';
import type { GateEvent } from './gate-event.ts';
import { GrowthWatch } from './growth-watch.ts';
import type { EdgeSource, LeaseEdges } from './lease-edges.ts';
import type { LeaseRequest, Residency } from './lease-request.ts';

/** The longest queue of a plugin that sets no `max_waiting`. */
export const DEFAULT_MAX_WAITING = 1_000;

/** What the manifest in force says about a plugin's calls. */
export interface GateLimits {
  readonly maxWaiting: number;
  /** `undefined`: as many as the worker takes. */
  readonly maxConcurrency: number | undefined;
  /** How many instances there may be, and how long calls wait before there are more, in milliseconds; one where it is not said. */
  readonly instances?: { readonly max: number; readonly growAfterMs: number } | undefined;
}

/**
 * The gate in front of a plugin's workers, and the only owner of the fact whether one may be taken away: a count of
 * leases for each and whether it takes calls, both changed synchronously, here. Requests that find it closed or every
 * worker full wait in order of priority, then arrival.
 */
export class LeaseGate implements EdgeSource {
  readonly #plugin: string;
  readonly #announce: (event: GateEvent) => void;
  #waiting: LeaseRequest[] = [];
  #maxWaiting: number;
  #maxConcurrency: number | undefined;
  /** Those that take calls while the gate is open, in the order in which they came. */
  #serving: Residency[] = [];
  #open = false;
  #refusal: GreenroomError | undefined;
  #leases = 0;
  /** Cancelled calls that the worker has not given up within their grace. */
  readonly #stuck = new Set<LeaseRequest>();
  /** Workers of which no leases are granted for now, with for how many reasons. */
  readonly #held = new Map<Residency, number>();
  /** Whether the machine was told last that a lease is out. */
  #toldLeased = false;
  /** Whether leases were granted since the machine was told last. */
  #used = false;
  /** The same since the last tick of the edges. */
  #usedInTick = false;
  readonly #edges: LeaseEdges | undefined;
  #usedAt: number | undefined;
  /** How many leases were ever granted. */
  #granted = 0;
  /** `undefined` where the plugin cannot grow. */
  #growth: GrowthWatch | undefined;

  /** `edges` say when the machine is told of first and last leases; without them, at once and at the end of the turn. */
  constructor(plugin: string, announce: (event: GateEvent) => void, edges?: LeaseEdges) {
    this.#plugin = plugin;
    this.#announce = announce;
    this.#edges = edges;
    this.#maxWaiting = DEFAULT_MAX_WAITING;
  }

  /** Applies the limits of the manifest in force. */
  limit({ maxWaiting, maxConcurrency, instances }: GateLimits): void {
    this.#maxWaiting = maxWaiting;
    this.#maxConcurrency = maxConcurrency;
    if (instances === undefined || instances.max === 1) this.#growth = undefined;
    else if (this.#growth !== undefined) this.#growth.growAfterMs = instances.growAfterMs;
    else this.#growth = new GrowthWatch(instances.growAfterMs, () => this.#edges?.monotonic() ?? 0);
    this.#admit();
    this.#watchWaiting(this.#waiting);
  }

  /** Leases out, of every generation. */
  get leases(): number {
    return this.#leases;
  }

  /** When the first of the leases was granted, or the last returned, in milliseconds since the epoch. */
  get usedAt(): number | undefined {
    return this.#usedAt;
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The priority of the most urgent waiting request, 0 without one. */
  get priority(): number {
    return this.#waiting[0]?.priority ?? 0;
  }

  /** The latest deadline of the waiting requests; `undefined` when one of them has none, and without any. */
  get deadline(): number | undefined {
    let latest: number | undefined;
    for (const request of this.#waiting) {
      if (request.deadline === undefined) return undefined;
      if (latest === undefined || request.deadline > latest) latest = request.deadline;
    }
    return latest;
  }

  /** When the first of the waiting requests began to wait, by the monotonic clock; `undefined` without any. */
  get waitingSince(): number | undefined {
    let earliest: number | undefined;
    for (const { arrivedAt } of this.#waiting)
      if (arrivedAt !== undefined && (earliest === undefined || arrivedAt < earliest)) earliest = arrivedAt;
    return earliest;
  }

  /** The earliest {@link LeaseRequest.since} of the waiting requests. */
  get since(): number | undefined {
    let earliest: number | undefined;
    for (const { since } of this.#waiting)
      if (since !== undefined && (earliest === undefined || since < earliest)) earliest = since;
    return earliest;
  }

  /** What takes calls while the gate is open, in the order in which it came. */
  get serving(): readonly Residency[] {
    return this.#serving;
  }

  /** How many calls one instance takes at once; `undefined` before there is one. */
  get capacity(): number | undefined {
    const [first] = this.#serving;
    return first === undefined ? undefined : this.#capacityOf(first);
  }

  /** The most calls that ran and waited at once lately; what is late is said by {@link forgetOldDemand}. */
  get demand(): number {
    return Math.max(this.#leases, this.#growth?.demand ?? 0);
  }

  /** Whether a request has waited for as long as the plugin lets it before it grows. */
  get waitsLong(): boolean {
    return this.#growth?.isFull === true && this.#waiting.length > 0;
  }

  /** The oldest part of what {@link demand} looks at is not recent any more. */
  forgetOldDemand(): void {
    this.#growth?.forgetOldDemand(this.#leases);
  }

  /** Takes a lease for the request, now or once there is capacity; refuses it if there can never be one. */
  enter(request: LeaseRequest): void {
    if (this.#refusal !== undefined) {
      request.refuse(this.#refusal);
      return;
    }
    const [first] = this.#serving;
    if (this.#open && first !== undefined) {
      if (request.withoutLease === true) {
        request.start(first);
        return;
      }
      const residency = this.#waiting.length === 0 ? this.#roomFor(request) : undefined;
      if (residency !== undefined) {
        this.#lease(residency, request);
        return;
      }
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      request.refuse(
        new GreenroomError(
          'E_QUEUE_FULL',
          `The queue of "${this.#plugin}" is full: ${this.#waiting.length} calls are waiting. Try again later, or raise max_waiting in its manifest.`,
          { plugin: this.#plugin, details: { waiting: this.#waiting.length, retryable: true } },
        ),
      );
      return;
    }
    this.#enqueue(request);
  }

  /** Takes a waiting request out of the queue; false when it does not wait. */
  withdraw(request: LeaseRequest): boolean {
    const index = this.#waiting.indexOf(request);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    this.#announceWithdrawn();
    return true;
  }

  /** The waiting call with this identifier. */
  waitingCall(id: string): LeaseRequest | undefined {
    return this.#waiting.find((request) => request.id === id);
  }

  /** Cancels the calls that wait. Loads and other tasks wait on. */
  cancelWaiting(reason: unknown): void {
    const calls = this.#waiting.filter((request) => request.cancel !== undefined);
    if (calls.length === 0) return;
    // All at once, so that the machine is told once.
    this.#waiting = this.#waiting.filter((request) => request.cancel === undefined);
    for (const call of calls) call.cancel?.(reason);
    this.#announceWithdrawn();
  }

  /** Returns a lease. The worker is done with the call. */
  leave(residency: Residency, request: LeaseRequest): void {
    if (!residency.leases.delete(request)) return;
    this.#leases -= 1;
    if (this.#stuck.size > 0) {
      this.#stuck.delete(request);
      this.#announceStuck(residency);
    }
    if (residency.leases.size === 0 && !this.#serving.includes(residency)) {
      this.#announce({ type: 'DRAINED', generation: residency.generation });
    }
    this.#admit();
    if (this.#leases === 0) this.#noteLastLease();
    else if (residency.leases.size === 0 && this.#serving.length > 1) this.#noteUse();
  }

  /**
   * Grants leases of this generation, first to the waiting requests, within the same step: beside others where the gate
   * is open already.
   */
  open(residency: Residency): void {
    if (!this.#open) this.#serving = [residency];
    else if (!this.#serving.includes(residency)) this.#serving.push(residency);
    this.#open = true;
    // They take no lease, so none of them waits until the calls ahead of it have one.
    for (const request of this.#waiting.filter(({ withoutLease }) => withoutLease === true)) {
      this.#waiting.splice(this.#waiting.indexOf(request), 1);
      request.start(residency);
    }
    this.#admit();
    this.#watchWaiting(this.#waiting);
  }

  /** Grants no more leases; those that are out stay out, and new requests wait. */
  close(): void {
    this.#open = false;
    // Once it is open again, calls wait for long only when they have waited since.
    this.#growth?.end();
    if (this.#leases === 0 && this.#used) this.tell();
  }

  /** Grants no more leases of one of several instances; those that are out stay out. */
  retire(residency: Residency): void {
    this.#serving = this.#serving.filter((other) => other !== residency);
    this.#refuseBound(residency);
  }

  /** Refuses the waiting requests with this error. */
  refuseWaiting(error: GreenroomError): void {
    for (const request of this.#waiting.splice(0)) request.refuse(error);
  }

  /** Refuses the waiting requests and, until {@link admit}, every new one. */
  refuse(error: GreenroomError): void {
    this.#refusal = error;
    this.refuseWaiting(error);
  }

  /** Takes requests again. */
  admit(): void {
    this.#refusal = undefined;
  }

  /** The worker of this generation is gone: ends its leases with the error. */
  lose(generation: number, residency: Residency | undefined, error: GreenroomError): void {
    const serving = this.#serving.filter((other) => other.generation !== generation);
    if (serving.length < this.#serving.length) {
      this.#serving = serving;
      if (serving.length === 0) this.close();
    }
    if (residency === undefined) return;
    this.#refuseBound(residency);
    const lost = [...residency.leases];
    residency.leases.clear();
    this.#leases -= lost.length;
    for (const request of lost) {
      this.#stuck.delete(request);
      request.lose(error);
    }
    if (lost.length > 0 && this.#leases === 0) this.#noteLastLease();
  }

  /** The time of this generation is over: cancels what is still at it and ends its leases with the error. */
  end(generation: number, residency: Residency | undefined, error: GreenroomError): void {
    for (const request of residency?.leases ?? []) request.giveUp?.();
    this.lose(generation, residency, error);
  }

  /** A call failed for want of memory: it waits for the plugin to come back with more of it. */
  starve(residency: Residency, request: LeaseRequest): void {
    this.#announce({ type: 'STARVED', generation: residency.generation });
    this.enter(request);
    this.leave(residency, request);
  }

  /** A cancelled call was not given up within its grace: told to the machine once no other lease of the worker is out. */
  reportStuck(residency: Residency, request: LeaseRequest): void {
    if (!residency.leases.has(request)) return;
    this.#stuck.add(request);
    this.#announceStuck(residency);
  }

  /** Grants no leases of this worker until the promise has settled: it may be stuck in a call that it is to give up. */
  hold(residency: Residency, until: Promise<unknown>): void {
    this.#held.set(residency, (this.#held.get(residency) ?? 0) + 1);
    const release = (): void => {
      const left = (this.#held.get(residency) ?? 1) - 1;
      if (left > 0) this.#held.set(residency, left);
      else this.#held.delete(residency);
      this.#admit();
    };
    until.then(release, release);
  }

  /** A call cannot be sent because the worker, which lives, cannot be reached: it is as good as dead. */
  reportUnreachable(residency: Residency, request: LeaseRequest, error: GreenroomError): void {
    if (!residency.leases.has(request)) return;
    this.#announce({ type: 'UNREACHABLE', generation: residency.generation, error });
  }

  /** The others may be less urgent, or have less time. */
  #announceWithdrawn(): void {
    if (!this.#open) this.#announce({ type: this.#waiting.length === 0 ? 'CALLERS.GONE' : 'CALL' });
  }

  #announceStuck(residency: Residency): void {
    if (residency.leases.size === 0) return;
    for (const request of residency.leases) if (!this.#stuck.has(request)) return;
    this.#announce({ type: 'STUCK', generation: residency.generation });
  }

  #capacityOf(residency: Residency): number {
    return Math.min(residency.concurrency, this.#maxConcurrency ?? residency.concurrency);
  }

  /** Where the request can have a lease now. */
  #roomFor({ only }: LeaseRequest): Residency | undefined {
    const serving = this.#held.size === 0 ? this.#serving : this.#serving.filter((each) => !this.#held.has(each));
    const [first] = serving;
    if (only !== undefined || first === undefined || serving.length === 1) {
      const residency = only ?? first;
      return residency !== undefined && residency.leases.size < this.#capacityOf(residency) ? residency : undefined;
    }
    return leastLoaded(serving, this.#maxConcurrency);
  }

  #lease(residency: Residency, request: LeaseRequest): void {
    residency.leases.add(request);
    residency.served = true;
    this.#granted += 1;
    residency.lastLease = this.#granted;
    this.#leases += 1;
    if (this.#leases === 1) this.#usedAt = this.#edges?.now();
    this.#growth?.note(this.#leases);
    this.#used = true;
    this.#usedInTick = true;
    if (!this.#toldLeased) this.#noteUse();
    else if (residency.leases.size === 1 && this.#serving.length > 1) this.#noteUse();
    request.start(residency);
  }

  /** What waits for a lease of this one alone gets none. */
  #refuseBound(residency: Residency): void {
    const bound = this.#waiting.filter(({ only }) => only === residency);
    if (bound.length === 0) return;
    this.#waiting = this.#waiting.filter(({ only }) => only !== residency);
    const error = new GreenroomError('E_STOPPING', `A worker of "${this.#plugin}" is being stopped.`, {
      plugin: this.#plugin,
    });
    for (const request of bound) request.refuse(error);
  }

  #enqueue(request: LeaseRequest): void {
    const before = this.#waiting.length;
    const { deadline } = this;
    let index = before;
    request.waitsSince = undefined;
    request.arrivedAt = request.since ?? this.#edges?.monotonic() ?? 0;
    while (index > 0 && isBefore(request, this.#waiting[index - 1] as LeaseRequest)) index -= 1;
    this.#waiting.splice(index, 0, request);
    if (!this.#open) {
      const hasPlace = request.since !== undefined;
      if (before === 0 || index === 0 || hasPlace || this.deadline !== deadline) this.#announce({ type: 'CALL' });
      return;
    }
    this.#watchWaiting([request]);
    // Those before it may wait for one instance alone.
    if (before > 0) this.#admit();
  }

  #admit(): void {
    let index = 0;
    while (this.#open) {
      const next = this.#waiting[index];
      if (next === undefined) return;
      const residency = this.#roomFor(next);
      if (residency === undefined) {
        if (next.only === undefined) return;
        index += 1;
        continue;
      }
      if (index === 0) this.#waiting.shift();
      else this.#waiting.splice(index, 1);
      index = 0;
      this.#lease(residency, next);
    }
  }

  #noteUse(): void {
    if (this.#edges === undefined || this.#edges.prompt) this.tell();
    else this.#edges.add(this);
  }

  /** A closed gate, for which a drain waits, tells at once. */
  #noteLastLease(): void {
    this.#usedAt = this.#edges?.now();
    if (!this.#open) this.tell();
    else if (this.#edges === undefined || this.#edges.prompt) setImmediate(this.#tellOfIdle);
    else this.#edges.add(this);
  }

  /** At the end of the turn the next call may have come. */
  readonly #tellOfIdle = (): void => {
    if (this.#leases === 0) this.tell();
  };

  /** Tells the machine whether leases are out, if it was told otherwise or there were some since. */
  tell(): void {
    if (this.#leases > 0 && !this.#toldLeased) {
      this.#toldLeased = true;
      this.#announce({ type: 'LEASED' });
    } else if (this.#leases === 0 && this.#used) {
      this.#toldLeased = false;
      this.#used = false;
      this.#announce({ type: 'IDLE' });
    } else if (this.#serving.length > 1 && this.#serving.some(isUntold)) {
      this.#announce({ type: 'USED' });
    }
  }

  /** Tells what stands since the last tick; false once nothing is left to tell. */
  tick(): boolean {
    const isWatched = this.#tellOfWaiting();
    if (this.#leases === 0 && this.#usedInTick) {
      this.#usedInTick = false;
      return true;
    }
    if (this.#serving.length <= 1) {
      this.tell();
      return isWatched;
    }
    // One call follows another at an instance, too.
    const isAtRest = this.#serving.every(
      ({ leases, lastLease = 0, lastLeaseAtTick = 0 }) => leases.size > 0 || lastLease === lastLeaseAtTick,
    );
    for (const residency of this.#serving) residency.lastLeaseAtTick = residency.lastLease ?? 0;
    if (isAtRest || (this.#leases > 0 && !this.#toldLeased)) this.tell();
    return isWatched || !isAtRest;
  }

  /** These found every worker full: the machine is told when they have waited for long. */
  #watchWaiting(requests: readonly LeaseRequest[]): void {
    if (this.#growth === undefined || !this.#open || requests.length === 0) return;
    this.#growth.begin(requests);
    this.#edges?.add(this);
  }

  /** Tells the machine of requests that wait for long although the gate is open; whether to look again. */
  #tellOfWaiting(): boolean {
    if (this.#growth === undefined || !this.#open) return false;
    const type = this.#growth.look(this.#waiting, this.#leases);
    if (type !== undefined) this.#announce({ type });
    return this.#waiting.length > 0;
  }
}

/** Whether a request that comes is to be served before one that waits. */
function isBefore({ priority, arrivedAt = 0 }: LeaseRequest, other: LeaseRequest): boolean {
  return priority > other.priority || (priority === other.priority && arrivedAt < (other.arrivedAt ?? 0));
}

/** Whether the scheduler was told otherwise than it is. */
function isUntold({ leases, toldBusy }: Residency): boolean {
  return leases.size > 0 !== (toldBusy === true);
}
