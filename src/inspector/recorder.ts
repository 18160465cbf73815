import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { CallEdge } from '../calls/call-edge.ts';
import { type GreenroomError, messageOf } from '../errors.ts';
import type { PluginContext } from '../machines/plugin.ts';
import type { ManifestProblem } from '../manifest/read.ts';
import type { PluginRecord } from '../plugin-record.ts';
import type { Runtime, TransitionEvent } from '../runtime.ts';
import type { SchedulerEmitted } from '../scheduler/scheduler-events.ts';
import type { Supervisor } from '../supervisor.ts';
import { actorIdOf, machineOf, pluginId, pluginOf, SCHEDULER, SUPERVISOR, workerId } from './actor-ids.ts';
import { CallSampler } from './call-sampler.ts';
import { Journal } from './journal.ts';
import type { NewRecord } from './journal-entry.ts';
import { watchMemoryOf } from './memory-watch.ts';
import { observe } from './observation.ts';
import { activeOf, Present } from './present.ts';
import { Redactor } from './redaction.ts';
import { secretsOfVariables } from './secrets.ts';
import { Views } from './views.ts';
import type { ActorId, ContextChange, DecisionRecord, JsonObject, TransitionRecord } from './wire.ts';

/** What the recorder needs of the runtime. */
export interface Recorded extends Pick<Runtime, 'records' | 'transitions' | 'problems' | 'calls' | 'clock' | 'root'> {
  readonly supervisor: Pick<Supervisor, 'status'>;
  /** Told what went wrong in the recorder, which changes nothing else. */
  onError(error: unknown): void;
}

/** A payload of up to this many characters is part of its record; a longer one is fetched. */
const SHORT_PAYLOAD = 1_024;
/** Of a payload that is longer than this many characters, nothing is kept but its beginning. */
const LONGEST_PAYLOAD = 65_536;
/** How many records may await the end of the event-loop turn. */
const MAX_PENDING = 1_000;
/** How many errors of the recorder are reported; after that there is nothing new in them. */
const MAX_ERRORS = 10;

interface Pending {
  record: NewRecord;
  payload: string | undefined;
}

/**
 * Records what happens in a supervisor: milestones always, every event only while somebody looks. It watches and never
 * sends an actor anything; what goes wrong in it goes to `onError` and no further. Records are completed at the end of
 * the event-loop turn, because in the middle of a machine's step its context is still the one before.
 */
export class Recorder {
  readonly journal = new Journal();
  readonly #subject: Recorded;
  readonly #redactor = new Redactor();
  readonly #views: Views;
  readonly #present: Present;
  readonly #calls: CallSampler;
  readonly #release: (() => void)[] = [];
  #pending: Pending[] = [];
  #isSettling = false;
  #isScheduled = false;
  #arePluginsStale = false;
  /** The actors whose context may have changed in this turn. */
  readonly #touched = new Set<ActorId>();
  readonly #contexts = new Map<ActorId, JsonObject>();
  /** The states that actors were last seen in, for people. */
  readonly #states = new Map<ActorId, string>();
  /** How to follow a worker no more. */
  readonly #workers = new Map<ActorId, () => void>();
  #onlookers = 0;
  #unobserve: (() => void) | undefined;
  #errors = 0;

  constructor(subject: Recorded) {
    this.#subject = subject;
    this.#views = new Views(this.#redactor);
    this.#present = new Present(subject, this.#views, this.#redactor);
    this.#calls = new CallSampler(subject.clock);
    // Workers may print what they were given of these.
    this.#redactor.learn(secretsOfVariables(process.env));
    this.#guard(() => this.#begin());
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
    if (this.#onlookers === 1) this.#guard(() => this.#observe());
    return () => {
      if (!looking) return;
      looking = false;
      this.#onlookers -= 1;
      if (this.#onlookers === 0) this.#stopObserving();
    };
  }

  /** Records something that the recorder does not see by itself. */
  note(record: NewRecord): void {
    this.#guard(() => this.#add(record));
  }

  /** A text without secrets. */
  text(text: string): string {
    return this.#redactor.text(text);
  }

  /** Completes the records of this turn now. */
  settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      this.#settle();
    } catch (error) {
      this.#pending = [];
      this.#report(error);
    } finally {
      this.#isSettling = false;
    }
  }

