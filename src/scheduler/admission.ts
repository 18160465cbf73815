import type { AnyActorRef } from 'xstate';
import { Agenda } from './agenda.ts';
import { type Books, carryOut } from './carry-out.ts';
import { type Conclusion, decide, type Known } from './decide.ts';
import { Evictions } from './evictions.ts';
import { Freshness } from './freshness.ts';
import { SPARED_AFTER_MS } from './further-victims.ts';
import { placedLike } from './gpus/gpu-amounts.ts';
import { Ledger } from './ledger.ts';
import type { Measurement } from './measurement.ts';
import { fits, NOTHING, type Resources } from './need.ts';
import { type Effect, Outbox } from './outbox.ts';
import { lru } from './policies/lru.ts';
import type { Asking, Policy } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';
import type { EvictionOutcome, SchedulerEvent } from './scheduler-events.ts';
import { newRequest, type Request, WaitingQueue } from './waiting-queue.ts';

/** What decides about admission, and within which bounds. */
export interface AdmissionSettings {
  readonly policy: Policy;
  /** What is left out is not limited. */
  readonly capacity: Partial<Resources>;
  /** The host's own `CUDA_VISIBLE_DEVICES`. */
  readonly hostDevices?: string | undefined;
  /** Answers MEASURE with MEASURED. Without one, nothing is measured. */
  readonly monitor: AnyActorRef | undefined;
  /** The most requests that wait at once. */
  readonly maxWaiting: number;
}

/** How long a request waits that states no deadline, in milliseconds. */
export const DEFAULT_WAIT_MS = 300_000;
/** The most requests that wait at once, unless the settings say otherwise. */
export const DEFAULT_MAX_SCHEDULER_WAITING = 1_000;

type EventOf<T extends SchedulerEvent['type']> = Extract<SchedulerEvent, { type: T }>;
/** An event about what a generation has reserved. */
type ResidentEvent = EventOf<'RETURNED' | 'IDLE' | 'BUSY' | 'RELEASED' | 'FREED' | 'DENIED'>;

/**
 * The scheduler without time: takes events into ledger, queue and evictions, has the requests on the agenda decided
 * about ({@link decide}) and the conclusions carried out ({@link carryOut}), and puts effects out. It has no clock, does
 * no I/O and throws nothing.
 */
export class Admission {
  readonly ledger: Ledger;
  readonly queue = new WaitingQueue();
  readonly evictions = new Evictions();
  readonly #agenda: Agenda;
  readonly #freshness = new Freshness();
  readonly #outbox = new Outbox();
  readonly #monitor: AnyActorRef | undefined;
  readonly #books: Known & Books;

  constructor({ policy, capacity, hostDevices, monitor, maxWaiting }: AdmissionSettings) {
    this.ledger = new Ledger(capacity, policy.order ?? lru, hostDevices);
    this.#agenda = new Agenda(this.ledger, this.queue, this.evictions);
    this.#monitor = monitor;
    this.#books = {
      policy,
      measures: policy.measures && monitor !== undefined,
      maxWaiting,
      ledger: this.ledger,
      queue: this.queue,
      evictions: this.evictions,
      agenda: this.#agenda,
      freshness: this.#freshness,
      outbox: this.#outbox,
      note: (fact) => this.#outbox.fact(fact),
    };
    const { vramMb, ramMb, slots } = this.ledger.capacity;
    const isLimited = [vramMb, ramMb, slots].some((amount) => amount !== Infinity);
    if (!isLimited && !this.#measures) this.#outbox.fact({ kind: 'nothing-enforced', policy: policy.name });
  }

  /** What is to be sent and emitted since the last call. */
  takeEffects(): readonly Effect[] {
    return this.#outbox.take();
  }

  /** Whether there is something to decide that awaits fresh figures. */
  get pending(): boolean {
    return !this.#agenda.isEmpty;
  }

  /** Milliseconds until a deadline passes, a request or a resident has waited, or the monitor is to be asked. */
  nextLookIn(now: number): number {
    const askAt = this.#measures ? this.#freshness.nextAskAt(now) : Infinity;
    const mature = this.queue.length > 0 ? this.ledger.nextMature : undefined;
    const spares = this.queue.further > 0 && !fits(this.ledger.evictableSurplus, NOTHING);
    const spared = spares ? now + SPARED_AFTER_MS : Infinity;
    const at = Math.min(this.queue.nextAt, mature ?? Infinity, spared, askAt);
    return Math.max(1, at - now);
  }

