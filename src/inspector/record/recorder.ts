import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { CallEnd } from '../../calls/call-watch.ts';
import { type Clock, wallTime } from '../../time/clock.ts';
import type { GreenroomError } from '../../errors.ts';
import type { ManifestProblem } from '../../manifest/read.ts';
import { eventName } from '../../machines/event-name.ts';
import type { PluginContext } from '../../machines/plugin.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { TransitionEvent } from '../../runtime/plugin-effects.ts';
import { decisionAt } from '../../scheduler/decision.ts';
import type { SchedulerEmitted } from '../../scheduler/scheduler-events.ts';
import { actorIdOf, machineOf, pluginId, pluginNamed, pluginOf, SCHEDULER, SUPERVISOR, workerId } from './actor-ids.ts';
import { CallSampler } from './call-sampler.ts';
import { changeOf, GONE } from './context-change.ts';
import { crashOf } from './crash.ts';
import { payloadOf } from './event-payload.ts';
import { Faults } from './faults.ts';
import { isCallEdge, Journal } from './journal.ts';
import type { NewRecord } from './journal-entry.ts';
import { type Measured, watchMemoryOf } from './memory-watch.ts';
import { observe } from './observation.ts';
import { onwardClock } from './onward-clock.ts';
import { activeOf, hasProcess, Present } from './present.ts';
import type { Recorded } from './recorded.ts';
import { Redactor } from '../redaction/redaction.ts';
import { secretsOfVariables } from '../redaction/secrets.ts';
import { type Context, Views } from './views.ts';
import type { ActorId, ContextChange, DecisionRecord, TransitionRecord } from '../wire.ts';

/** How many records may await the end of a machine's step. */
const MAX_PENDING = 1_000;
/** How much is told of what a failed call says, in characters. */
const MAX_MESSAGE = 500;

/** An actor as it was last recorded. */
interface Seen {
  readonly id: ActorId;
  /** For people. */
  state: string;
  context: Context;
}

/** A plugin's actor. The runtime tells of its transitions in the middle of its steps, where they cannot be completed. */
interface SeenPlugin extends Seen {
  context: Mutable<Context>;
  record: PluginRecord;
  /** What its machine remembered then. */
  source: PluginContext | undefined;
  /** What has changed in its context and is not recorded yet. */
  change: ContextChange | undefined;
  /** Whether its context may have changed. */
  isTouched: boolean;
}

/**
 * Records what happens in a supervisor: milestones always, every event only while somebody looks. It watches and never
 * sends an actor anything; what goes wrong in it goes to `onError` and no further. Records are completed once the code
 * that runs has come to its end, because in the middle of a machine's step its context is still the one before.
 */
export class Recorder {
  readonly journal = new Journal();
  readonly #subject: Recorded;
  readonly #faults: Faults;
  readonly #redactor = new Redactor();
  readonly #views: Views;
  readonly #present: Present;
  readonly #calls = new CallSampler();
  readonly #release: (() => void)[] = [];
  #pending: NewRecord[] = [];
  /** What is too long for some of them, as JSON. */
  readonly #payloads = new WeakMap<NewRecord, string>();
  #isSettling = false;
  #isScheduled = false;
  #arePluginsStale = false;
  /** By the plugin's name. */
  readonly #plugins = new Map<string, SeenPlugin>();
  #touched: SeenPlugin[] = [];
  readonly #workers = new Map<ActorId, Seen>();
  /** How to follow a worker no more. */
  readonly #leave = new Map<ActorId, () => void>();
  #onlookers = 0;
  #unobserve: (() => void) | undefined;

  constructor(subject: Recorded) {
    this.#subject = { ...subject, clock: onwardClock(subject.clock) };
    this.#faults = new Faults(subject.onError);
    this.#views = new Views(this.#redactor, this.clock);
    this.#present = new Present(this.#subject, this.#views, this.#redactor);
    // Workers may print what they were given of these.
    this.#redactor.learn(secretsOfVariables(process.env));
    this.#faults.guard(() => this.#begin());
  }

  /** By which everything is recorded: its time of day never goes back. */
  get clock(): Clock {
    return this.#subject.clock;
  }

