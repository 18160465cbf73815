// Longer than others because one plugin of it is one machine: what it may do next, what it is told, and what must hold then.

import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { type SchedulerInput, schedulerMachine } from '../../src/machines/scheduler.ts';
import { sumOf } from '../../src/scheduler/gpus/gpu-amounts.ts';
import { fits, type Need, NOTHING, plus, type Resources } from '../../src/scheduler/need.ts';
import type { Victim } from '../../src/scheduler/policies/policy.ts';
import type { Resident } from '../../src/scheduler/resident.ts';
import { type ResidentKey, residentKey } from '../../src/scheduler/resident-key.ts';
import type { MeasureRequest, SchedulerEvent, SchedulerReply } from '../../src/scheduler/scheduler-events.ts';
import { SimulatedClock } from '../simulation/clock.mjs';
import { need } from './need.ts';

type Held = 'granted' | 'busy' | 'idle' | 'warm' | 'going' | 'yielding';

const keyOf = (plugin: string): ResidentKey => residentKey({ plugin });

/** What a plugin may do next. `deliver` lets it read the oldest message of the scheduler. */
export const ACTIONS = [
  'acquire',
  'resume',
  'withdraw',
  'urge',
  'deliver',
  'call',
  'return',
  'freed',
  'warm',
  'crash',
  'extra',
  'deny',
  'grow',
  'promote',
] as const;

export type Action = (typeof ACTIONS)[number];

/** A plugin as the scheduler sees it, with messages that may cross. */
class FakePlugin {
  readonly inbox: SchedulerReply[] = [];
  readonly held = new Map<number, Held>();
  /** What the scheduler was told last. */
  readonly announced = new Map<number, Held>();
  /** When the scheduler granted what is held. */
  readonly grantedAt = new Map<number, number>();
  /** Generations whose processes are gone; a grant to them is void. */
  readonly gone = new Set<number>();
  generation = 0;
  asking: number | undefined;
  extra: number | undefined;
  /** Whether what it asks for is an instance beside others. */
  further = false;
  /** What the scheduler has of it, by what it sent and was sent: each generation serves, is asked to leave, or is warm. */
  readonly books = new Map<number, 'serves' | 'leaves' | 'warm'>();
  /** Whether it has had a further instance since it last held nothing. */
  pool = false;
  readonly ref: AnyActorRef;

  readonly name: string;
  need: Need;
  /** The most workers that it has at once, apart from a replacement. */
  readonly instances: number;

  constructor(
    name: string,
    amount: Need,
    instances: number,
    received: (plugin: FakePlugin, event: SchedulerReply) => void,
  ) {
    this.name = name;
    this.need = amount;
    this.instances = instances;
    const logic = fromCallback<SchedulerReply>(({ receive }) => receive((event) => received(this, event)));
    this.ref = createActor(logic).start();
  }

  find(...states: Held[]): number | undefined {
    for (const [generation, state] of this.held) if (states.includes(state)) return generation;
    return undefined;
  }

  /** How many generations would serve calls, other than this one. */
  servingBeside(except?: number): number {
    let count = 0;
    for (const [generation, state] of this.held)
      if (generation !== except && (state === 'granted' || state === 'busy' || state === 'idle')) count += 1;
    return count;
  }

  /** How many serve by what the scheduler knows. */
  get serving(): number {
    return [...this.books.values()].filter((state) => state === 'serves').length;
  }
}

/**
 * A scheduler with fake plugins around it; checks the invariants after every action. The plugins are not those of
 * `bench/simulate/`, which follow a trace: these do anything that the protocol allows, and their messages cross. In one
 * file because each action, what it leads to and the invariant that it could break are read together.
 */
