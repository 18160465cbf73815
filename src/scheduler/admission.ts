import type { AnyActorRef } from 'xstate';
import { messageOf } from '../errors.ts';
import { decisionOf, refusalOf } from './decision.ts';
import { Evictions } from './evictions.ts';
import { Heap } from './heap.ts';
import { Ledger, type Measurement, type Reservation } from './ledger.ts';
import { fits, type Need, NOTHING, plus, type Resources } from './need.ts';
import type { Asking, Policy, Room, Verdict, Victim } from './policy.ts';
import type { MeasureRequest, SchedulerEmitted, SchedulerEvent, SchedulerReply } from './scheduler-events.ts';
import { before, type Request, WaitingQueue } from './waiting-queue.ts';

/** What decides about admission, and within which bounds. */
export interface AdmissionSettings {
  readonly policy: Policy;
  /** What is left out is not limited. */
  readonly capacity: Partial<Resources>;
  /** Answers MEASURE with MEASURED. Without one, nothing is measured. */
  readonly monitor: AnyActorRef | undefined;
  /** The most requests that wait at once. */
  readonly maxWaiting: number;
}

/** Something to be sent or emitted; nothing here is done by the code that decides. */
export type Effect =
  | { readonly to: AnyActorRef; readonly event: SchedulerReply | MeasureRequest }
  | { readonly to: undefined; readonly event: SchedulerEmitted };

/** How long a request waits that states no deadline, in milliseconds. */
export const DEFAULT_WAIT_MS = 300_000;
/** The most requests that wait at once, unless the settings say otherwise. */
export const DEFAULT_MAX_SCHEDULER_WAITING = 1_000;
/** How old a measurement may be for a decision to rest on it, and the hint given with a full queue, in milliseconds. */
const FRESH_MS = 1_000;
/** How often the monitor is asked while somebody waits, in milliseconds. */
const TICK_MS = 5_000;

/**
 * The facts of the scheduler and what follows from them: ledger, queue, evictions in flight, and who is to be decided
 * about next. It takes events in and puts effects out; it has no clock, does no I/O and throws nothing.
 */
export class Admission {
  readonly ledger: Ledger;
  readonly queue = new WaitingQueue();
  readonly evictions = new Evictions();
  readonly #settings: AdmissionSettings;
  #effects: Effect[] = [];
  #turns = 0;
  /** Requests to decide about whatever else happens. */
  readonly #agenda = new Set<Request>();
  /** Whether those that wait are to be decided about too, because room may have come free. */
  #lookAgain = false;
  /** The earliest time at which the policy wants to be asked again. */
  #again = Infinity;
  /** When the monitor was last heard or given up on, or has to be asked because memory was freed since. */
  #heardAt = -Infinity;

  constructor(settings: AdmissionSettings) {
    this.#settings = settings;
    this.ledger = new Ledger(settings.capacity);
    const limited = Object.values(this.ledger.capacity).some((amount) => amount !== Infinity);
    if (!limited && settings.monitor === undefined)
      this.#fact({ kind: 'nothing-enforced', policy: settings.policy.name });
  }

  /** What is to be sent and emitted since the last call. */
  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** Whether there is something to decide that awaits fresh figures. */
  get pending(): boolean {
    return this.#agenda.size > 0 || (this.#lookAgain && this.queue.length > 0);
  }