  close(): void {
    for (const release of [...this.#release.splice(0), ...this.#workers.values()]) release();
    this.#workers.clear();
    this.#stopObserving();
    this.settle();
  }

  /* ---- What is listened to, whether somebody looks or not ---- */

  #begin(): void {
    const { records, transitions, problems, calls, root } = this.#subject;
    for (const record of records.values()) this.#meet(record);
    const { scheduler } = root.getSnapshot().children as { scheduler: AnyActorRef };
    this.#release.push(
      transitions.add((transition) => this.#guard(() => this.#onTransition(transition))),
      problems.add((found) => this.#guard(() => this.#onProblems(found))),
      calls.add((edge) => this.#guard(() => this.#onCall(edge))),
      this.#follow(root, SUPERVISOR),
      this.#follow(scheduler, SCHEDULER),
    );
    for (const type of ['decision', 'fact'] as const) {
      const { unsubscribe } = scheduler.on(type, (emitted) =>
        this.#guard(() => this.#onEmitted(emitted as SchedulerEmitted)),
      );
      this.#release.push(unsubscribe);
    }
  }

  /** Follows the states of an actor of which the runtime tells nothing. */
  #follow(actor: AnyActorRef, id: ActorId): () => void {
    this.#states.set(id, stateOf(actor));
    this.#contexts.set(id, this.#present.contextOf(id));
    const { unsubscribe } = actor.subscribe({
      next: () => this.#guard(() => this.#onOwnStep(actor, id)),
      error: () => {},
    });
    return unsubscribe;
  }

  #onOwnStep(actor: AnyActorRef, id: ActorId, event = ''): void {
    this.#touch(id);
    // Plugins come and go in steps of the supervisor.
    if (id === SUPERVISOR) this.#arePluginsStale = true;
    const from = this.#states.get(id) ?? '';
    const to = stateOf(actor);
    if (from === to) return;
    this.#states.set(id, to);
    this.#add({ kind: 'transition', at: this.#now(), actor: id, from, to, active: activeOf(actor), event });
  }

  #onTransition({ plugin, from, to, phase, event, at, reason }: TransitionEvent): void {
    const actor = pluginId(plugin);
    const state = stateAndPhase(to, phase);
    this.#add({
      kind: 'transition',
      at,
      actor,
      from: this.#states.get(actor) ?? (from === 'discovered' ? 'discovered.idle' : from),
      to: state,
      active: [`alive.lifecycle.${state}`],
      event,
      ...(reason !== undefined && { reason: this.#redactor.text(reason) }),
    });
    this.#states.set(actor, state);
    this.#touch(actor);
    if (phase === 'deciding') this.#onCrash(plugin, at);
  }

