import type { WorkerChannel } from '../channel/worker-channel.ts';
import { GreenroomError } from '../errors.ts';
import type { EdgeSource, LeaseEdges } from './lease-edges.ts';

/** One generation of a worker that may take calls, with the count of the calls it has. */
export interface Residency {
  readonly generation: number;
  readonly channel: WorkerChannel;
  /** How many calls the worker takes at once. */
  readonly concurrency: number;
  /** The calls and tasks that hold a lease of the worker. Changed by the gate alone. */
  readonly leases: Set<LeaseRequest>;
  /** Whether it has had a call; until then what it uses says little. Set by the gate alone. */
  served?: boolean;
}

/** A call, a task or a load that wants a lease. Its methods must not throw. */
export interface LeaseRequest {
  /** Higher goes first. */
  readonly priority: number;
  /** When it stops waiting, in milliseconds by the monotonic clock; `undefined`: never. */
  readonly deadline: number | undefined;
  /** Whether it only waits for the gate to open, and takes no lease. */
  readonly withoutLease?: boolean;
  /** Since when its stream has been unread, by the monotonic clock; `undefined`: it is read, or is no stream. */
  readonly idleSince?: number | undefined;
  /** Cancels it for its caller; absent where it is no call. */
  cancel?(reason: unknown): void;
  /** The lease is granted. It is returned with `gate.leave(residency, request)`. */
  start(residency: Residency): void;
  /** It will get no lease. */
  refuse(error: GreenroomError): void;
  /** Asks the worker, which goes on for a while, to give it up. Its lease is lost right after. */
  giveUp?(): void;
  /** The worker is gone and the lease with it; `leave` must not be called. */
  lose(error: GreenroomError): void;
}

/** What the gate tells its plugin's machine: edges, never single calls. */
export type GateEvent =
  /** A request waits at a closed gate, or the most urgent or most patient of the waiting ones has changed. */
  | { readonly type: 'CALL' }
  /** The last waiting request has left a closed gate. */
  | { readonly type: 'CALLERS.GONE' }
  /** The first lease is out. */
  | { readonly type: 'LEASED' }
  /** The last lease is back; others may have come and gone since the last event. */
  | { readonly type: 'IDLE' }
  /** A generation that takes no calls any more has returned its last lease. */
  | { readonly type: 'DRAINED'; readonly generation: number }
  /** A cancelled call was not given up by the worker in time. */
  | { readonly type: 'STUCK'; readonly generation: number }
  /** The worker lives, and no connection to it can be made. */
  | { readonly type: 'UNREACHABLE'; readonly generation: number; readonly error: GreenroomError }
  /** A call failed for want of memory, and comes again when the plugin has been given more of it. */
  | { readonly type: 'STARVED'; readonly generation: number };

/** The longest queue of a plugin that sets no `max_waiting`. */
export const DEFAULT_MAX_WAITING = 1_000;

/**
 * The gate in front of one plugin's worker, and the only owner of the fact whether the worker may be taken away: a
 * count of leases and whether it is open, both changed synchronously, here. Requests that find it closed or the worker
 * full wait in order of priority, then arrival.
 */
export class LeaseGate implements EdgeSource {
  readonly #plugin: string;
  readonly #announce: (event: GateEvent) => void;
  #waiting: LeaseRequest[] = [];
  #maxWaiting: number;
  #maxConcurrency: number | undefined;
  #residency: Residency | undefined;
  #open = false;
  #refusal: GreenroomError | undefined;
  #leases = 0;
  /** Cancelled calls that the worker has not given up within their grace. */
  readonly #stuck = new Set<LeaseRequest>();
  /** Whether the machine was told last that a lease is out. */
  #toldLeased = false;
  /** Whether leases were granted since the machine was told last. */
  #used = false;
  /** The same since the last tick of the edges. */
  #usedInTick = false;
  readonly #edges: LeaseEdges | undefined;
  #usedAt: number | undefined;

