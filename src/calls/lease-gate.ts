import type { WorkerChannel } from '../channel/worker-channel.ts';
import { GreenroomError } from '../errors.ts';

/** One generation of a worker that may take calls, with the count of the calls it has. */
export interface Residency {
  readonly generation: number;
  readonly channel: WorkerChannel;
  /** How many calls the worker takes at once. */
  readonly concurrency: number;
  /** The calls at the worker now. Changed by the gate alone. */
  readonly guests: Set<Guest>;
  /** Whether it has had a call; until then what it takes up says little. Set by the gate alone. */
  served?: boolean;
}

/** Whatever wants a lease: a call, a stream, a load. Its methods must not throw. */
export interface Guest {
  /** Higher goes first. */
  readonly priority: number;
  /** When it stops waiting, in milliseconds by the monotonic clock; `undefined`: never. */
  readonly deadline: number | undefined;
  /** Whether it only waits for the plugin to be ready and takes no lease. */
  readonly visitor?: boolean;
  /** Since when nobody has read what it streams, by the monotonic clock; `undefined`: it is read, or is no stream. */
  readonly idleSince?: number | undefined;
  /** The lease is granted. The guest gives it back with `gate.leave(residency, guest)`. */
  start(residency: Residency): void;
  /** It will get no lease. */
  refuse(error: GreenroomError): void;
  /** Asks the worker, which goes on for a while, to give it up. Its lease is lost right after. */
  giveUp?(): void;
  /** The worker is gone and the lease with it; the guest must not call `leave`. */
  lose(error: GreenroomError): void;
}

/** What the gate tells its plugin's machine: edges, never single calls. */
export type GateEvent =
  /** Somebody waits at a closed gate, or the most urgent or most patient of those who wait has changed. */
  | { readonly type: 'CALL' }
  /** The last of those who waited at a closed gate has left. */
  | { readonly type: 'CALLERS.GONE' }
  /** The first lease is out. */
  | { readonly type: 'LEASED' }
  /** The last lease is back. */
  | { readonly type: 'IDLE' }
  /** A generation that takes no calls any more has returned its last lease. */
  | { readonly type: 'DRAINED'; readonly generation: number }
  /** A cancelled call was not given up by the worker in time. */
  | { readonly type: 'STUCK'; readonly generation: number }
  /** The worker lives, and no connection to it can be made. */
  | { readonly type: 'UNREACHABLE'; readonly generation: number; readonly error: GreenroomError }
  /** A call failed for want of memory, and comes again when the plugin has been given more room. */
  | { readonly type: 'STARVED'; readonly generation: number };

/** The longest queue of a plugin that sets no `max_waiting`. */
export const DEFAULT_MAX_WAITING = 1_000;

/**
 * The gate in front of one plugin's worker, and the only owner of the fact whether the worker may be taken away: a
 * count of leases and an open or closed door, both changed synchronously, here. Guests who find it closed or the
 * worker full wait in order of priority, then arrival.
 */
export class LeaseGate {
  readonly #plugin: string;
  readonly #announce: (event: GateEvent) => void;
  readonly #waiting: Guest[] = [];
  #maxWaiting: number;
  #maxConcurrency: number | undefined;
  #residency: Residency | undefined;
  #open = false;
  #refusal: GreenroomError | undefined;
  #leases = 0;
  /** Cancelled guests whom the worker has not given up within their grace. */
  readonly #stuck = new Set<Guest>();
  /** What the machine was told last, so that a caller in a loop causes no transitions. */
  #announcedBusy = false;
  #idlePending = false;