  /** Has waiting requests decided about again. */
  lookAgain(now: number): void {
    this.#agenda.addWaiting();
    this.#freshness.advance(now);
  }

  /** Asks the monitor. */
  askMonitor(): void {
    if (this.#monitor !== undefined) this.#outbox.send(this.#monitor, { type: 'MEASURE' });
  }

  /** The monitor is late: decisions continue with the last figures. */
  giveUpOnMonitor(now: number): void {
    this.#freshness.renew(now);
    const measured = this.ledger.measurement?.at;
    this.#outbox.fact({ kind: 'monitor-late', ageMs: measured === undefined ? undefined : now - measured });
  }

  /** Takes an event in. Events of generations that hold nothing change nothing. */
  apply(event: SchedulerEvent, now: number): void {
    switch (event.type) {
      case 'ACQUIRE':
        return this.#acquire(event, now);
      case 'ACQUIRE.UPDATE':
        return this.#update(event);
      case 'WITHDRAW':
        return this.#withdraw(residentKey(event));
      case 'RESERVE_EXTRA':
        return this.#reserveExtra(event, now);
      case 'RECONFIGURED':
        return this.#reconfigure(event);
      case 'MEASURED':
        return this.#measured(event, now);
      case 'RETURNED':
      case 'IDLE':
      case 'BUSY':
      case 'RELEASED':
      case 'FREED':
      case 'DENIED': {
        const reservation = this.ledger.get(residentKey(event), event.generation);
        if (reservation !== undefined) this.#resident(reservation, event, now);
      }
    }
  }

  /** Decides about what is on the agenda, or leaves it there while the figures are too old. */
  decide(now: number): void {
    if (this.ledger.advance(now)) this.#agenda.addWaiting();
    for (let late = this.queue.expired(now); late !== undefined; late = this.queue.expired(now)) {
      this.#decideAbout(late, now);
    }
    for (let due = this.queue.due(now); due !== undefined; due = this.queue.due(now)) {
      this.#giveUpOnVictims(due);
      this.#agenda.add(due);
    }
    // What is kept back for an eviction that is dropped is free again, so a round may call for another.
    while (this.pending && !(this.#measures && this.#freshness.isOld(now))) {
      this.#agenda.round((request) => this.#decideAbout(request, now));
    }
  }

  /** What would be decided about a request, with the figures there are; nothing is evicted for it, and nothing noted. */
  conclude(asking: Asking, ref: AnyActorRef, now: number): Conclusion {
    const { ledger, queue } = this;
    const holds = ledger.get(residentKey(asking), asking.generation)?.need ?? NOTHING;
    const request = queue.get(residentKey(asking)) ?? newRequest(asking, ref, holds, Number.POSITIVE_INFINITY);
    return decide(request, { ...this.#books, note: () => {} }, now);
  }

  get #measures(): boolean {
    return this.#books.measures;
  }

  #decideAbout(request: Request, now: number): void {
    carryOut(request, decide(request, this.#books, now), this.#books, now);
  }

  #acquire(event: EventOf<'ACQUIRE'>, now: number): void {
    const { plugin, generation, ref, need, priority, since = event.at, further = false } = event;
    const { deadline = event.at + DEFAULT_WAIT_MS } = event;
    const at = Math.min(event.at, since);
    const key = residentKey(event);
    const former = this.queue.get(key);
    if (former?.generation === generation && former.further === further)
      return this.#change(former, { need, priority, deadline });
    this.#withdraw(key);
    const own = this.ledger.get(key, generation);
    if (own !== undefined && own.standing !== 'warm') {
      this.#outbox.send(ref, { type: 'GRANTED', generation, gpus: own.gpus });
      return;
    }
    // A further instance must not keep first ones from the memory of its warm worker, unless that is to be denied already.
    if (own !== undefined && (!further || own.leaving)) this.ledger.claim(own, true);
    const asking = { plugin, generation, need, priority, at, deadline, extra: false, further };
    const request = this.queue.add(asking, ref, own?.need ?? NOTHING);
    // The monitor must not wait for figures that it is to tell.
    if (need.exempt === true) this.#decideAbout(request, now);
    else this.#agenda.add(request);
  }

  #update(event: EventOf<'ACQUIRE.UPDATE'>): void {
    const former = this.queue.get(residentKey(event));
    if (former === undefined) return;
    const { priority, since = former.at } = event;
    // Of one that took an earlier place, the default counts from when it came.
    const { deadline = Math.max(former.deadline, former.at + DEFAULT_WAIT_MS) } = event;
    this.#replace(former, { ...former, priority, deadline, at: Math.min(former.at, since) });
  }

  /** A request that is asked again keeps its place and its victims. */
  #change(former: Request, change: Pick<Request, 'need' | 'priority' | 'deadline'>): void {
    const request = { ...former, ...change };
    this.#replace(former, request);
    this.#agenda.add(request);
  }

  #replace(former: Request, request: Request): void {
    this.queue.replace(former, request);
    this.#agenda.replace(former, request);
  }