  /** The error is in the context only when the step is complete, so the record is filled in when this turn is settled. */
  #onCrash(plugin: string, at: number): void {
    this.#add({
      kind: 'crash',
      at,
      actor: pluginId(plugin),
      error: { code: '', message: '' },
      output: '',
      generation: 0,
      restarts: 0,
    });
  }

  #onProblems(problems: readonly ManifestProblem[]): void {
    for (const { file, field, reason } of problems) {
      const [message, shownFile] = [this.#redactor.text(reason), this.#redactor.text(file)];
      const shownField = field && this.#redactor.text(field);
      const at = this.#now();
      this.#add({ kind: 'problem', at, actor: SUPERVISOR, message, file: shownFile, field: shownField });
    }
  }

  #onCall(edge: CallEdge): void {
    const sampled = this.#calls.take(edge);
    if (sampled === undefined) return;
    const { plugin, call, outcome } = edge;
    const { tookMs, skipped } = sampled;
    this.#add({
      kind: 'call',
      at: this.#now(),
      actor: pluginId(plugin),
      call,
      edge: outcome === undefined ? 'start' : 'end',
      outcome,
      tookMs,
      skipped: skipped === 0 ? undefined : skipped,
    });
  }

  #onEmitted(emitted: SchedulerEmitted): void {
    if (emitted.type === 'decision') {
      const { plugin, ...decision } = emitted.decision;
      const shown = this.#redactor.json(decision) as unknown as Omit<DecisionRecord, 'seq' | 'kind' | 'actor'>;
      this.#add({ ...shown, kind: 'decision', actor: pluginId(plugin) });
    } else {
      const { kind, ...facts } = emitted.fact;
      const message = this.#redactor.text(`${kind}: ${JSON.stringify(facts)}`);
      this.#add({ kind: 'problem', at: this.#now(), actor: SCHEDULER, message });
    }
  }

  /* ---- What is observed while somebody looks ---- */

  #observe(): void {
    const { root, records } = this.#subject;
    const report = (error: unknown): void => this.#report(error);
    const unobserve = observe(
      root,
      {
        onEvent: (actor, source, event) => this.#onEvent(actor, source, event),
        onStep: (actor, event) => this.#onStep(actor, event),
      },
      report,
    );
    const measured = (): { plugin: string; pid: number }[] =>
      [...records.values()].flatMap((record) => {
        const { pid } = record.snapshot();
        return pid === undefined ? [] : [{ plugin: record.plugin, pid }];
      });
    const unmeasure = watchMemoryOf(measured, (plugin, memoryMb) => this.#onMemory(plugin, memoryMb), report);
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
    const { type, ...rest } = event;
    const shown = this.#payloadOf(actor, type, rest);
    const text = shown === undefined ? '' : JSON.stringify(shown);
    const isShort = text.length <= SHORT_PAYLOAD;
    this.#add(
      {
        kind: 'event',
        at: this.#now(),
        actor: actorIdOf(actor),
        source: source && actorIdOf(source),
        event: type,
        payload: isShort ? shown : undefined,
      },
      isShort
        ? undefined
        : text.length <= LONGEST_PAYLOAD
          ? text
          : JSON.stringify(`${text.slice(0, LONGEST_PAYLOAD)}…`),
    );
  }

  /** What an event says beside its type, without secrets; undefined where that is nothing. */
  #payloadOf(actor: AnyActorRef, type: string, rest: Readonly<Record<string, unknown>>): JsonObject | undefined {
    // What an actor is made of is in its context, as far as it is to be shown.
    if (type === 'xstate.init' || Object.keys(rest).length === 0) return undefined;
    for (const manifest of manifestsIn(rest)) this.#views.learn(manifest);
    const plugin = pluginOf(actor);
    const record = plugin === undefined ? undefined : this.#subject.records.get(plugin);
    const payload = { ...rest };
    if (record !== undefined) {
      const { manifest } = record.entry;
      // By the schema, since its names may not look secret.
      const show = (config: unknown): unknown => this.#views.config(config, manifest);
      const { config, output } = payload;
      if (type === 'LOAD') payload['config'] = config && { value: show((config as { value: unknown }).value) };
      else if ('config' in payload) payload['config'] = show(config);
      // An actor that gives a plugin its config ends with what the plugin has taken.
      if ('output' in payload) payload['output'] = show(output);
    }
    return this.#redactor.json(payload) as JsonObject;
  }

  #onStep(actor: AnyActorRef, event: AnyEventObject): void {
    const id = actorIdOf(actor);
    const machine = machineOf(actor);
    if (machine === 'plugin') this.#touch(id);
    if (machine !== 'worker') return;
    if (!this.#contexts.has(id)) this.#contexts.set(id, {});
    this.#onOwnStep(actor, id, event.type);
  }

  #onMemory(plugin: string, memoryMb: number): void {
    if (this.#present.memory.get(plugin) === memoryMb) return;
    this.#present.memory.set(plugin, memoryMb);
    this.#touch(pluginId(plugin));
    this.#add({ kind: 'memory', at: this.#now(), actor: pluginId(plugin), memoryMb });
  }

  /* ---- The end of a turn ---- */

  #add(record: NewRecord, payload?: string): void {
    this.#pending.push({ record, payload });
    this.#schedule();
    if (this.#pending.length >= MAX_PENDING) this.settle();
  }

  #touch(id: ActorId): void {
    this.#touched.add(id);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.settle();
    }).unref();
  }

  #settle(): void {
    if (this.#arePluginsStale) this.#meetPlugins();
    const changes = this.#takeChanges();
    // The last transition of an actor in this turn carries what has changed.
    for (const { record } of this.#pending.toReversed()) {
      if (record.kind === 'transition') this.#complete(record as Mutable<TransitionRecord>, changes);
      else if (record.kind === 'crash') Object.assign(record, this.#crashOf(record.actor));
    }
    for (const [actor, context] of changes) {
      this.#pending.push({ record: { kind: 'context', at: this.#now(), actor, context }, payload: undefined });
    }
    const settled = this.#pending;
    this.#pending = [];
    for (const { record, payload } of settled) this.journal.add(record, payload);
    if (settled.length > 0) this.journal.announce();
  }

  #complete(record: Mutable<TransitionRecord>, changes: Map<ActorId, ContextChange>): void {
    const plugin = this.#present.recordOf(record.actor);
    // Its other regions change at most once in a turn, and their last state is near enough.
    if (plugin !== undefined) {
      const beside = activeOf(plugin.actor).filter((path) => !path.startsWith('alive.lifecycle.'));
      record.active = [...record.active, ...beside];
    }
    const context = changes.get(record.actor);
    if (context === undefined) return;
    record.context = context;
    changes.delete(record.actor);
  }

  #crashOf(actor: ActorId): object | undefined {
    const record = this.#present.recordOf(actor);
    if (record === undefined) return undefined;
    const { lastError, lastExit, generation, restarts } = record.context;
    // What was given up has the crash as its cause.
    const { cause } = lastError ?? {};
    const error = lastError?.code === 'E_GIVEN_UP' && isTyped(cause) ? cause : lastError;
    const { output = lastExit?.output } = (error?.details ?? {}) as { output?: string };
    return {
      error: { code: error?.code ?? '', message: this.#redactor.text(error === undefined ? '' : messageOf(error)) },
      exit: lastExit && { code: lastExit.code, signal: lastExit.signal, outOfMemory: lastExit.outOfMemory },
      output: this.#redactor.tail(output ?? ''),
      generation,
      restarts,
    };
  }

  /** What has changed in the contexts of the actors that were touched. */
  #takeChanges(): Map<ActorId, ContextChange> {
    const changes = new Map<ActorId, ContextChange>();
    for (const id of this.#touched) {
      const before = this.#contexts.get(id);
      if (before === undefined) continue;
      const after = this.#present.contextOf(id);
      const change = changeOf(before, after);
      this.#contexts.set(id, after);
      if (change === undefined) continue;
      changes.set(id, change);
      if (change['workers'] !== undefined) this.#followWorkers(id);
    }
    this.#touched.clear();
    return changes;
  }

  /* ---- Who is there ---- */

  /** Follows the workers of a plugin that are new. */
  #followWorkers(plugin: ActorId): void {
    for (const { ref, generation } of this.#present.recordOf(plugin)?.context.workers ?? []) {
      const id = workerId(plugin.slice('plugin:'.length), generation);
      if (this.#workers.has(id)) continue;
      const actor = ref as AnyActorRef;
      if (!this.#contexts.has(id)) this.#contexts.set(id, {});
      const { unsubscribe } = actor.subscribe({
        next: () => this.#guard(() => this.#onWorkerStep(actor, id)),
        error: () => this.#leaveWorker(id),
        complete: () => this.#leaveWorker(id),
      });
      this.#workers.set(id, unsubscribe);
      this.#onOwnStep(actor, id);
    }
  }

  #onWorkerStep(actor: AnyActorRef, id: ActorId): void {
    // Who observes the actor sees the same step, and by which event.
    if (this.#unobserve === undefined) this.#onOwnStep(actor, id);
  }

  #leaveWorker(id: ActorId): void {
    this.#workers.get(id)?.();
    this.#workers.delete(id);
    this.#forget(id);
  }

  #meet(record: PluginRecord): void {
    const id = pluginId(record.plugin);
    this.#states.set(id, stateAndPhase(record.state, record.phase));
    this.#contexts.set(id, this.#present.contextOf(id));
    this.#followWorkers(id);
  }

  #meetPlugins(): void {
    this.#arePluginsStale = false;
    const { records } = this.#subject;
    for (const record of records.values()) {
      const actor = pluginId(record.plugin);
      if (this.#contexts.has(actor)) continue;
      this.#meet(record);
      const plugin = this.#views.plugin(record, undefined);
      const snapshot = this.#present.actorOf(record.actor, record.plugin);
      // What came in this turn was there before what it has done in it.
      this.#pending.unshift({
        record: { kind: 'presence', at: this.#now(), actor, plugin, snapshot },
        payload: undefined,
      });
    }
    for (const actor of this.#contexts.keys()) {
      if (!actor.startsWith('plugin:') || records.has(actor.slice('plugin:'.length))) continue;
      this.#forget(actor);
      this.#pending.push({ record: { kind: 'presence', at: this.#now(), actor }, payload: undefined });
    }
  }

  #forget(id: ActorId): void {
    this.#contexts.delete(id);
    this.#states.delete(id);
  }

  #now(): number {
    return this.#subject.clock.now();
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    this.#errors += 1;
    if (this.#errors > MAX_ERRORS) return;
    try {
      this.#subject.onError(error);
    } catch {
      // Nobody is left to be told.
    }
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const stateAndPhase = (state: string, phase: string): string => (state === phase ? state : `${state}.${phase}`);
const stateOf = (actor: AnyActorRef): string => activeOf(actor).join(' ');
const isTyped = (error: unknown): error is GreenroomError => error instanceof Error && 'code' in error;

function changeOf(before: JsonObject, after: JsonObject): ContextChange | undefined {
  let change: Record<string, ContextChange[string]> | undefined;
  const note = (key: string): void => {
    change ??= {};
    change[key] = { before: before[key], after: after[key] };
  };
  for (const key in after) if (before[key] !== after[key]) note(key);
  for (const key in before) if (!(key in after)) note(key);
  return change;
}

/** The manifests that an event brings. */
function manifestsIn(event: Readonly<Record<string, unknown>>): PluginContext['entry']['manifest'][] {
  const { changes, entry, output } = event;
  return [changes, output, { entry }]
    .flat()
    .flatMap((each) => (each as { entry?: PluginContext['entry'] } | undefined)?.entry?.manifest ?? []);
}