  constructor(plugin: string, announce: (event: GateEvent) => void) {
    this.#plugin = plugin;
    this.#announce = announce;
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

  /** Guests who wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The priority of the most urgent guest who waits, 0 if nobody does. */
  get priority(): number {
    return this.#waiting[0]?.priority ?? 0;
  }

  /** The latest deadline of those who wait; `undefined` when one of them has none, or nobody waits. */
  get deadline(): number | undefined {
    let latest: number | undefined;
    for (const guest of this.#waiting) {
      if (guest.deadline === undefined) return undefined;
      if (latest === undefined || guest.deadline > latest) latest = guest.deadline;
    }
    return latest;
  }

  /** The generation that takes calls now, if any. */
  get residency(): Residency | undefined {
    return this.#residency;
  }

  /** Takes a lease for the guest, now or when its turn comes; refuses it if it can never come. */
  enter(guest: Guest): void {
    if (this.#refusal !== undefined) {
      guest.refuse(this.#refusal);
      return;
    }
    const residency = this.#residency;
    if (this.#open && residency !== undefined) {
      if (guest.visitor === true) {
        guest.start(residency);
        return;
      }
      if (this.#waiting.length === 0 && residency.guests.size < this.#roomOf(residency)) {
        this.#lease(residency, guest);
        return;
      }
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      guest.refuse(
        new GreenroomError(
          'E_QUEUE_FULL',
          `The queue of "${this.#plugin}" is full: ${this.#waiting.length} calls are waiting. Try again later, or raise max_waiting in its manifest.`,
          { plugin: this.#plugin, details: { waiting: this.#waiting.length, retryable: true } },
        ),
      );
      return;
    }
    this.#enqueue(guest);
  }

  /** Takes a waiting guest out of the queue; false when it does not wait. */
  withdraw(guest: Guest): boolean {
    const index = this.#waiting.indexOf(guest);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    // Those who stay may be less urgent, or have less time.
    if (!this.#open) this.#announce({ type: this.#waiting.length === 0 ? 'CALLERS.GONE' : 'CALL' });
    return true;
  }

  /** Returns a lease. The worker is done with the call. */
  leave(residency: Residency, guest: Guest): void {
    if (!residency.guests.delete(guest)) return;
    this.#leases -= 1;
    if (this.#stuck.size > 0) {
      this.#stuck.delete(guest);
      this.#announceStuck(residency);
    }
    if (residency !== this.#residency && residency.guests.size === 0) {
      this.#announce({ type: 'DRAINED', generation: residency.generation });
    }
    this.#admit();
    if (this.#leases === 0) this.#announceIdle();
  }

  /** Lets guests in to this generation, those who wait first, within the same step. */
  open(residency: Residency): void {
    this.#residency = residency;
    this.#open = true;
    // They take no place, so none of them waits until the calls ahead of it have one.
    const visitors = this.#waiting.filter((guest) => guest.visitor === true);
    for (const visitor of visitors) {
      this.#waiting.splice(this.#waiting.indexOf(visitor), 1);
      visitor.start(residency);
    }
    this.#admit();
  }

  /** Lets nobody in any more; leases that are out stay out, newcomers wait. */
  close(): void {
    this.#open = false;
    if (this.#leases === 0 && this.#idlePending) this.#announceIdle();
  }

  /** Refuses those who wait, with this error. */
  refuseWaiting(error: GreenroomError): void {
    for (const guest of this.#waiting.splice(0)) guest.refuse(error);
  }

  /** Refuses those who wait and, until it is called without an error, everybody who comes. */
  refuse(error: GreenroomError | undefined): void {
    this.#refusal = error;
    if (error !== undefined) this.refuseWaiting(error);
  }

  /** The worker of this generation is gone: ends its leases with the error. */
  lose(generation: number, residency: Residency | undefined, error: GreenroomError): void {
    if (this.#residency?.generation === generation) {
      this.#residency = undefined;
      this.close();
    }
    if (residency === undefined) return;
    const guests = [...residency.guests];
    residency.guests.clear();
    this.#leases -= guests.length;
    for (const guest of guests) {
      this.#stuck.delete(guest);
      guest.lose(error);
    }
    if (guests.length > 0 && this.#leases === 0) this.#announceIdle();
  }

  /** The time of this generation is over: cancels what is still at it and ends its leases with the error. */
  end(generation: number, residency: Residency | undefined, error: GreenroomError): void {
    for (const guest of residency?.guests ?? []) guest.giveUp?.();
    this.lose(generation, residency, error);
  }

  /** A guest could not be served for want of memory: it waits for the plugin to come back with more of it. */
  starve(residency: Residency, guest: Guest): void {
    this.#announce({ type: 'STARVED', generation: residency.generation });
    this.enter(guest);
    this.leave(residency, guest);
  }

  /** A cancelled guest has outstayed its grace: told to the machine once no other lease of the worker is out. */
  reportStuck(residency: Residency, guest: Guest): void {
    if (!residency.guests.has(guest)) return;
    this.#stuck.add(guest);
    this.#announceStuck(residency);
  }

  /** A guest cannot be served because the worker, which lives, cannot be reached: it is as good as dead. */
  reportUnreachable(residency: Residency, guest: Guest, error: GreenroomError): void {
    if (!residency.guests.has(guest)) return;
    this.#announce({ type: 'UNREACHABLE', generation: residency.generation, error });
  }

  #announceStuck(residency: Residency): void {
    if (residency.guests.size === 0) return;
    for (const guest of residency.guests) if (!this.#stuck.has(guest)) return;
    this.#announce({ type: 'STUCK', generation: residency.generation });
  }

  #roomOf(residency: Residency): number {
    return Math.min(residency.concurrency, this.#maxConcurrency ?? residency.concurrency);
  }

  #lease(residency: Residency, guest: Guest): void {
    residency.guests.add(guest);
    residency.served = true;
    this.#leases += 1;
    if (!this.#announcedBusy) {
      this.#announcedBusy = true;
      this.#announce({ type: 'LEASED' });
    }
    guest.start(residency);
  }

  #enqueue(guest: Guest): void {
    const before = this.#waiting.length;
    const { deadline } = this;
    let index = before;
    while (index > 0 && (this.#waiting[index - 1] as Guest).priority < guest.priority) index -= 1;
    this.#waiting.splice(index, 0, guest);
    if (!this.#open && (before === 0 || index === 0 || this.deadline !== deadline)) this.#announce({ type: 'CALL' });
  }

  #admit(): void {
    for (;;) {
      const residency = this.#residency;
      const next = this.#waiting[0];
      if (!this.#open || residency === undefined || next === undefined) return;
      if (residency.guests.size >= this.#roomOf(residency)) return;
      this.#waiting.shift();
      this.#lease(residency, next);
    }
  }

  /**
   * An open gate tells of the last lease's return at the end of the event-loop turn, and not at all if the next call
   * has come by then. A closed one, for which a drain waits, tells at once.
   */
  #announceIdle(): void {
    if (!this.#open) {
      this.#idlePending = false;
      this.#announcedBusy = false;
      this.#announce({ type: 'IDLE' });
      return;
    }
    if (this.#idlePending) return;
    this.#idlePending = true;
    setImmediate(this.#announceIdleNow);
  }

  readonly #announceIdleNow = (): void => {
    if (!this.#idlePending) return;
    this.#idlePending = false;
    if (this.#leases > 0) return;
    this.#announcedBusy = false;
    this.#announce({ type: 'IDLE' });
  };
}