  #withdraw(key: ResidentKey): void {
    const request = this.queue.get(key);
    if (request !== undefined) this.#agenda.forget(request);
  }

  #reserveExtra({ plugin, generation, ref, need }: EventOf<'RESERVE_EXTRA'>, now: number): void {
    const asking = { plugin, generation, need, priority: 0, at: now, deadline: now, extra: true, further: false };
    this.#decideAbout(newRequest(asking, ref, NOTHING, 0), now);
  }

  #reconfigure(event: EventOf<'RECONFIGURED'>): void {
    const { plugin, need } = event;
    const key = residentKey(event);
    const former = this.queue.get(key);
    if (former !== undefined) this.#change(former, { ...former, need });
    for (const reservation of this.ledger.of(key)) {
      if (reservation.standing === 'warm') continue;
      const requester = this.#answered(reservation);
      this.ledger.resize(reservation, need);
      if (requester !== undefined) this.evictions.add(requester, [reservation]);
    }
    if (!fits(this.ledger.reserved, this.ledger.capacity)) {
      this.#outbox.fact({ kind: 'overcommitted', plugin, reserved: this.ledger.reserved });
    }
    this.#agenda.addWaiting();
  }

  #measured({ free, gpus, used, at }: Measurement, now: number): void {
    const grown = this.ledger.measure({ free, gpus, used, at });
    const { reserved, capacity } = this.ledger;
    if (!fits(reserved, capacity)) {
      for (const { plugin } of grown) this.#outbox.fact({ kind: 'overcommitted', plugin, reserved });
    }
    this.#freshness.renew(now);
    this.#agenda.addWaiting();
  }

  #resident(reservation: Reservation, event: ResidentEvent, now: number): void {
    switch (event.type) {
      case 'BUSY':
        // From now on it can be asked to yield.
        if (reservation.standing === 'granted') this.#agenda.addWaiting();
        return this.ledger.use(reservation, now);
      case 'IDLE':
        this.ledger.idle(reservation, event.at);
        this.#agenda.addWaiting();
        return;
      case 'DENIED':
        if (!reservation.leaving) return;
        this.#tellVictim(reservation, 'stayed', now);
        this.#answered(reservation);
        this.ledger.stay(reservation, now, event.last);
        return;
      case 'RELEASED': {
        if (event.kept === undefined || fits(event.kept, NOTHING)) return this.#drop(reservation, now);
        const kept = placedLike(event.kept, reservation.need.gpus);
        if (reservation.leaving) this.#tellVictim(reservation, 'left', now);
        this.#answered(reservation, kept);
        this.ledger.warm(reservation, kept, now);
        this.#freed();
        return;
      }
      case 'RETURNED':
      case 'FREED':
        return this.#drop(reservation, now);
    }
  }

  #drop(reservation: Reservation, now: number): void {
    if (reservation.leaving) this.#tellVictim(reservation, 'left', now);
    this.#answered(reservation, NOTHING);
    this.ledger.free(reservation, now);
    this.#freed();
  }

  #freed(): void {
    this.#agenda.addWaiting();
    this.#freshness.expire();
  }

  /** Tells observers what became of a victim: a decision says only that it was asked to leave. */
  #tellVictim(victim: Reservation, outcome: EvictionOutcome['outcome'], at: number): void {
    const { plugin, generation } = victim;
    const requester = this.evictions.requesterOf(victim)?.plugin;
    this.#outbox.emit({ type: 'eviction', eviction: { plugin, generation, requester, outcome, at } });
  }

  /** A victim has answered and keeps this much: its requester, if it has one, is decided about. */
  #answered(victim: Reservation, keeps?: Resources): Request | undefined {
    const requester = this.evictions.requesterOf(victim);
    this.evictions.answered(victim, keeps);
    return requester && this.#agenda.addOf(residentKey(requester));
  }

  #giveUpOnVictims(request: Request): void {
    for (const victim of this.evictions.victimsOf(residentKey(request))) {
      const { plugin, generation } = victim;
      this.#outbox.fact({ kind: 'victim-late', plugin, generation, requester: request.plugin });
      this.evictions.answered(victim);
    }
  }
}
