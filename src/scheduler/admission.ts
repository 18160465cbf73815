import type { AnyActorRef } from 'xstate';
import { askPolicy } from './ask.ts';
import { decisionOf, refusalOf } from './decision.ts';
import { Evictions } from './evictions.ts';
import { type GpuAmounts, placedLike } from './gpus/gpu-amounts.ts';
import { Heap } from './heap.ts';
import { Ledger, type Measurement, type Reservation } from './ledger.ts';
import { lru } from './policies/lru.ts';
import { fits, type Need, NOTHING, plus, type Resources } from './need.ts';
import { type Effect, Outbox } from './outbox.ts';
import type { Asking, Policy, Verdict, Victim } from './policies/policy.ts';
import type { EvictionOutcome, SchedulerEvent } from './scheduler-events.ts';
import { before, type Request, WaitingQueue } from './waiting-queue.ts';

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
/** How old a measurement may be for a decision to rest on it, and the hint given with a full queue, in milliseconds. */
const FRESH_MS = 1_000;
/** How often the monitor is asked while somebody waits, in milliseconds. */
const TICK_MS = 5_000;
/** How often it is asked while memory that was given up is not measured as free, in milliseconds. */
const CONFIRM_TICK_MS = 200;
/** What is given for an answer: nothing, somebody else's residency, time, or all hope. */
const COSTS: Readonly<Record<Verdict['outcome'], number>> = { grant: 0, evict: 1, wait: 2, refuse: 3 };
/** How long a victim may take to answer before room is looked for elsewhere, in milliseconds. */
export const VICTIM_LATE_MS = 30_000;

/**
 * The facts of the scheduler and what follows from them: ledger, queue, evictions in flight, and who is to be decided
 * about next. It takes events in and puts effects out; it has no clock, does no I/O and throws nothing.
 */
export class Admission {
  readonly ledger: Ledger;
  readonly queue = new WaitingQueue();
  readonly evictions = new Evictions();
  readonly #settings: AdmissionSettings;
  readonly #outbox = new Outbox();
  #turns = 0;
  /** Requests to decide about whatever else happens. */
  readonly #agenda = new Set<Request>();
  /** Whether those that wait are to be decided about too, because room may have come free. */
  #lookAgain = false;
  /** For whom the policy wants room kept that has not come free yet. */
  #keeper: string | undefined;
  /** Those whose victims have gone and whose room is still to be measured as free. */
  readonly #confirming = new Set<string>();
  /** When the monitor was last heard or given up on, or has to be asked because memory was freed since. */
  #heardAt = -Infinity;
  /** When the monitor is to be asked again for memory that is not seen free. */
  #seekAt = Infinity;