export class CheckedScheduler {
  readonly clock = new SimulatedClock(0);
  readonly plugins: FakePlugin[];
  readonly actor;
  events = 0;
  asked = 0;
  ended = 0;
  /** How many warm workers were to start anew elsewhere. */
  cold = 0;
  /** How many further instances were granted, and how many were evicted for one. */
  grown = 0;
  evictedForFurther = 0;
  /** Thrown by `check`: a throw while a message is received would only end the one who receives. */
  readonly #violations: string[] = [];
  /** Victims of which it is not told yet whether they left. */
  readonly #chosen: string[] = [];
  readonly #prompt: boolean;
  readonly #enforcing: boolean;
  readonly #monitor: AnyActorRef | undefined;
  /** What the monitor shows is one look old. */
  #shown = Infinity;
  #shownOn: Record<string, number> = {};

  /**
   * @param prompt whether plugins read their messages at once
   * @param vramMb what a monitor reports the memory of, if there is to be one
   * @param instances the most workers of each plugin
   */
  constructor(
    needs: readonly Need[],
    input: Omit<SchedulerInput, 'clock' | 'monitor'>,
    prompt: boolean,
    vramMb?: number,
    instances: readonly number[] = [],
  ) {
    this.#prompt = prompt;
    this.#monitor = vramMb === undefined ? undefined : this.#watch(vramMb);
    this.#enforcing = input.policy !== undefined;
    this.plugins = needs.map(
      (amount, at) => new FakePlugin(`p${at}`, amount, instances[at] ?? 1, (p, event) => this.#receive(p, event)),
    );
    this.actor = createActor(schedulerMachine, {
      clock: this.clock,
      input: { ...input, monitor: this.#monitor, clock: this.clock },
    });
    // Chosen is not evicted: each victim of a decision has left, or is said to have stayed, once.
    this.actor.on('decision', ({ decision: { chosen, plugin: requester, further, reason } }) => {
      // Its own warm worker ends, to start anew elsewhere.
      if (further === true && reason !== 'other-gpu') this.#checkLevels(requester, chosen);
      for (const { plugin, generation } of chosen) this.#chosen.push(`${plugin}#${generation}`);
    });
    this.actor.on('eviction', ({ eviction: { plugin, generation } }) => {
      const place = this.#chosen.indexOf(`${plugin}#${generation}`);
      if (place < 0) this.#violations.push(`${plugin} left or stayed, and was not chosen`);
      else this.#chosen.splice(place, 1);
    });
    this.actor.start();
  }

  #watch(vramMb: number): AnyActorRef {
    const logic = fromCallback<MeasureRequest>(({ receive }) =>
      receive(() => {
        const { ledger } = this.#admission;
        const each = ledger.capacity.gpus;
        const free = { vramMb: Math.min(this.#shown, vramMb), gpus: each && { ...each, ...this.#shownOn } };
        for (const gpu in each)
          this.#shownOn[gpu] =
            (each[gpu] ?? 0) - [...ledger].reduce((sum, { need: held }) => sum + (held.gpus?.[gpu] ?? 0), 0);
        let taken = 0;
        for (const { held, need: amount } of this.plugins)
          for (const state of held.values()) taken += state === 'warm' ? keptOf(amount).vramMb : amount.vramMb;
        this.#shown = vramMb - taken;
        this.send({ type: 'MEASURED', free, at: this.clock.monotonic() });
      }),
    );
    return createActor(logic).start();
  }

  get #admission() {
    return this.actor.getSnapshot().context.admission;
  }

  send(event: SchedulerEvent): void {
    this.events += 1;
    this.#book(event);
    this.actor.send(event);
  }

  /** Notes what the scheduler will know by this of what a plugin holds. */
  #book(event: SchedulerEvent): void {
    if (!('generation' in event)) return;
    const plugin = this.#named(event.plugin);
    const state = plugin?.books.get(event.generation);
    if (plugin === undefined || state === undefined) return;
    if (event.type === 'RELEASED') plugin.books.set(event.generation, 'warm');
    if (event.type === 'DENIED' && state === 'leaves')
      plugin.books.set(event.generation, plugin.announced.get(event.generation) === 'warm' ? 'warm' : 'serves');
    if (event.type === 'FREED' || event.type === 'RETURNED') plugin.books.delete(event.generation);
    if (plugin.books.size === 0) plugin.pool = false;
  }

  /** Whether the plugin can do this now. */
  can(plugin: FakePlugin, action: Action): boolean {
    switch (action) {
      case 'acquire':
        return (
          plugin.asking === undefined &&
          plugin.inbox.length < 2 &&
          plugin.find('granted', 'busy', 'idle', 'yielding', 'going') === undefined
        );
      case 'resume':
        // Not while it has unread answers: a generation that asks again takes an old answer for the new one.
        return (
          plugin.asking === undefined &&
          plugin.extra === undefined &&
          plugin.inbox.length === 0 &&
          plugin.find('warm') !== undefined
        );
      case 'withdraw':
      case 'urge':
        return plugin.asking !== undefined;
      case 'deliver':
        return plugin.inbox.length > 0;
      case 'call':
        return plugin.find('granted', 'idle') !== undefined;
      case 'return':
        return plugin.find('granted', 'busy', 'yielding') !== undefined;
      case 'freed':
        return plugin.find('going') !== undefined;
      case 'warm':
        return plugin.find('going') !== undefined && plugin.need.vramMb > 0;
      case 'crash':
        return plugin.held.size > 0;
      case 'extra':
        return (
          plugin.extra === undefined &&
          plugin.asking === undefined &&
          plugin.held.size === 1 &&
          plugin.find('busy', 'idle') !== undefined
        );
      case 'deny':
        return plugin.find('yielding') !== undefined;
      case 'grow':
        return (
          plugin.asking === undefined &&
          plugin.extra === undefined &&
          plugin.inbox.length < 2 &&
          plugin.held.size < plugin.instances &&
          plugin.servingBeside() > 0
        );
      case 'promote':
        return (
          plugin.asking !== undefined && plugin.further && plugin.inbox.length === 0 && plugin.servingBeside() === 0
        );
    }
  }

  /** Does it, if it can be done. */
  do(plugin: FakePlugin, action: Action): void {
    if (!this.can(plugin, action)) return;
    this.#do(plugin, action);
    this.settle();
    this.check();
  }

  /** Lets prompt plugins read. */
  settle(): void {
    if (!this.#prompt) return;
    for (let round = 0; this.plugins.some((plugin) => plugin.inbox.length > 0); round += 1) {
      if (round > 100) throw new Error('the scheduler and its plugins do not come to rest');
      for (const plugin of this.plugins) while (plugin.inbox.length > 0) this.#deliver(plugin);
    }
  }

  #do(plugin: FakePlugin, action: Action): void {
    const { name, ref } = plugin;
    const at = this.clock.monotonic();
    switch (action) {
      case 'acquire':
        plugin.generation += 1;
        this.#acquire(plugin, plugin.generation);
        return;
      case 'grow':
        plugin.generation += 1;
        this.#acquire(plugin, plugin.generation, true);
        return;
      case 'resume': {
        const generation = plugin.find('warm') ?? 0;
        this.#acquire(plugin, generation, plugin.instances > 1 && plugin.servingBeside(generation) > 0);
        return;
      }
      case 'promote':
        // Its last instance has ended while it asked for another: what it asks for is its first one now.
        this.ended += 1;
        this.#acquire(plugin, plugin.asking ?? 0);
        return;
      case 'withdraw':
        plugin.asking = undefined;
        this.ended += 1;
        this.send({ type: 'WITHDRAW', plugin: name });
        return;
      case 'urge':
        this.send({ type: 'ACQUIRE.UPDATE', plugin: name, priority: 4, deadline: undefined });
        return;
      case 'deliver':
        this.#deliver(plugin);
        return;
      case 'call': {
        const generation = plugin.find('granted', 'idle') ?? 0;
        this.#announce(plugin, generation, 'busy');
        this.send({ type: 'BUSY', plugin: name, generation });
        return;
      }
      case 'return': {
        const generation = plugin.find('yielding', 'granted', 'busy') ?? 0;
        if (plugin.held.get(generation) === 'yielding') {
          plugin.held.set(generation, 'going');
          return;
        }
        this.#announce(plugin, generation, 'idle');
        this.send({ type: 'IDLE', plugin: name, generation, at });
        return;
      }
      case 'freed':
      case 'crash': {
        const generation = plugin.find('going') ?? [...plugin.held.keys()][0] ?? 0;
        // A warm worker that dies while it asks to come back: what comes back is another generation.
        if (plugin.asking === generation) this.#do(plugin, 'withdraw');
        this.#forget(plugin, generation);
        this.send({ type: 'FREED', plugin: name, generation });
        return;
      }
      case 'warm': {
        const generation = plugin.find('going') ?? 0;
        this.#announce(plugin, generation, 'warm');
        this.send({ type: 'RELEASED', plugin: name, generation, kept: keptOf(plugin.need) });
        return;
      }
      case 'extra':
        plugin.generation += 1;
        plugin.extra = plugin.generation;
        this.send({ type: 'RESERVE_EXTRA', plugin: name, generation: plugin.generation, ref, need: plugin.need });
        if (!plugin.inbox.some((event) => event.generation === plugin.extra)) throw new Error('not answered at once');
        return;
      case 'deny': {
        const generation = plugin.find('yielding') ?? 0;
        this.#announce(plugin, generation, 'busy');
        this.send({ type: 'DENIED', plugin: name, generation });
      }
    }
  }

  #acquire(plugin: FakePlugin, generation: number, further = false): void {
    plugin.asking = generation;
    plugin.further = further;
    this.asked += 1;
    const at = this.clock.monotonic();
    const priority = generation % 3;
    const deadline = generation % 4 === 0 ? at + 20_000 : undefined;
    const { name, ref } = plugin;
    this.send({
      type: 'ACQUIRE',
      plugin: name,
      generation,
      ref,
      need: plugin.need,
      priority,
      deadline,
      at,
      further,
    });
  }