  /** Everything at this moment as JSON of a {@link Sync}, with what is remembered. */
  sync(control: boolean): string {
    this.settle();
    return `${this.#present.toJson(this.journal.seq, control).slice(0, -1)},"records":[${this.journal.milestones().join(',')}]}`;
  }

  /** The first line of a session, as JSON of a `SessionHeader`. */
  header(control: boolean): string {
    this.settle();
    return `{"format":"greenroom-session","version":1,${this.#present.toJson(this.journal.seq, control).slice(1)}`;
  }

  /** Somebody looks: events are recorded and memory is measured until what is returned is called. */
  look(): () => void {
    let looking = true;
    this.#onlookers += 1;
    if (this.#onlookers === 1) this.#faults.guard(() => this.#observe());
    return () => {
      if (!looking) return;
      looking = false;
      this.#onlookers -= 1;
      if (this.#onlookers === 0) this.#stopObserving();
    };
  }

  /** Records something that the recorder does not see by itself. */
  note(record: NewRecord): void {
    this.#faults.guard(() => this.#add(record));
  }

  /** A text without secrets. */
  text(text: string): string {
    return this.#redactor.text(text);
  }

  /** Completes the records that wait for it now. */
  settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      this.#settle();
    } catch (error) {
      this.#pending = [];
      for (const seen of this.#touched.splice(0)) seen.isTouched = false;
      this.#faults.report(error);
    } finally {
      this.#isSettling = false;
    }
  }

  close(): void {
    for (const release of [...this.#release.splice(0), ...this.#leave.values()]) release();
    this.#leave.clear();
    this.#stopObserving();
    this.settle();
  }

  /* ---- What is listened to, whether somebody looks or not ---- */

  #begin(): void {
    const { records, transitions, problems, calls, root } = this.#subject;
    for (const record of records.values()) this.#meet(record);
    const { scheduler } = root.getSnapshot().children as { scheduler: AnyActorRef };
    this.#release.push(
      transitions.add(this.#faults.guarded((transition) => this.#onTransition(transition))),
      problems.add(this.#faults.guarded((found) => this.#onProblems(found))),
      calls.start((plugin, call) => this.#onCall(plugin, call)),
      this.#follow(root, SUPERVISOR),
      this.#follow(scheduler, SCHEDULER),
    );
    for (const type of ['decision', 'fact'] as const) {
      const onEmitted = this.#faults.guarded((emitted: SchedulerEmitted) => this.#onEmitted(emitted));
      this.#release.push(scheduler.on(type, (emitted) => onEmitted(emitted as SchedulerEmitted)).unsubscribe);
    }
  }

  /** Follows the states of an actor of which the runtime tells nothing. */
  #follow(actor: AnyActorRef, id: ActorId): () => void {
    const seen: Seen = { id, state: stateOf(actor), context: this.#present.contextOf(id) };
    const { unsubscribe } = actor.subscribe({
      next: this.#faults.guarded(() => this.#onOwnStep(actor, seen)),
      error: () => {},
    });
    return unsubscribe;
  }

  #onOwnStep(actor: AnyActorRef, seen: Seen, event = ''): void {
    const { id, state: from } = seen;
    // Plugins come and go in steps of the supervisor.
    if (id === SUPERVISOR) {
      this.#arePluginsStale = true;
      this.#schedule();
    }
    const context = this.#renew(seen, this.#present.contextOf(id));
    const to = stateOf(actor);
    if (from !== to) {
      seen.state = to;
      this.#add({ kind: 'transition', at: this.#now(), actor: id, from, to, active: activeOf(actor), event, context });
    } else if (context !== undefined) this.#add({ kind: 'context', at: this.#now(), actor: id, context });
  }

  #onTransition({ plugin, from, to, phase, event, reason }: TransitionEvent): void {
    const at = this.#now();
    const seen = this.#plugins.get(plugin);
    const state = stateAndPhase(to, phase);
    const record: Mutable<Omit<TransitionRecord, 'seq'>> = {
      kind: 'transition',
      at,
      actor: seen?.id ?? pluginId(plugin),
      from: seen?.state ?? (from === 'discovered' ? 'discovered.idle' : from),
      to: state,
      active: [],
      event,
      reason: reason && this.#redactor.text(reason),
      context: undefined,
    };
    if (seen !== undefined) {
      seen.state = state;
      if (isCallEdge(record) && this.#pending.length === 0) {
        this.#recordCallEdge(record, seen);
        return;
      }
      this.#touch(seen);
    }
    this.#add(record);
    if (phase === 'deciding') this.#onCrash(record.actor, at, seen?.record.context);
  }

  /**
   * The most frequent transitions by far. At them a plugin's machine remembers nothing new, so that the record needs not
   * wait for the end of the step.
   */
  #recordCallEdge(record: Mutable<Omit<TransitionRecord, 'seq'>>, seen: SeenPlugin): void {
    seen.change = this.#updateCounts(seen);
    complete(record, seen);
    this.journal.add(record);
    this.journal.announce();
  }

  #updateCounts(seen: SeenPlugin): ContextChange | undefined {
    const counts = this.#present.countsOfPlugin(seen.record);
    const change = changeOf(seen.context, counts);
    for (const key in change) seen.context[key] = counts[key];
    return change;
  }

