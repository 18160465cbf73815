import type { ActorRefFrom } from 'xstate';
import { Listeners } from '../events/listeners.ts';
import type { PluginLog } from '../logs/log-file.ts';
import type { SupervisorLog } from '../logs/supervisor-log.ts';
import { askedOf } from '../machines/plugin/context.ts';
import type { PluginContext } from '../machines/plugin.ts';
import type { SchedulerInput, schedulerMachine } from '../machines/scheduler.ts';
import { type Footprints, openFootprints } from '../measure/footprints.ts';
import type { TreeMemory } from '../measure/tree-memory.ts';
import { type Decision, decisionAt, type Holder } from '../scheduler/decision.ts';
import { holderOf } from '../scheduler/decision-of.ts';
import { decisionLine, stayedLine } from '../scheduler/decision-text.ts';
import type { Measurement } from '../scheduler/measurement.ts';
import { amounts, type Need, NOTHING, type Resources } from '../scheduler/need.ts';
import { policyNamed } from '../scheduler/policies/policies.ts';
import type { Policy } from '../scheduler/policies/policy.ts';
import type { Prospect } from '../scheduler/prospect.ts';
import type { Reservation } from '../scheduler/reservation.ts';
import type { EvictionOutcome, SchedulerFact } from '../scheduler/scheduler-events.ts';
import { SchedulerView } from '../scheduler/scheduler-view.ts';
import type { ResolvedSettings } from '../settings/resolve.ts';
import type { Capacity } from '../settings/values.ts';
import { type Clock, wallTime } from '../time/clock.ts';
import { explain } from './explain.ts';
import type { Explanation } from './explanation.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { SchedulingStatus } from './scheduling-status.ts';
import type { EvictionEvent } from './supervisor-events.ts';

/** By how much more is asked for after a plugin has run out of memory. */
const STARVED_FACTOR = 1.5;
/** How many ranks the record of a decision in a log holds. */
const RANKS_LOGGED = 32;

/** What the runtime lends. */
export interface SchedulingHost {
  readonly logger: SupervisorLog;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly onListenerError: (error: unknown) => void;
  /** The log of a plugin. */
  log(plugin: string): PluginLog;
  record(plugin: string): PluginRecord | undefined;
}

/** The scheduler as the runtime sees it: how it is set, what plugins need, and what was decided and why. */
export class Scheduling {
  readonly decisions: Listeners<Decision>;
  readonly evictions: Listeners<EvictionEvent>;
  readonly input: Omit<SchedulerInput, 'clock'>;
  readonly #policy: Policy;
  readonly #settings: ResolvedSettings;
  readonly #host: SchedulingHost;
  readonly #footprints: Footprints;
  /**
   * The last decision about each plugin, the one by which it is asked to leave now, and the last by which it left; by
   * the monotonic clock.
   */
  readonly #about = new Map<string, Decision>();
  readonly #asked = new Map<string, Decision>();
  readonly #against = new Map<string, Decision>();
  #view: SchedulerView | undefined;
  #granted = 0;
  #refused = 0;
  #evicted = 0;