  /** Milliseconds until a deadline passes, the policy wants to be asked again, or the monitor is to be asked. */
  nextLookIn(now: number): number {
    const tick = this.#measures ? now + TICK_MS : Infinity;
    const at = Math.min(this.queue.earliestDeadline ?? Infinity, this.#again, tick);
    // Node fires a timer at once that is longer than 2^31 - 1 ms.
    return Math.min(Math.max(1, at - now), 2 ** 31 - 1);
  }

  /** Has those that wait decided about again. */
  lookAgain(): void {
    this.#lookAgain = true;
  }

  /** Asks the monitor. */
  askMonitor(): void {
    const { monitor } = this.#settings;
    if (monitor !== undefined) this.#effects.push({ to: monitor, event: { type: 'MEASURE' } });
  }

  /** The monitor is late: decisions go on with the last figures. */
  giveUpOnMonitor(now: number): void {
    this.#heardAt = now;
    const measured = this.ledger.measurement?.at;
    this.#fact({ kind: 'monitor-late', ageMs: measured === undefined ? undefined : now - measured });
  }

  /** Takes an event in. Events of generations that hold nothing change nothing. */
  apply(event: SchedulerEvent, now: number): void {
    switch (event.type) {
      case 'ACQUIRE':
        return this.#acquire(event, now);
      case 'ACQUIRE.UPDATE':
        return this.#update(event);
      case 'WITHDRAW':
        return this.#withdraw(event.plugin);
      case 'RESERVE_EXTRA':
        return this.#reserveExtra(event, now);
      case 'RECONFIGURED':
        return this.#reconfigure(event.plugin, event.need);
      case 'MEASURED':
        return this.#measured(event, now);
      case 'RETURNED':
      case 'IDLE':
      case 'BUSY':
      case 'RELEASED':
      case 'FREED':
      case 'DENIED': {
        const reservation = this.ledger.get(event.plugin, event.generation);
        if (reservation !== undefined) this.#resident(reservation, event, now);
      }
    }
  }

  /** Decides what is to be decided, or leaves it on the agenda while the figures are too old. */
  decide(now: number): void {
    for (let late = this.queue.expired(now); late !== undefined; late = this.queue.expired(now)) {
      this.#refuse(late, 'deadline', this.#freeFor(late));
    }
    // Dropping an eviction frees what was kept back for it, so a round may call for another.
    while (this.pending && !(this.#measures && now - this.#heardAt > FRESH_MS)) this.#round(now);
  }

  get #measures(): boolean {
    return this.#settings.policy.measures && this.#settings.monitor !== undefined;
  }

  /** Decides once about each request on the agenda and, if room may have come free, about those that wait. */
  #round(now: number): void {
    const next = new Heap<Request>(before);
    for (const request of this.#agenda) next.push(request);
    this.#agenda.clear();
    if (this.#lookAgain) {
      this.#lookAgain = false;
      this.#again = Infinity;
      for (const head of this.queue.heads()) if (!next.has(head)) next.push(head);
    }
    for (let request = next.pop(); request !== undefined; request = next.pop()) {
      const waited = this.queue.waits(request);
      this.#decide(request, now);
      if (!waited || this.queue.waits(request)) continue;
      const following = this.queue.firstLike(request);
      if (following !== undefined && !next.has(following)) next.push(following);
    }
  }

  #acquire(event: Extract<SchedulerEvent, { type: 'ACQUIRE' }>, now: number): void {
    const { plugin, generation, ref, need, priority, at } = event;
    this.#withdraw(plugin);
    const own = this.ledger.get(plugin, generation);
    if (own !== undefined && own.standing !== 'warm') {
      this.#effects.push({ to: ref, event: { type: 'GRANTED', generation, at: now } });
      return;
    }
    if (own !== undefined) this.ledger.claim(own, true);
    const deadline = event.deadline ?? at + DEFAULT_WAIT_MS;
    this.#turns += 1;
    const asking = { plugin, generation, need, priority, at, deadline, extra: false };
    const request = { ...asking, ref, turn: this.#turns, resumes: own !== undefined, told: undefined };
    this.queue.add(request);
    this.#agenda.add(request);
  }

  #update({ plugin, priority, deadline }: Extract<SchedulerEvent, { type: 'ACQUIRE.UPDATE' }>): void {
    const former = this.queue.get(plugin);
    if (former === undefined) return;
    this.#replace(former, { ...former, priority, deadline: deadline ?? former.at + DEFAULT_WAIT_MS });
  }

  #replace(former: Request, request: Request): void {
    this.queue.replace(former, request);
    if (this.#agenda.delete(former)) this.#agenda.add(request);
  }

  #withdraw(plugin: string): void {
    const request = this.queue.get(plugin);
    if (request !== undefined) this.#forget(request);
  }