  /** `edges` say when the machine is told of first and last leases; without them, at once and at the end of the turn. */
  constructor(plugin: string, announce: (event: GateEvent) => void, edges?: LeaseEdges) {
    this.#plugin = plugin;
    this.#announce = announce;
    this.#edges = edges;
    this.#maxWaiting = DEFAULT_MAX_WAITING;
  }

  /** Applies the limits of the manifest in force. */
  limit(limits: { maxWaiting: number; maxConcurrency: number | undefined }): void {
    this.#maxWaiting = limits.maxWaiting;
    this.#maxConcurrency = limits.maxConcurrency;
    this.#admit();
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

  /** The generation that takes calls now, if any. */
  get residency(): Residency | undefined {
    return this.#residency;
  }

  /** Takes a lease for the request, now or once there is capacity; refuses it if there can never be one. */
  enter(request: LeaseRequest): void {
    if (this.#refusal !== undefined) {
      request.refuse(this.#refusal);
      return;
    }
    const residency = this.#residency;
    if (this.#open && residency !== undefined) {
      if (request.withoutLease === true) {
        request.start(residency);
        return;
      }
      if (this.#waiting.length === 0 && residency.leases.size < this.#capacityOf(residency)) {
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
    if (residency !== this.#residency && residency.leases.size === 0) {
      this.#announce({ type: 'DRAINED', generation: residency.generation });
    }
    this.#admit();
    if (this.#leases === 0) this.#noteLastLease();
  }

  /** Grants leases of this generation, first to the waiting requests, within the same step. */
  open(residency: Residency): void {
    this.#residency = residency;
    this.#open = true;
    // They take no lease, so none of them waits until the calls ahead of it have one.
    for (const request of this.#waiting.filter(({ withoutLease }) => withoutLease === true)) {
      this.#waiting.splice(this.#waiting.indexOf(request), 1);
      request.start(residency);
    }
    this.#admit();
  }

  /** Grants no more leases; those that are out stay out, and new requests wait. */
  close(): void {
    this.#open = false;
    if (this.#leases === 0 && this.#used) this.tell();
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
    if (this.#residency?.generation === generation) {
      this.#residency = undefined;
      this.close();
    }
    if (residency === undefined) return;
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

  #lease(residency: Residency, request: LeaseRequest): void {
    residency.leases.add(request);
    residency.served = true;
    this.#leases += 1;
    if (this.#leases === 1) this.#usedAt = this.#edges?.now();
    this.#used = true;
    this.#usedInTick = true;
    if (!this.#toldLeased) this.#noteFirstLease();
    request.start(residency);
  }

  #enqueue(request: LeaseRequest): void {
    const before = this.#waiting.length;
    const { deadline } = this;
    let index = before;
    while (index > 0 && (this.#waiting[index - 1] as LeaseRequest).priority < request.priority) index -= 1;
    this.#waiting.splice(index, 0, request);
    if (!this.#open && (before === 0 || index === 0 || this.deadline !== deadline)) this.#announce({ type: 'CALL' });
  }

  #admit(): void {
    for (;;) {
      const residency = this.#residency;
      const next = this.#waiting[0];
      if (!this.#open || residency === undefined || next === undefined) return;
      if (residency.leases.size >= this.#capacityOf(residency)) return;
      this.#waiting.shift();
      this.#lease(residency, next);
    }
  }

  #noteFirstLease(): void {
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
    if (this.#leases > 0) {
      if (this.#toldLeased) return;
      this.#toldLeased = true;
      this.#announce({ type: 'LEASED' });
    } else if (this.#used) {
      this.#toldLeased = false;
      this.#used = false;
      this.#announce({ type: 'IDLE' });
    }
  }

  /** Tells what stands since the last tick; false once nothing is left to tell. */
  tick(): boolean {
    if (this.#leases === 0 && this.#usedInTick) {
      this.#usedInTick = false;
      return true;
    }
    this.tell();
    return false;
  }
}