  constructor(settings: ResolvedSettings, host: SchedulingHost) {
    const { policy, order, maxWaitMs, capacity, maxSchedulerWaiting } = settings;
    this.#settings = settings;
    this.#host = host;
    this.#policy = typeof policy === 'string' ? policyNamed(policy, { order, maxWaitMs }) : policy;
    this.input = {
      policy: this.#policy,
      capacity: given(capacity),
      hostDevices: process.env['CUDA_VISIBLE_DEVICES'],
      maxWaiting: maxSchedulerWaiting,
    };
    this.decisions = new Listeners(host.onListenerError);
    this.evictions = new Listeners(host.onListenerError);
    this.#footprints = openFootprints(settings.dataDir, (error) =>
      host.logger.warn(
        { err: error },
        'The measured memory use of plugins cannot be saved; it is measured again after the next start.',
      ),
    );
  }

  /** Listens to the scheduler. */
  attach(scheduler: ActorRefFrom<typeof schedulerMachine>): void {
    this.#view = new SchedulerView(scheduler.getSnapshot().context.admission);
    scheduler.on('decision', ({ decision }) => this.#note(decision));
    scheduler.on('eviction', ({ eviction }) => this.#noteEviction(eviction));
    scheduler.on('fact', ({ fact }) => this.#tell(fact));
  }

  /**
   * What a plugin takes up: the figures of its manifest; for system memory what was measured, where the manifest has a
   * figure. What was measured alone never makes it too big for the capacity. One that ran out of memory needs more.
   */
  need({ entry, config, settings, starved }: PluginContext): Need {
    const { need } = settings;
    const { ramMb = Infinity } = this.#settings.capacity;
    const learned = need.ramMb > 0 ? this.#footprints.get(entry, config) : undefined;
    const ram = learned === undefined ? need.ramMb : Math.min(learned, Math.max(need.ramMb, ramMb));
    if (!starved) return { ...need, ramMb: ram };
    const more = (amount: number, most: number): number =>
      Math.max(amount, Math.min(Math.ceil(amount * STARVED_FACTOR), most));
    const most = this.#view?.mostVramMb(need) ?? Infinity;
    const vramMb = Math.min(most, this.#settings.capacity.vramMb ?? Infinity);
    return { ...need, vramMb: more(need.vramMb, vramMb), ramMb: more(Math.max(ram, need.ramMb), ramMb) };
  }

  /** A worker that has served calls is about to give up its memory, and took up this much. */
  learn({ entry, config }: PluginContext, { peakMb }: TreeMemory): void {
    this.#footprints.note(entry, config, peakMb);
  }

  /** What a worker keeps that has released its resources: its slot, and the memory that it still takes. */
  keptBy({ settings: { need } }: PluginContext, memory: TreeMemory | undefined, vramMb: number): Resources {
    const ramMb = Math.min(need.ramMb, memory?.rssMb ?? need.ramMb);
    return { vramMb: Math.min(need.vramMb, vramMb), ramMb, slots: need.slots };
  }

  /** Whether a request may yet have what plugins give up: it has no answer. */
  get isWaitedFor(): boolean {
    return this.#view?.isAsked === true;
  }

  /** Forgets what was decided about a plugin that is gone. */
  forget(plugin: string): void {
    this.#about.delete(plugin);
    this.#asked.delete(plugin);
    this.#against.delete(plugin);
  }

  /** How the scheduler stands. */
  status(): SchedulingStatus {
    const { policy, order } = { policy: this.#policy, order: this.#policy.order?.name ?? this.#settings.order };
    return Object.freeze({
      policy: policy.name,
      order,
      capacity: Object.freeze(given(this.#settings.capacity)),
      reserved: Object.freeze(amounts(this.#view?.reserved ?? NOTHING)),
      holders: Object.freeze(Array.from(this.#view?.reservations() ?? [], (each) => this.#holderOf(each))),
      measured: measuredBy(this.#view?.measurement, this.#toWall),
      waiting: this.#view?.waiting ?? 0,
      evicting: this.#view?.evicting ?? 0,
      granted: this.#granted,
      refused: this.#refused,
      evicted: this.#evicted,
    });
  }

  /** Whether a plugin that has no worker would be granted memory, and at whose cost. */
  prospect({ plugin, context, actor }: PluginRecord): Prospect {
    const now = this.#host.clock.monotonic();
    const asking = {
      plugin,
      generation: askedOf(context),
      need: this.need(context),
      priority: 0,
      at: now,
      deadline: Number.POSITIVE_INFINITY,
      extra: false,
      further: false,
    };
    return this.#view?.prospectOf(asking, actor, now) ?? { outcome: 'wait' };
  }

  /** Why a plugin is where it is. */
  explain(record: PluginRecord, codeFault: string | undefined): Explanation {
    const { plugin } = record;
    return explain({
      record,
      codeFault,
      recordOf: (name) => this.#host.record(name),
      now: this.#host.clock.now(),
      toWall: this.#toWall,
      policy: this.#policy.name,
      need: this.need(record.context),
      view: this.#view,
      decision: this.#about.get(plugin),
      eviction: this.#asked.get(plugin) ?? this.#against.get(plugin),
    });
  }

  readonly #toWall = (at: number): number => wallTime(this.#host.clock, at);

  #holderOf(reservation: Reservation): Holder {
    const holder = holderOf(reservation);
    return Object.freeze({ ...holder, since: this.#toWall(holder.since) });
  }

  #note(given: Decision): void {
    const decision = Object.freeze(decisionAt(given, this.#toWall));
    const { plugin, outcome, chosen } = decision;
    this.#about.set(plugin, given);
    for (const victim of chosen) this.#asked.set(victim.plugin, given);
    if (outcome === 'grant') this.#granted += 1;
    if (outcome === 'refuse') this.#refused += 1;
    // What the policy gives to everybody is no news.
    if (decision.reason !== 'permissive') {
      const concerned = new Set([plugin, ...chosen.map((victim) => victim.plugin)]);
      for (const each of concerned) this.#log(each, decision);
    }
    if (this.decisions.any) this.decisions.notify(decision);
  }

  /** A plugin that was asked to leave has left, which counts, or has stayed, which its log says too. */
  #noteEviction(eviction: EvictionOutcome): void {
    const { plugin, requester, outcome } = eviction;
    const asked = this.#asked.get(plugin);
    this.#asked.delete(plugin);
    if (this.evictions.any) {
      // Several workers of a plugin are asked by one decision, and leave one after the other.
      const { reason } = asked ?? this.#against.get(plugin) ?? { reason: undefined };
      this.evictions.notify(Object.freeze({ ...eviction, at: this.#toWall(eviction.at), reason }));
    }
    if (outcome === 'left') {
      this.#evicted += 1;
      if (asked !== undefined) this.#against.set(plugin, asked);
      return;
    }
    for (const each of new Set([plugin, requester ?? plugin])) {
      this.#write(each, { eviction }, stayedLine(eviction));
    }
  }

  #log(plugin: string, decision: Decision): void {
    const shown = { ...decision, considered: decision.considered.slice(0, RANKS_LOGGED) };
    this.#write(plugin, { decision: shown }, decisionLine(decision));
  }

  #write(plugin: string, details: Readonly<Record<string, unknown>>, line: string): void {
    try {
      this.#host.log(plugin).event(details, line);
    } catch (error) {
      this.#host.logger.error(
        { plugin, err: error },
        'A scheduling decision cannot be written to the log of the plugin.',
      );
    }
  }

  #tell(fact: SchedulerFact): void {
    const isExpected = fact.kind === 'nothing-enforced' && fact.policy === 'permissive';
    this.#host.logger[isExpected ? 'info' : 'warn']({ ...fact }, FACTS[fact.kind]);
  }
}

const FACTS: Readonly<Record<SchedulerFact['kind'], string>> = {
  'nothing-enforced': 'Nothing limits how many plugins run: neither a capacity nor a system monitor is set.',
  'monitor-late': 'The system monitor did not answer in time; its last figures are used.',
  'not-seen-free': 'Released memory is still not measured as free; the plugin is started anyway.',
  'victim-late': 'A plugin did not leave in time after it was evicted; capacity is sought elsewhere.',
  'policy-failed': 'The policy threw an error or returned an invalid verdict; the plugin is refused.',
  'victim-spared': 'The policy chose a plugin that cannot be evicted now.',
  overcommitted: 'Loaded plugins exceed the capacity, because a manifest changed or more memory was measured.',
};

function measuredBy(
  measurement: Measurement | undefined,
  toWall: (at: number) => number,
): SchedulingStatus['measured'] {
  if (measurement === undefined) return undefined;
  return Object.freeze({ free: Object.freeze({ ...measurement.free }), at: toWall(measurement.at) });
}

/** Without what is not set. */
function given(capacity: Capacity): Partial<Resources> {
  return Object.fromEntries(Object.entries(capacity).filter(([, amount]) => amount !== undefined));
}