  /** The request has its answer, or wants none: what was kept for it is free for others. */
  #forget(request: Request): void {
    this.queue.delete(request);
    this.#agenda.delete(request);
    if (this.evictions.has(request.plugin)) {
      this.evictions.delete(request.plugin);
      this.#lookAgain = true;
    }
    const own = this.ledger.get(request.plugin, request.generation);
    if (own?.claimed === true) {
      this.ledger.claim(own, false);
      this.#lookAgain = true;
    }
  }

  #reserveExtra(event: Extract<SchedulerEvent, { type: 'RESERVE_EXTRA' }>, now: number): void {
    const { plugin, generation, ref, need } = event;
    const replaced = event.replaces === undefined ? undefined : this.ledger.get(plugin, event.replaces);
    const asking = { plugin, generation, need, priority: 0, at: now, deadline: now, extra: true };
    const free = plus(this.ledger.available(this.evictions.held()), replaced?.need ?? NOTHING);
    const verdict = this.#ask(asking, free, now);
    if (verdict.outcome !== 'grant') {
      const reason = verdict.outcome === 'refuse' ? verdict.reason : 'no-room-for-replacement';
      this.#report(asking, { outcome: 'refuse', reason }, free, now);
      const error = refusalOf(this.#settings.policy, asking, reason, free, undefined);
      this.#effects.push({ to: ref, event: { type: 'REFUSED', generation, error } });
      return;
    }
    if (replaced !== undefined) this.#drop(replaced);
    this.ledger.reserve(plugin, generation, ref, need, now);
    this.#report(asking, verdict, free, now);
    this.#effects.push({ to: ref, event: { type: 'GRANTED', generation, at: now } });
  }

  #reconfigure(plugin: string, need: Need): void {
    const former = this.queue.get(plugin);
    if (former !== undefined) {
      const request = { ...former, need };
      this.#replace(former, request);
      this.#agenda.add(request);
    }
    for (const reservation of this.ledger.of(plugin)) {
      if (reservation.standing === 'warm') continue;
      const requester = this.#answered(reservation);
      this.ledger.resize(reservation, need);
      if (requester !== undefined) this.evictions.add(requester, [reservation]);
    }
    if (!fits(this.ledger.reserved, this.ledger.capacity)) {
      this.#fact({ kind: 'overcommitted', plugin, reserved: this.ledger.reserved });
    }
    this.#lookAgain = true;
  }

  #measured({ free, at }: Measurement, now: number): void {
    this.ledger.measure({ free, at });
    this.#heardAt = now;
    this.#lookAgain = true;
  }

  #resident(
    reservation: Reservation,
    event: Extract<SchedulerEvent, { type: 'RETURNED' | 'IDLE' | 'BUSY' | 'RELEASED' | 'FREED' | 'DENIED' }>,
    now: number,
  ): void {
    switch (event.type) {
      case 'BUSY':
        return this.ledger.busy(reservation, now);
      case 'IDLE':
        this.ledger.idle(reservation, event.at);
        this.#lookAgain = true;
        return;
      case 'DENIED':
        if (!reservation.leaving) return;
        this.#answered(reservation);
        // What denies has leases out, whatever it said last; it says so again when they are back.
        if (!reservation.claimed) this.ledger.busy(reservation, now);
        this.ledger.leave(reservation, false);
        return;
      case 'RELEASED':
        if (event.kept === undefined || fits(event.kept, NOTHING)) return this.#drop(reservation);
        this.#answered(reservation);
        this.ledger.warm(reservation, event.kept);
        this.#freed();
        return;
      case 'RETURNED':
      case 'FREED':
        return this.#drop(reservation);
    }
  }

  #drop(reservation: Reservation): void {
    this.#answered(reservation);
    this.ledger.free(reservation);
    this.#freed();
  }

  /** A victim has answered: its requester, if it has one, is decided about. */
  #answered(victim: Reservation): Request | undefined {
    const plugin = this.evictions.requesterOf(victim);
    this.evictions.answered(victim);
    const request = plugin === undefined ? undefined : this.queue.get(plugin);
    if (request !== undefined) this.#agenda.add(request);
    return request;
  }

  #freed(): void {
    this.#lookAgain = true;
    this.#heardAt = -Infinity;
  }

  #freeFor(request: Request): Resources {
    const own = this.ledger.get(request.plugin, request.generation)?.need ?? NOTHING;
    return plus(this.ledger.available(this.evictions.held(request.plugin)), own);
  }

  #decide(request: Request, now: number): void {
    const own = this.ledger.get(request.plugin, request.generation);
    let free = this.#freeFor(request);
    if (own?.leaving === true) {
      // It was told to go before it asked to come back. Its answer decides what it still holds.
      return this.#wait(request, { outcome: 'wait', reason: 'leaving' }, free, now);
    }
    let verdict = this.#ask(request, free, now);
    const coming = this.evictions.coming(request.plugin);
    if (verdict.outcome !== 'grant' && coming !== undefined) {
      free = plus(free, coming);
      verdict = this.#ask(request, free, now);
      if (verdict.outcome === 'grant') return this.evictions.hold(request, this.ledger);
    }
    switch (verdict.outcome) {
      case 'grant':
        this.#report(request, verdict, free, now);
        this.#forget(request);
        this.ledger.reserve(request.plugin, request.generation, request.ref, request.need, now);
        this.#effects.push({ to: request.ref, event: { type: 'GRANTED', generation: request.generation, at: now } });
        return;
      case 'refuse':
        this.#report(request, verdict, free, now);
        return this.#refuse(request, verdict.reason, free);
      case 'wait':
        return this.#wait(request, verdict, free, now);
      case 'evict':
        return this.#evict(request, verdict, free, now);
    }
  }

  #wait(request: Request, verdict: Extract<Verdict, { outcome: 'wait' }>, free: Resources, now: number): void {
    if (this.#refusedForLength(request, free, now)) return;
    if (this.evictions.has(request.plugin)) {
      this.evictions.delete(request.plugin);
      this.#lookAgain = true;
    }
    if (verdict.again !== undefined && verdict.again > now) this.#again = Math.min(this.#again, verdict.again);
    this.queue.park(request);
    if (request.told === verdict.reason) return;
    request.told = verdict.reason;
    this.#report(request, verdict, free, now);
  }

  #evict(request: Request, verdict: Extract<Verdict, { outcome: 'evict' }>, free: Resources, now: number): void {
    if (this.#refusedForLength(request, free, now)) return;
    const told: Victim[] = [];
    const victims: Reservation[] = [];
    for (const victim of verdict.victims) {
      const reservation = this.ledger.get(victim.plugin, victim.generation);
      if (reservation === undefined || !mayBeTold(reservation, victim.ask)) {
        const { plugin, generation } = victim;
        this.#fact({ kind: 'victim-spared', policy: this.#settings.policy.name, plugin, generation });
        continue;
      }
      this.ledger.leave(reservation, true);
      const { generation } = reservation;
      const event =
        victim.ask === 'YIELD'
          ? { type: victim.ask, generation, deadline: victim.deadline }
          : { type: victim.ask, generation };
      this.#effects.push({ to: reservation.ref, event });
      told.push(victim);
      victims.push(reservation);
    }
    if (victims.length === 0) return this.#wait(request, { outcome: 'wait', reason: 'nobody-to-evict' }, free, now);
    this.queue.unpark(request);
    this.evictions.add(request, victims);
    this.evictions.hold(request, this.ledger);
    this.#report(request, { ...verdict, victims: told }, free, now);
  }

  /** Refuses a request that would wait beyond the bound of the queue; what waits already may go on. */
  #refusedForLength(request: Request, free: Resources, now: number): boolean {
    if (this.queue.waits(request) || this.evictions.has(request.plugin)) return false;
    if (this.queue.length + this.evictions.size < this.#settings.maxWaiting) return false;
    this.#report(request, { outcome: 'refuse', reason: 'queue-full' }, free, now);
    this.#refuse(request, 'queue-full', free, FRESH_MS);
    return true;
  }

  #refuse(request: Request, reason: string, free: Resources, retryAfterMs?: number): void {
    this.#forget(request);
    const error = refusalOf(this.#settings.policy, request, reason, free, retryAfterMs);
    this.#effects.push({ to: request.ref, event: { type: 'REFUSED', generation: request.generation, error } });
  }

  #ask(asking: Asking, free: Resources, now: number): Verdict {
    const { policy } = this.#settings;
    const { ledger } = this;
    const room: Room = {
      capacity: ledger.capacity,
      free,
      pinned: ledger.pinned,
      evictable: ledger.evictable,
      candidates: () => ledger.candidates(),
      residents: () => ledger,
    };
    try {
      return policy.decide(asking, room, now);
    } catch (thrown) {
      this.#fact({ kind: 'policy-failed', policy: policy.name, plugin: asking.plugin, message: messageOf(thrown) });
      return { outcome: 'refuse', reason: 'policy-failed' };
    }
  }

  #report(asking: Asking, verdict: Verdict, free: Resources, now: number): void {
    const decision = decisionOf(this.#settings.policy, asking, verdict, free, now);
    this.#effects.push({ to: undefined, event: { type: 'decision', decision } });
  }

  #fact(fact: Extract<SchedulerEmitted, { type: 'fact' }>['fact']): void {
    this.#effects.push({ to: undefined, event: { type: 'fact', fact } });
  }
}

/** Whether a resident may be told this. One that is granted and not yet called stays, whatever a policy says. */
function mayBeTold({ standing, leaving, claimed, need }: Reservation, ask: Victim['ask']): boolean {
  if (leaving || claimed || need.pinned === true) return false;
  return ask === 'RELEASE' ? standing === 'idle' || standing === 'warm' : standing === 'busy';
}