  /**
   * The error is in the context only when the step is complete, so the record is filled in then. Which worker it was, that
   * is forgotten by then: in the middle of the step the context is the one before.
   */
  #onCrash(actor: ActorId, at: number, before: PluginContext | undefined): void {
    const error = { code: '', message: '' };
    const generation = before?.current ?? before?.generation ?? 0;
    this.#add({ kind: 'crash', at, actor, error, output: '', generation, restarts: 0 });
  }

  #onProblems(problems: readonly ManifestProblem[]): void {
    for (const { file, field, reason } of problems) {
      const [message, shownFile] = [this.#redactor.text(reason), this.#redactor.text(file)];
      const shownField = field && this.#redactor.text(field);
      const at = this.#now();
      this.#add({ kind: 'problem', at, actor: SUPERVISOR, message, file: shownFile, field: shownField });
    }
  }

  #onCall(plugin: string, call: string): CallEnd | undefined {
    try {
      const began = this.clock.monotonic();
      const isTold = this.#calls.begin(began);
      if (isTold) {
        const skipped = this.#calls.takeSkipped();
        this.#add({ kind: 'call', at: this.#now(), actor: pluginId(plugin), call, edge: 'start', skipped });
      }
      return (error) => this.#onCallEnd(plugin, call, began, isTold, error);
    } catch (error) {
      this.#faults.report(error);
      return undefined;
    }
  }

  #onCallEnd(plugin: string, call: string, began: number, isTold: boolean, failure: GreenroomError | undefined): void {
    try {
      const now = this.clock.monotonic();
      const tookMs = Math.round(now - began);
      if (isTold) this.#calls.endTold();
      else if (!this.#calls.end(now, tookMs, failure !== undefined)) return;
      this.#add({
        kind: 'call',
        at: this.#now(),
        actor: pluginId(plugin),
        call,
        edge: 'end',
        outcome: failure?.code ?? 'ok',
        message: failure && this.#redactor.text(failure.message).slice(0, MAX_MESSAGE),
        tookMs,
        skipped: this.#calls.takeSkipped(),
      });
    } catch (error) {
      this.#faults.report(error);
    }
  }

  #onEmitted(emitted: SchedulerEmitted): void {
    if (emitted.type === 'decision') {
      const { plugin, ...decision } = decisionAt(emitted.decision, (at) => wallTime(this.clock, at));
      const shown = this.#redactor.json(decision) as unknown as Omit<DecisionRecord, 'seq' | 'kind' | 'actor'>;
      // The decision's own time may lie before that of what was recorded meanwhile.
      this.#add({ ...shown, kind: 'decision', at: this.#now(), actor: pluginId(plugin) });
    } else if (emitted.type === 'fact') {
      const { kind, ...facts } = emitted.fact;
      const message = this.#redactor.text(`${kind}: ${JSON.stringify(facts)}`);
      this.#add({ kind: 'problem', at: this.#now(), actor: SCHEDULER, message });
    }
  }

  /* ---- What is observed while somebody looks ---- */

  #observe(): void {
    const { root, records } = this.#subject;
    const report = (error: unknown): void => this.#faults.report(error);
    const unobserve = observe(
      root,
      {
        onEvent: (actor, source, event) => this.#onEvent(actor, source, event),
        onStep: (actor, event) => this.#onStep(actor, event),
      },
      report,
    );
    const measured = (): Measured[] =>
      [...records.values()].flatMap((record) => {
        const { pid } = record.snapshot();
        return pid === undefined ? [] : [{ plugin: record.plugin, pid }];
      });
    const unmeasure = watchMemoryOf(measured, (of, memoryMb) => this.#onMemory(of, memoryMb), report);
    this.#unobserve = () => {
      unobserve();
      unmeasure();
    };
  }

  #stopObserving(): void {
    this.#unobserve?.();
    this.#unobserve = undefined;
    this.#present.memory.clear();
  }

  #onEvent(actor: AnyActorRef, source: AnyActorRef | undefined, event: AnyEventObject): void {
    const plugin = pluginOf(actor);
    const record = plugin === undefined ? undefined : this.#subject.records.get(plugin);
    const { inline, apart } = payloadOf(event, record, { views: this.#views, redactor: this.#redactor });
    this.#add(
      {
        kind: 'event',
        at: this.#now(),
        actor: actorIdOf(actor),
        source: source && actorIdOf(source),
        event: eventName(event.type),
        payload: inline,
      },
      apart,
    );
  }

  #onStep(actor: AnyActorRef, event: AnyEventObject): void {
    const machine = machineOf(actor);
    if (machine === 'plugin') this.#touch(this.#plugins.get(actor.id));
    if (machine === 'worker') this.#onOwnStep(actor, this.#workerSeen(actorIdOf(actor)), eventName(event.type));
  }

  #onMemory({ plugin, pid }: Measured, memoryMb: number): void {
    const last = this.#present.memory.get(plugin);
    if (last?.pid === pid && last.memoryMb === memoryMb) return;
    const record = this.#subject.records.get(plugin);
    // It may have ended since the round began.
    if (record === undefined || !hasProcess(record, pid)) return;
    this.#present.memory.set(plugin, { pid, memoryMb });
    this.#touch(this.#plugins.get(plugin));
    this.#add({ kind: 'memory', at: this.#now(), actor: pluginId(plugin), memoryMb });
  }

  /* ---- The end of a step ---- */

  #add(record: NewRecord, payload?: string): void {
    this.#pending.push(record);
    if (payload !== undefined) this.#payloads.set(record, payload);
    this.#schedule();
    if (this.#pending.length >= MAX_PENDING) this.settle();
  }

  #touch(seen: SeenPlugin | undefined): void {
    if (seen === undefined || seen.isTouched) return;
    seen.isTouched = true;
    this.#touched.push(seen);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#onTick);
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false;
    this.settle();
  };

  #settle(): void {
    if (this.#arePluginsStale) this.#meetPlugins();
    this.#takeChanges();
    const pending = this.#pending;
    // The last comes first, and takes what has changed.
    for (let place = pending.length - 1; place >= 0; place -= 1) {
      const record = pending[place] as NewRecord;
      if (record.kind !== 'transition' && record.kind !== 'crash') continue;
      const seen = this.#plugins.get(pluginNamed(record.actor) ?? '');
      if (seen === undefined) continue;
      if (record.kind === 'transition') complete(record, seen);
      else Object.assign(record, crashOf(seen.record.context, this.#redactor));
    }
    const touched = this.#touched;
    this.#touched = [];
    for (const seen of touched) {
      const { id: actor, change: context } = seen;
      if (context !== undefined) this.#add({ kind: 'context', at: this.#now(), actor, context });
      seen.change = undefined;
      seen.isTouched = false;
    }
    if (pending.length === 0) return;
    this.#pending = [];
    for (const record of pending) {
      this.journal.add(record, record.kind === 'event' ? this.#payloads.get(record) : undefined);
    }
    this.journal.announce();
  }

  /** What has changed in the contexts of the plugins that were touched. */
  #takeChanges(): void {
    for (const seen of this.#touched) {
      const { record, source } = seen;
      seen.source = record.context;
      // Where the machine remembers the same, the rest is as it was.
      if (seen.source === source) seen.change = this.#updateCounts(seen);
      else seen.change = this.#renew(seen, this.#present.contextOfPlugin(record));
      if (seen.change?.['workers'] !== undefined) this.#followWorkers(record);
    }
  }

  #renew(seen: Seen, context: Context): ContextChange | undefined {
    const before = seen.context;
    seen.context = context;
    return changeOf(before, context);
  }

  /* ---- Who is there ---- */

  #workerSeen(id: ActorId): Seen {
    let seen = this.#workers.get(id);
    if (seen === undefined) {
      seen = { id, state: '', context: GONE };
      this.#workers.set(id, seen);
    }
    return seen;
  }

  /** Follows the workers of a plugin that are new. */
  #followWorkers(plugin: PluginRecord): void {
    for (const { ref, generation } of plugin.context.workers) {
      const id = workerId(plugin.plugin, generation);
      if (this.#leave.has(id)) continue;
      const actor = ref as AnyActorRef;
      const seen = this.#workerSeen(id);
      const { unsubscribe } = actor.subscribe({
        next: this.#faults.guarded(() => this.#onWorkerStep(actor, seen)),
        error: () => this.#leaveWorker(id),
        complete: () => this.#leaveWorker(id),
      });
      this.#leave.set(id, unsubscribe);
      this.#onOwnStep(actor, seen);
    }
  }

  #onWorkerStep(actor: AnyActorRef, seen: Seen): void {
    // Who observes the actor sees the same step, and by which event.
    if (this.#unobserve === undefined) this.#onOwnStep(actor, seen);
  }

  #leaveWorker(id: ActorId): void {
    this.#leave.get(id)?.();
    this.#leave.delete(id);
    this.#workers.delete(id);
  }

  #meet(record: PluginRecord): SeenPlugin {
    const seen: SeenPlugin = {
      id: pluginId(record.plugin),
      record,
      state: stateAndPhase(record.state, record.phase),
      context: this.#present.contextOfPlugin(record),
      source: record.context,
      change: undefined,
      isTouched: false,
    };
    this.#plugins.set(record.plugin, seen);
    this.#followWorkers(record);
    return seen;
  }

  #meetPlugins(): void {
    this.#arePluginsStale = false;
    const { records } = this.#subject;
    for (const record of records.values()) {
      const seen = this.#plugins.get(record.plugin);
      if (seen !== undefined) {
        // It may have gone and come back at once.
        seen.record = record;
        continue;
      }
      const { id: actor } = this.#meet(record);
      const plugin = this.#views.plugin(record, undefined);
      const snapshot = this.#present.actorOf(record.actor, record.plugin);
      // What came in this turn was there before what it has done in it.
      const at = this.#pending[0]?.at ?? this.#now();
      this.#pending.unshift({ kind: 'presence', at, actor, plugin, snapshot });
    }
    for (const [plugin, { id: actor }] of this.#plugins) {
      if (records.has(plugin)) continue;
      this.#plugins.delete(plugin);
      this.#present.memory.delete(plugin);
      this.#add({ kind: 'presence', at: this.#now(), actor });
    }
  }

  #now(): number {
    return this.clock.now();
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Fills in what is not in the middle of a step. */
function complete(record: Mutable<Omit<TransitionRecord, 'seq'>>, seen: SeenPlugin): void {
  // Its other regions change at most once in a step, and their last state is near enough.
  const { replacement, stability } = seen.context;
  record.active = [
    `alive.lifecycle.${record.to}`,
    `alive.replacement.${replacement as string}`,
    `alive.stability.${stability as string}`,
  ];
  // The last transition of a step carries what has changed.
  record.context = seen.change;
  seen.change = undefined;
}

const stateAndPhase = (state: string, phase: string): string => (state === phase ? state : `${state}.${phase}`);
const stateOf = (actor: AnyActorRef): string => {
  const { value } = actor.getSnapshot() as { value?: unknown };
  return typeof value === 'string' ? value : activeOf(actor).join(' ');
};