  constructor(settings: AdmissionSettings) {
    this.#settings = settings;
    this.ledger = new Ledger(settings.capacity, settings.policy.order ?? lru, settings.hostDevices);
    const { vramMb, ramMb, slots } = this.ledger.capacity;
    const limited = [vramMb, ramMb, slots].some((amount) => amount !== Infinity);
    if (!limited && !this.#measures) this.#outbox.fact({ kind: 'nothing-enforced', policy: settings.policy.name });
  }

  /** What is to be sent and emitted since the last call. */
  takeEffects(): readonly Effect[] {
    return this.#outbox.take();
  }

  /** Whether there is something to decide that awaits fresh figures. */
  get pending(): boolean {
    return this.#agenda.size > 0 || (this.#lookAgain && this.queue.length > 0);
  }

  /** Milliseconds until a deadline passes, a request or a resident has waited, or the monitor is to be asked. */
  nextLookIn(now: number): number {
    const tick = this.#measures ? Math.min(now + TICK_MS, this.#seekAt) : Infinity;
    const mature = this.queue.length > 0 ? this.ledger.nextMature : undefined;
    const at = Math.min(this.queue.nextAt, mature ?? Infinity, tick);
    return Math.max(1, at - now);
  }

  /** Has those that wait decided about again. */
  lookAgain(now: number): void {
    this.#lookAgain = true;
    if (now < this.#seekAt) return;
    this.#seekAt = Infinity;
    this.#heardAt = -Infinity;
  }

  /** Asks the monitor. */
  askMonitor(): void {
    const { monitor } = this.#settings;
    if (monitor !== undefined) this.#outbox.send(monitor, { type: 'MEASURE' });
  }

  /** The monitor is late: decisions go on with the last figures. */
  giveUpOnMonitor(now: number): void {
    this.#heardAt = now;
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
    if (this.ledger.advance(now)) this.#lookAgain = true;
    for (let late = this.queue.expired(now); late !== undefined; late = this.queue.expired(now)) {
      this.#refuse(late, 'deadline', this.#freeFor(late), now);
    }
    for (let due = this.queue.due(now); due !== undefined; due = this.queue.due(now)) {
      this.#giveUpOnVictims(due);
      this.#agenda.add(due);
    }
    // Dropping an eviction frees what was kept back for it, so a round may call for another.
    while (this.pending && !(this.#measures && now - this.#heardAt > FRESH_MS)) this.#round(now);
  }

  get #measures(): boolean {
    return this.#settings.policy.measures && this.#settings.monitor !== undefined;
  }

  /**
   * Decides once about each request on the agenda and, if room may have come free, about those that wait and may fit.
   * The one for whom room is kept comes first, or those before it in the queue would take what is kept for it.
   */
  #round(now: number): void {
    const looks = this.#lookAgain;
    this.#lookAgain = false;
    const kept = looks ? this.queue.firstKept : undefined;
    if (kept !== undefined) {
      this.#agenda.delete(kept);
      this.#decide(kept, now);
    }
    // What is held for them is out of reach for those who wait, so they are not found among these.
    if (looks) for (const plugin of this.#confirming) this.#consider(plugin);
    if (looks && this.#keeper !== undefined && this.#keeper !== kept?.plugin) this.#consider(this.#keeper);
    const asked = new Heap<Request>(before);
    for (const request of this.#agenda) asked.push(request);
    this.#agenda.clear();
    let last: Request | undefined;
    for (;;) {
      const first = asked.peek();
      const waiting = looks ? this.queue.firstFitting(this.#reach, last) : undefined;
      if (waiting !== undefined && (first === undefined || !before(first, waiting))) {
        last = waiting;
        asked.delete(waiting);
        if (waiting !== kept) this.#decide(waiting, now);
      } else if (first !== undefined) {
        asked.pop();
        this.#decide(first, now);
      } else {
        return;
      }
    }
  }

  /** What somebody who waits could have at the most without anybody's yielding. */
  get #reach(): Resources {
    return plus(this.ledger.available(this.evictions.held()), this.ledger.evictable);
  }

  #acquire(event: Extract<SchedulerEvent, { type: 'ACQUIRE' }>, now: number): void {
    const { plugin, generation, ref, need, priority, at } = event;
    this.#withdraw(plugin);
    const own = this.ledger.get(plugin, generation);
    if (own !== undefined && own.standing !== 'warm') {
      this.#outbox.send(ref, { type: 'GRANTED', generation, at: now, gpus: own.gpus });
      return;
    }
    if (own !== undefined) this.ledger.claim(own, true);
    const deadline = event.deadline ?? at + DEFAULT_WAIT_MS;
    this.#turns += 1;
    const asking = { plugin, generation, need, priority, at, deadline, extra: false };
    const holds = own?.need ?? NOTHING;
    const request = {
      ...asking,
      ref,
      turn: this.#turns,
      holds,
      told: undefined,
      again: Infinity,
      confirmBy: undefined,
    };
    this.queue.add(request);
    // The monitor must not wait for figures that it is to tell.
    if (need.exempt === true) this.#decide(request, now);
    else this.#agenda.add(request);
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
    this.#letGo(request.plugin);
    const own = this.ledger.get(request.plugin, request.generation);
    if (own?.claimed === true) {
      this.ledger.claim(own, false);
      this.#lookAgain = true;
    }
  }

  #letGo(plugin: string): void {
    if (this.#keeper === plugin) this.#keeper = undefined;
    this.#confirming.delete(plugin);
    if (!this.evictions.has(plugin)) return;
    this.evictions.delete(plugin);
    this.#lookAgain = true;
  }

  #reserveExtra(event: Extract<SchedulerEvent, { type: 'RESERVE_EXTRA' }>, now: number): void {
    const { plugin, generation, ref } = event;
    const need = this.ledger.gpus.demandOf(event.need);
    const asking = { plugin, generation, need, priority: 0, at: now, deadline: now, extra: true };
    const free = this.ledger.available(this.evictions.held());
    const verdict = this.#ask(asking, free, now);
    if (verdict.outcome !== 'grant') {
      const reason = verdict.outcome === 'refuse' ? verdict.reason : 'no-room-for-replacement';
      this.#report(asking, { outcome: 'refuse', reason }, free, now);
      const error = refusalOf(asking, reason, undefined, { ...this.#settings, ledger: this.ledger, free });
      this.#outbox.send(ref, { type: 'REFUSED', generation, error });
      return;
    }
    this.#grant({ ...asking, ref }, verdict, free, now);
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
      this.#outbox.fact({ kind: 'overcommitted', plugin, reserved: this.ledger.reserved });
    }
    this.#lookAgain = true;
  }

  #measured({ free, gpus, used, at }: Measurement, now: number): void {
    const grown = this.ledger.measure({ free, gpus, used, at });
    const { reserved, capacity } = this.ledger;
    if (!fits(reserved, capacity)) {
      for (const { plugin } of grown) this.#outbox.fact({ kind: 'overcommitted', plugin, reserved });
    }
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
        // From now on it can be asked to yield.
        if (reservation.standing === 'granted') this.#lookAgain = true;
        return this.ledger.use(reservation, now);
      case 'IDLE':
        this.ledger.idle(reservation, event.at);
        this.#lookAgain = true;
        return;
      case 'DENIED':
        if (!reservation.leaving) return;
        this.#tellVictim(reservation, 'stayed', now);
        this.#answered(reservation);
        this.ledger.stay(reservation, now);
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

  /** What became of a victim: that it was chosen says only that it was asked to leave. */
  #tellVictim(victim: Reservation, outcome: EvictionOutcome['outcome'], at: number): void {
    const { plugin, generation } = victim;
    const eviction = { plugin, generation, requester: this.evictions.requesterOf(victim), outcome, at };
    this.#outbox.emit({ type: 'eviction', eviction });
  }

  /** A victim has answered and keeps this much: its requester, if it has one, is decided about. */
  #answered(victim: Reservation, keeps?: Resources): Request | undefined {
    const plugin = this.evictions.requesterOf(victim);
    this.evictions.answered(victim, keeps);
    return plugin === undefined ? undefined : this.#consider(plugin);
  }

  #consider(plugin: string): Request | undefined {
    const request = this.queue.get(plugin);
    if (request !== undefined) this.#agenda.add(request);
    return request;
  }

  #freed(): void {
    this.#lookAgain = true;
    this.#heardAt = -Infinity;
  }