  #announce(plugin: FakePlugin, generation: number, state: Held): void {
    plugin.held.set(generation, state);
    plugin.announced.set(generation, state);
  }

  #forget(plugin: FakePlugin, generation: number): void {
    plugin.held.delete(generation);
    plugin.gone.add(generation);
    plugin.announced.delete(generation);
  }

  #receive(plugin: FakePlugin, event: SchedulerReply): void {
    const now = this.clock.monotonic();
    if (event.type === 'GRANTED') plugin.grantedAt.set(event.generation, now);
    this.#bookReply(plugin, event);
    if (event.type === 'RELEASE' || event.type === 'YIELD') {
      if (plugin.need.pinned === true) this.#violations.push(`${event.type} to ${plugin.name}, which is pinned`);
      const over = (plugin.grantedAt.get(event.generation) ?? 0) + (plugin.need.minResidencyMs ?? 0);
      if (now < over && plugin.announced.get(event.generation) !== 'warm')
        this.#violations.push(`${event.type} to ${plugin.name} within its minimum residency`);
    }
    if (event.type === 'RELEASE') {
      const told = plugin.announced.get(event.generation);
      if (told !== 'idle' && told !== 'warm')
        this.#violations.push(`RELEASE to ${plugin.name}, which said it is ${told}`);
    }
    if (event.type === 'YIELD' && plugin.announced.get(event.generation) !== 'busy') {
      this.#violations.push(`YIELD to ${plugin.name}, which is not busy`);
    }
    plugin.inbox.push(event);
  }

  /** The same of what the scheduler says, in the order in which it decides. */
  #bookReply(plugin: FakePlugin, event: SchedulerReply): void {
    const { type, generation } = event;
    if (type === 'GRANTED') {
      plugin.books.set(generation, 'serves');
      if (plugin.asking === generation && plugin.further) {
        plugin.pool = true;
        this.grown += 1;
        this.#checkBreadth(plugin);
      }
    } else if (type !== 'REFUSED') {
      const warm = plugin.books.get(generation) === 'warm';
      plugin.books.set(generation, 'leaves');
      if (type === 'START_COLD' || event.further !== true) return;
      this.evictedForFurther += 1;
      if (warm) this.#violations.push(`warm ${plugin.name} leaves for a further instance of another`);
    }
  }

  /**
   * Whom a further instance is given to has then no more than each plugin has left that gave some up for it, other than
   * idle ones that it does not keep.
   */
  #checkLevels(requester: string, chosen: readonly Victim[]): void {
    const count = (this.#named(requester)?.serving ?? 0) + 1;
    for (const [at, { plugin: name, ask }] of chosen.entries()) {
      const plugin = this.#named(name);
      const later = chosen.slice(at + 1).filter((other) => other.plugin === name).length;
      const left = (plugin?.serving ?? 0) + later;
      const least = ask === 'YIELD' ? count : Math.min(count, plugin?.need.instances ?? 1);
      if (name === requester) this.#violations.push(`an instance of ${requester} is evicted for another of it`);
      else if (left < least) this.#violations.push(`${name} has ${left} left for instance ${count} of ${requester}`);
    }
  }

  #named(name: string): FakePlugin | undefined {
    return this.plugins.find((plugin) => plugin.name === name);
  }

  /** No plugin waits for its first instance if what is granted for a further one would do. */
  #checkBreadth(granted: FakePlugin): void {
    if (this.#monitor !== undefined) return;
    const { ledger, queue, evictions } = this.#admission;
    for (const { name } of this.plugins) {
      const request = queue.get(keyOf(name));
      if (request === undefined || request.further || !queue.waits(request)) continue;
      const own = ledger.get(keyOf(name), request.generation);
      if (own?.leaving === true) continue;
      const free = plus(plus(ledger.available(evictions.held(keyOf(name))), own?.need ?? NOTHING), granted.need);
      if (free.gpus === undefined && fits(request.need, free))
        this.#violations.push(`${granted.name} has another instance, and ${name} waits for its first`);
    }
  }

  #deliver(plugin: FakePlugin): void {
    const event = plugin.inbox.shift();
    if (event === undefined) return;
    const { generation } = event;
    const { name } = plugin;
    const state = plugin.held.get(generation);
    switch (event.type) {
      case 'GRANTED':
        if (plugin.asking === generation || plugin.extra === generation) {
          this.#answered(plugin, generation);
          this.#announce(plugin, generation, 'granted');
        } else if (state === 'warm' || state === 'going') {
          this.#announce(plugin, generation, 'warm');
          this.send({ type: 'RELEASED', plugin: name, generation, kept: keptOf(plugin.need) });
        } else if (state === undefined) {
          this.send({ type: 'RETURNED', plugin: name, generation });
        }
        return;
      case 'REFUSED':
        this.#answered(plugin, generation);
        return;
      case 'START_COLD':
        // One that does not ask any more ends too, because nothing else would tell the scheduler what became of it.
        if (plugin.asking !== generation) {
          if (state === 'warm') plugin.held.set(generation, 'going');
          return;
        }
        this.cold += 1;
        this.#answered(plugin, generation);
        plugin.held.set(generation, 'going');
        return;
      case 'RELEASE':
        // One that is to start cold goes already: its end is the answer.
        if (state === undefined || state === 'going') return;
        if (event.further === true && plugin.servingBeside(generation) === 0) {
          this.#denyAsLast(plugin, generation);
          return;
        }
        if (state === 'idle' || (state === 'warm' && plugin.asking !== generation))
          plugin.held.set(generation, 'going');
        else this.#deny(plugin, generation);
        return;
      case 'YIELD':
        if (event.further === true && state !== undefined && plugin.servingBeside(generation) === 0)
          this.#denyAsLast(plugin, generation);
        else if (state === 'busy') plugin.held.set(generation, 'yielding');
        else if (state === 'idle') plugin.held.set(generation, 'going');
        else if (state !== undefined) this.#deny(plugin, generation);
    }
  }

  #deny(plugin: FakePlugin, generation: number): void {
    this.send({ type: 'DENIED', plugin: plugin.name, generation });
  }

  /** It stays for its own plugin, idle or not. */
  #denyAsLast(plugin: FakePlugin, generation: number): void {
    this.#deny(plugin, generation);
    if (plugin.held.get(generation) !== 'idle') {
      if (plugin.held.get(generation) === 'busy') plugin.announced.set(generation, 'busy');
      return;
    }
    this.send({ type: 'IDLE', plugin: plugin.name, generation, at: this.clock.monotonic() });
    plugin.announced.set(generation, 'idle');
  }

  #answered(plugin: FakePlugin, generation: number): void {
    if (plugin.asking === generation) {
      plugin.asking = undefined;
      this.ended += 1;
    }
    if (plugin.extra === generation) plugin.extra = undefined;
  }

  /** Brings everything to an end: calls return, victims go, deadlines pass. */
  finish(): void {
    for (let round = 0; round < 40; round += 1) {
      for (const plugin of this.plugins) {
        while (this.can(plugin, 'deliver')) this.do(plugin, 'deliver');
        this.do(plugin, 'return');
        while (this.can(plugin, 'freed')) this.do(plugin, 'freed');
      }
      this.clock.hold(20_000);
      this.check();
    }
    for (const victim of this.#chosen) this.#violations.push(`it was never told what became of ${victim}`);
    this.check();
  }

  /** What reached the plugins and what the scheduler holds, as far as it matters for what can come next. */
  summary(): string {
    const { ledger, queue, evictions } = this.#admission;
    const lru = [...ledger.candidates()].map(({ plugin, generation }) => [plugin, this.#relative(plugin, generation)]);
    const longest = [...ledger.busy()].map(({ plugin, generation }) => [plugin, this.#relative(plugin, generation)]);
    const plugins = this.plugins.map((plugin) => [
      [...plugin.held].map(([generation, state]) => [this.#relative(plugin.name, generation), state]),
      [...plugin.announced.values()],
      plugin.asking === undefined ? undefined : this.#relative(plugin.name, plugin.asking),
      plugin.extra === undefined ? undefined : this.#relative(plugin.name, plugin.extra),
      plugin.inbox.map(({ type, generation }) => [type, this.#relative(plugin.name, generation)]),
      ledger
        .of(keyOf(plugin.name))
        .map((r) => [r.standing, r.leaving, r.claimed, r.need.vramMb, evictions.requesterOf(r)?.plugin]),
      queue.get(keyOf(plugin.name))?.priority,
      plugin.instances > 1 && [plugin.further, plugin.pool],
    ]);
    const arrivals = this.plugins
      .map((plugin) => queue.get(keyOf(plugin.name)))
      .filter((request) => request !== undefined)
      .toSorted((a, b) => a.arrival - b.arrival)
      .map((request) => [request.plugin, queue.waits(request)]);
    return JSON.stringify([
      this.actor.getSnapshot().value,
      lru,
      plugins,
      arrivals,
      evictions.held(undefined, true),
      this.plugins.some(({ instances }) => instances > 1) && longest,
    ]);
  }

  /** Which of its generations it is, by age; of a plugin with one instance, how much older than the newest. */
  #relative(name: string, generation: number): number {
    const plugin = this.#named(name);
    if (plugin === undefined || plugin.instances === 1) return (plugin?.generation ?? 0) - generation;
    const known = new Set([...plugin.held.keys(), ...plugin.inbox.map((event) => event.generation)]);
    if (plugin.asking !== undefined) known.add(plugin.asking);
    return [...known].filter((other) => other < generation).length;
  }

  /** Throws if an invariant does not hold. */
  check(): void {
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '));
    const snapshot = this.actor.getSnapshot();
    if (snapshot.status !== 'active') throw new Error(`the scheduler is ${snapshot.status}: ${String(snapshot.error)}`);
    const { ledger, queue, evictions } = this.#admission;
    const now = this.clock.monotonic();
    const expected: string[] = [];
    for (const plugin of this.plugins) {
      const { name, inbox, held, gone } = plugin;
      for (const generation of held.keys()) expected.push(`${name}#${generation}`);
      for (const event of inbox) {
        const { type, generation } = event;
        if (type === 'GRANTED' && !held.has(generation) && !gone.has(generation))
          expected.push(`${name}#${generation}`);
      }
      if (plugin.asking !== undefined) {
        const answers = inbox.filter(
          ({ type, generation }) =>
            (type === 'GRANTED' || type === 'REFUSED' || type === 'START_COLD') && generation === plugin.asking,
        );
        const asks = queue.get(keyOf(name))?.generation === plugin.asking ? 1 : 0;
        if ((queue.get(keyOf(name))?.deadline ?? Infinity) <= now) throw new Error(`${name} waits beyond its deadline`);
        if (answers.length + asks !== 1)
          throw new Error(`${name} has ${answers.length} answers and asks ${asks} times`);
      } else if (queue.get(keyOf(name)) !== undefined) {
        throw new Error(`${name} wants nothing, but is still in the queue`);
      }
    }
    const actual = [...ledger].map(({ plugin, generation }) => `${plugin}#${generation}`);
    if (actual.toSorted().join() !== expected.toSorted().join()) {
      throw new Error(`the ledger holds ${actual.toSorted().join()}, the plugins ${expected.toSorted().join()}`);
    }
    const sum = [...ledger].reduce((total, { need: { vramMb } }) => total + vramMb, 0);
    if (ledger.reserved.vramMb !== sum) throw new Error(`reserved ${ledger.reserved.vramMb}, the sum is ${sum}`);
    if (this.#enforcing && !fits(ledger.reserved, ledger.capacity)) {
      throw new Error('the capacity is exceeded');
    }
    if (this.#enforcing && ledger.reserved.slots + evictions.held().slots > ledger.capacity.slots) {
      throw new Error('more is kept back than there is');
    }
    this.#checkGpus();
    this.#checkWaiting();
    const { evictable, yieldable } = ledger;
    if (
      evictions.held().slots < 0 ||
      evictions.held(undefined, true).slots < evictions.held().slots ||
      evictable.slots < 0 ||
      yieldable.slots < 0
    )
      throw new Error('a sum is negative');
    const candidates = [...ledger.candidates()];
    if (evictable.slots !== candidates.reduce((total, { need: { slots } }) => total + slots, 0))
      throw new Error('evictable is not the sum of the candidates');
    const turnOf = ({ surplus, standing }: Resident): number => (surplus ? 0 : standing === 'warm' ? 1 : 2);
    for (const list of [candidates, [...ledger.busy()]])
      if (list.some((each, at) => turnOf(each) < turnOf(list[at - 1] ?? each)))
        throw new Error('surplus ones do not go first, or warm ones not before those that reside');
    this.#checkSurplus();
    if (queue.empty && evictions.held(undefined, true).slots !== 0) throw new Error('capacity is kept back for nobody');
    const { value } = snapshot;
    if (value === 'deciding') throw new Error('deciding is seen from outside');
    if ((value === 'settled') !== (queue.empty && value !== 'measuring'))
      throw new Error(`${value} with a queue of ${queue.length}`);
    if ((value === 'evicting') !== (evictions.size > 0 && value !== 'measuring'))
      throw new Error(`${value} with ${evictions.size}`);
  }

  /** The number of instances of each plugin is known; one of several is not surplus, and what is said of all surplus ones is their sum. */
  #checkSurplus(): void {
    const { ledger } = this.#admission;
    for (const { name, pool, serving } of this.plugins) {
      const count = ledger.instancesOf(keyOf(name));
      if (count !== serving) throw new Error(`${name} is said to have ${count} instances, ${serving} serve`);
      const surplus = ledger.of(keyOf(name)).filter((each) => each.surplus);
      if (surplus.length !== (pool ? Math.max(0, serving - 1) : 0))
        throw new Error(`${surplus.length} of ${name} are surplus, ${serving} serve, pool: ${pool}`);
      if (surplus.some(({ standing, leaving }) => standing === 'warm' || leaving))
        throw new Error(`one of ${name} is surplus that does not serve`);
    }
    const sumOfSlots = (list: Iterable<Resident>): number =>
      [...list].reduce((sum, { need: { slots } }) => sum + slots, 0);
    if (ledger.evictableSurplus.slots !== sumOfSlots(ledger.surplusCandidates()))
      throw new Error('the evictable surplus is not the sum');
    if (ledger.yieldableSurplus.slots !== sumOfSlots(ledger.busySurplus()))
      throw new Error('the yieldable surplus is not the sum');
  }

  /** No plugin waits for capacity that is free, on whichever GPU. */
  #checkWaiting(): void {
    if (this.#monitor !== undefined) return;
    const { ledger, queue, evictions } = this.#admission;
    for (const { name } of this.plugins) {
      const request = queue.get(keyOf(name));
      if (request === undefined || !queue.waits(request)) continue;
      const own = ledger.get(keyOf(name), request.generation);
      if (own?.leaving === true) continue;
      const held = evictions.held(keyOf(name), request.further);
      const free = plus(ledger.available(held), own?.need ?? NOTHING);
      for (const on of [own?.gpus, undefined])
        if (fits(ledger.gpus.demandOf(request.need, on), free)) throw new Error(`${name} waits for what there is`);
    }
  }

  /** What holds of each GPU, where they are told apart. */
  #checkGpus(): void {
    const { ledger, evictions } = this.#admission;
    const { gpus } = ledger.capacity;
    if (gpus === undefined) return;
    for (const { plugin, gpus: on, need: held } of ledger) {
      if (sumOf(held.gpus ?? {}) !== held.vramMb) throw new Error(`${plugin} has no place for all that it holds`);
      const places = Object.keys(held.gpus ?? {});
      if (places.some((gpu) => on?.includes(gpu) !== true)) throw new Error(`${plugin} holds what it cannot use`);
      const { need: asked } = this.#named(plugin) ?? {};
      if (places.length > (asked?.spread ?? 1)) throw new Error(`${plugin} is spread over ${places.join()}`);
      const named = asked === undefined ? undefined : ledger.gpus.demandOf(asked).on;
      if (places.some((gpu) => named?.includes(gpu) === false)) throw new Error(`${plugin} is on ${places.join()}`);
    }
    for (const [gpu, capacity] of Object.entries(gpus)) {
      const sum = [...ledger].reduce((total, { need: held }) => total + (held.gpus?.[gpu] ?? 0), 0);
      const reserved = ledger.reserved.gpus?.[gpu] ?? 0;
      if (reserved !== sum) throw new Error(`reserved ${reserved} of ${gpu}, the sum is ${sum}`);
      const kept = evictions.held().gpus?.[gpu] ?? 0;
      if (kept < 0) throw new Error(`${kept} is kept back of ${gpu}`);
      if (this.#enforcing && reserved + kept > capacity) throw new Error(`more than there is is taken of ${gpu}`);
      if (this.#admission.queue.empty && kept !== 0) throw new Error(`${gpu} is kept back for nobody`);
      const evictable = [...ledger.candidates()].reduce((total, { need: held }) => total + (held.gpus?.[gpu] ?? 0), 0);
      if ((ledger.evictable.gpus?.[gpu] ?? 0) !== evictable) throw new Error(`evictable of ${gpu} is not the sum`);
    }
  }

  stop(): void {
    this.actor.stop();
    (this.#monitor as ReturnType<typeof createActor> | undefined)?.stop();
    for (const plugin of this.plugins) (plugin.ref as ReturnType<typeof createActor>).stop();
  }
}

/** What a plugin keeps when it goes warm: half of its memory and its slot. */
export function keptOf(amount: Need): Resources {
  return need(Math.floor(amount.vramMb / 2));
}