  #giveUpOnVictims({ plugin }: Request): void {
    for (const victim of this.evictions.victimsOf(plugin)) {
      this.#outbox.fact({
        kind: 'victim-late',
        plugin: victim.plugin,
        generation: victim.generation,
        requester: plugin,
      });
      this.evictions.answered(victim);
    }
  }

  #holdsOf({ plugin, generation }: Request): Resources {
    return this.ledger.get(plugin, generation)?.need ?? NOTHING;
  }

  #freeFor(request: Request): Resources {
    return plus(this.ledger.available(this.evictions.held(request.plugin)), this.#holdsOf(request));
  }

  #decide(request: Request, now: number): void {
    let free = this.#freeFor(request);
    const own = this.ledger.get(request.plugin, request.generation);
    if (own?.leaving === true) {
      // It was told to go before it asked to come back. Its answer decides what it still holds.
      return this.#wait(request, { outcome: 'wait', reason: 'leaving' }, free, now);
    }
    const need = this.ledger.gpus.demandOf(request.need, own?.gpus);
    const asking = need === request.need ? request : { ...request, need };
    let verdict = this.#ask(asking, free, now);
    const coming = this.evictions.coming(request.plugin);
    if (verdict.outcome !== 'grant' && coming !== undefined) {
      free = plus(free, coming);
      verdict = this.#ask(asking, free, now);
      if (verdict.outcome === 'grant') return this.#hold(request);
    }
    if (verdict.outcome !== 'grant' && coming === undefined) {
      verdict = this.#unconfirmed(request, need, now) ?? verdict;
      if (own?.gpus !== undefined && this.#doesBetterCold(request, verdict, free, now)) {
        return this.#startCold(request, own, free, now);
      }
    }
    switch (verdict.outcome) {
      case 'grant':
        return this.#grant(asking, verdict, free, now);
      case 'refuse':
        return this.#refuse(request, verdict.reason, free, now);
      case 'wait':
        return this.#wait(request, verdict, free, now);
      case 'evict':
        return this.#evict(request, verdict, free, now);
    }
  }

  #grant(asking: Asking & Pick<Request, 'ref'>, verdict: Verdict, free: Resources, now: number): void {
    const { plugin, generation, ref } = asking;
    const { ledger, evictions } = this;
    const own = ledger.get(plugin, generation)?.need ?? NOTHING;
    const held = evictions.held(plugin);
    const need = ledger.gpus.placed(asking.need, ledger.pinned, () => [
      free,
      // What was given up for it and is not seen free is a better place than what others have taken.
      plus(ledger.available(held, evictions.gained(plugin)), own),
      plus(ledger.unreserved(held), own),
    ]);
    this.#report(asking, verdict, free, now, need.gpus);
    const request = this.queue.get(plugin);
    if (request?.generation === generation) this.#forget(request);
    ledger.reserve(plugin, generation, ref, need, now);
    const gpus = ledger.get(plugin, generation)?.gpus;
    this.#outbox.send(ref, { type: 'GRANTED', generation, at: now, gpus });
  }

  /** Whether a warm worker that gets this verdict for its own GPUs would be better off as a new one on any. */
  #doesBetterCold(request: Request, { outcome, reason }: Verdict, free: Resources, now: number): boolean {
    if (outcome === 'grant' || reason === 'not-seen-free') return false;
    const cold = this.#ask({ ...request, need: this.ledger.gpus.demandOf(request.need) }, free, now);
    return COSTS[cold.outcome] < COSTS[outcome];
  }

  #startCold(request: Request, own: Reservation, free: Resources, now: number): void {
    const { plugin, generation } = own;
    const victims = [{ plugin, generation, ask: 'RELEASE' }] as const;
    this.#report(request, { outcome: 'evict', reason: 'other-gpu', considered: [], victims }, free, now);
    this.#forget(request);
    this.ledger.leave(own, 'RELEASE');
    this.#outbox.send(request.ref, { type: 'START_COLD', generation });
  }

  /** The verdict on a request that would fit if the measurement showed what was given up lately. */
  #unconfirmed(request: Request, need: Need, now: number): Verdict | undefined {
    const { policy } = this.#settings;
    if (!this.#measures || policy.confirm === undefined) return undefined;
    const { ledger, evictions } = this;
    const { plugin } = request;
    const fitsWith = (unseen: Resources): boolean =>
      fits(need, plus(ledger.available(evictions.held(plugin), unseen), this.#holdsOf(request)));
    const until = request.confirmBy ?? ledger.freedAt + policy.confirm.withinMs;
    if (now < until) {
      if (!fitsWith(ledger.givenUp)) return undefined;
      request.confirmBy = until;
      this.#seekAt = Math.min(this.#seekAt, now + CONFIRM_TICK_MS);
      return { outcome: 'wait', reason: 'not-seen-free', again: until };
    }
    const gained = evictions.gained(plugin);
    if (gained === undefined || !fitsWith(gained)) return undefined;
    if (policy.confirm.otherwise === 'refuse') return { outcome: 'refuse', reason: 'not-seen-free' };
    this.#outbox.fact({ kind: 'not-seen-free', policy: policy.name, plugin, waitedMs: now - ledger.freedAt });
    return { outcome: 'grant', reason: 'not-seen-free' };
  }

  #wait(request: Request, verdict: Extract<Verdict, { outcome: 'wait' }>, free: Resources, now: number): void {
    if (this.#refusedForLength(request, free, now)) return;
    const { reason, again, keep } = verdict;
    this.queue.park(request);
    this.queue.remind(request, again !== undefined && again > now ? again : Infinity);
    this.queue.keep(request, keep === true);
    this.#earmark(request, reason);
    if (request.told === reason) return;
    request.told = reason;
    this.#report(request, verdict, free, now);
  }

  #hold(request: Request): void {
    if (this.evictions.hold(request, this.ledger)) this.#lookAgain = true;
  }

  /** Keeps room back for one that waits, if it has a right to that. */
  #earmark(request: Request, reason: string): void {
    const { plugin } = request;
    const keeps = this.queue.firstKept === request;
    if (keeps && this.#keeper !== plugin) {
      if (this.#keeper !== undefined) this.#letGo(this.#keeper);
      this.#keeper = plugin;
    } else if (!keeps && this.#keeper === plugin) {
      this.#keeper = undefined;
    }
    const confirms = reason === 'not-seen-free' && this.evictions.has(plugin);
    if (!keeps && !confirms) return this.#letGo(plugin);
    if (confirms) this.#confirming.add(plugin);
    else this.#confirming.delete(plugin);
    this.#hold(request);
  }

  #evict(request: Request, verdict: Extract<Verdict, { outcome: 'evict' }>, free: Resources, now: number): void {
    if (this.#refusedForLength(request, free, now)) return;
    const told: Victim[] = [];
    const victims: Reservation[] = [];
    for (const victim of verdict.victims) {
      const reservation = this.ledger.get(victim.plugin, victim.generation);
      if (reservation === undefined || !this.ledger.mayBeTold(reservation, victim.ask)) {
        const { plugin, generation } = victim;
        this.#outbox.fact({ kind: 'victim-spared', policy: this.#settings.policy.name, plugin, generation });
        continue;
      }
      this.ledger.leave(reservation, victim.ask);
      const { generation } = reservation;
      this.#outbox.send(
        reservation.ref,
        victim.ask === 'YIELD'
          ? { type: victim.ask, generation, deadline: victim.deadline }
          : { type: victim.ask, generation },
      );
      told.push(victim);
      victims.push(reservation);
    }
    if (victims.length === 0) return this.#wait(request, { outcome: 'wait', reason: 'nobody-to-evict' }, free, now);
    if (this.#keeper === request.plugin) this.#keeper = undefined;
    this.#confirming.delete(request.plugin);
    request.told = undefined;
    request.confirmBy = undefined;
    this.queue.unpark(request);
    this.queue.remind(request, now + VICTIM_LATE_MS);
    this.evictions.add(request, victims);
    this.#hold(request);
    const place = this.evictions.placeOf(request.plugin);
    this.#report(request, { ...verdict, victims: told }, free, now, place);
  }

  /** Refuses a request that would wait beyond the bound of the queue; what waits already may go on. */
  #refusedForLength(request: Request, free: Resources, now: number): boolean {
    if (this.queue.waits(request) || this.evictions.has(request.plugin)) return false;
    if (this.queue.length + this.evictions.size < this.#settings.maxWaiting) return false;
    this.#refuse(request, 'queue-full', free, now, FRESH_MS);
    return true;
  }

  #refuse(request: Request, reason: string, free: Resources, now: number, retryAfterMs?: number): void {
    this.#report(request, { outcome: 'refuse', reason }, free, now);
    this.#forget(request);
    const error = refusalOf(request, reason, retryAfterMs, { ...this.#settings, ledger: this.ledger, free });
    this.#outbox.send(request.ref, { type: 'REFUSED', generation: request.generation, error });
  }

  #ask(asking: Asking, free: Resources, now: number): Verdict {
    if (asking.need.exempt === true) return { outcome: 'grant', reason: 'exempt' };
    return askPolicy(this.#settings.policy, asking, { ledger: this.ledger, outbox: this.#outbox, free, now });
  }

  #report(asking: Asking, verdict: Verdict, free: Resources, now: number, place?: GpuAmounts): void {
    const decision = decisionOf(asking, verdict, { ...this.#settings, ledger: this.ledger, free, now, place });
    this.#outbox.emit({ type: 'decision', decision });
  }
}
