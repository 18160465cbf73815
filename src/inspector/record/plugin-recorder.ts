import { LIFECYCLE } from '../../machines/plugin/phases.ts';
import type { PluginContext } from '../../machines/plugin.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { InstanceEvent, TransitionEvent } from '../../runtime/supervisor-events.ts';
import { isCallEdge } from '../of-calls.ts';
import type { ActorId, ContextChange, TransitionRecord } from '../wire.ts';
import { pluginId, pluginNamed } from './actor-ids.ts';
import type { ActorRecorder } from './actor-recorder.ts';
import { changeOf } from './context-change.ts';
import { crashOf } from './crash.ts';
import type { RecorderParts } from './recorder-parts.ts';
import type { Context } from './views.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type NewTransition = Mutable<Omit<TransitionRecord, 'seq'>>;

/** A plugin's actor as it was last recorded. */
interface SeenPlugin {
  readonly id: ActorId;
  record: PluginRecord;
  /** For people. */
  state: string;
  context: Mutable<Context>;
  /** What its machine remembered then. */
  source: PluginContext | undefined;
  /** The last of its workers whose crash was recorded. */
  crashed: number | undefined;
  /** What has changed in its context and is not recorded yet. */
  change: ContextChange | undefined;
  /** Whether its context may have changed. */
  isTouched: boolean;
}

/**
 * Records plugins: that they come and go, their transitions, their crashes, and what changes in their contexts. The
 * runtime tells of transitions in the middle of a machine's step, and they are completed by {@link settle}.
 */
export class PluginRecorder {
  readonly #parts: RecorderParts;
  readonly #actors: ActorRecorder;
  /** By the plugin's name. */
  readonly #seen = new Map<string, SeenPlugin>();
  #touched: SeenPlugin[] = [];
  #mayHaveCome = false;

  /** @param actors follows the workers of plugins */
  constructor(parts: RecorderParts, actors: ActorRecorder) {
    this.#parts = parts;
    this.#actors = actors;
  }

  /** A plugin is there. */
  meet(record: PluginRecord): void {
    this.#seen.set(record.plugin, {
      id: pluginId(record.plugin),
      record,
      state: stateAndPhase(record.state, record.phase),
      context: this.#parts.present.contextOfPlugin(record),
      source: record.context,
      crashed: undefined,
      change: undefined,
      isTouched: false,
    });
    this.#actors.followWorkers(record);
  }

  /** Plugins may have come or gone. */
  noteComings(): void {
    this.#mayHaveCome = true;
    this.#parts.pending.schedule();
  }

  /** The context of a plugin may have changed. */
  touch(plugin: string): void {
    const seen = this.#seen.get(plugin);
    if (seen !== undefined) this.#touch(seen);
  }

  onTransition({ plugin, from, to, phase, event, reason }: TransitionEvent): void {
    const { redactor, pending } = this.#parts;
    const at = this.#now();
    const seen = this.#seen.get(plugin);
    const state = stateAndPhase(to, phase);
    const record: NewTransition = {
      kind: 'transition',
      at,
      actor: seen?.id ?? pluginId(plugin),
      from: seen?.state ?? (from === 'discovered' ? 'discovered.idle' : from),
      to: state,
      active: [],
      event,
      reason: reason && redactor.text(reason),
      context: undefined,
    };
    if (seen !== undefined) {
      seen.state = state;
      if (isCallEdge(record) && pending.all.length === 0) {
        this.#recordCallEdge(record, seen);
        return;
      }
      this.#touch(seen);
    }
    pending.add(record);
    if (phase === 'deciding') this.#onCrash(record.actor, at, seen);
  }

  /** What a worker of a plugin that may have several is at; told at the end of the machine's step. */
  onInstance({ plugin, generation, from, to, phase, reason }: InstanceEvent): void {
    const { redactor, pending } = this.#parts;
    const at = this.#now();
    const seen = this.#seen.get(plugin);
    const actor = seen?.id ?? pluginId(plugin);
    const state = stateAndPhase(to, phase);
    pending.add({ kind: 'instance', at, actor, generation, from, to: state, reason: reason && redactor.text(reason) });
    if (seen === undefined) return;
    this.#touch(seen);
    // Of the last one the plugin's own transition has told.
    if (to !== 'crashed' || seen.crashed === generation) return;
    seen.crashed = generation;
    // Complete at once: of several that crash in the same turn, only the last is in the context at its end.
    pending.add({ kind: 'crash', at, actor, generation, ...crashOf(seen.record.context, redactor) });
  }

  /** The step is over: completes the records that wait for it, and records what else has changed. */
  settle(): void {
    const { pending, redactor } = this.#parts;
    if (this.#mayHaveCome) this.#meetPlugins();
    this.#takeChanges();
    // The last comes first, and takes what has changed.
    for (let place = pending.all.length - 1; place >= 0; place -= 1) {
      const record = pending.all[place];
      if (record?.kind !== 'transition' && record?.kind !== 'crash') continue;
      const seen = this.#seen.get(pluginNamed(record.actor) ?? '');
      if (seen === undefined) continue;
      if (record.kind === 'transition') complete(record, seen);
      else if (record.error.code === '') Object.assign(record, crashOf(seen.record.context, redactor));
    }
    for (const seen of this.#takeTouched()) {
      const { id: actor, change: context } = seen;
      if (context !== undefined) pending.add({ kind: 'context', at: this.#now(), actor, context });
      seen.change = undefined;
    }
  }

  /** Forgets what may have changed, where it could not be recorded. */
  reset(): void {
    this.#takeTouched();
  }

  /**
   * The most frequent transitions by far. At them a plugin's machine remembers nothing new, so that the record needs not
   * wait for the end of the step.
   */
  #recordCallEdge(record: NewTransition, seen: SeenPlugin): void {
    const { journal } = this.#parts;
    seen.change = this.#updateCounts(seen);
    complete(record, seen);
    journal.add(record);
    journal.announce();
  }

  /**
   * The error is in the context only when the step is complete, so the record is filled in then. Its generation is taken
   * now: in the middle of the step the context is still the one before, and later it has forgotten the worker.
   */
  #onCrash(actor: ActorId, at: number, seen: SeenPlugin | undefined): void {
    const error = { code: '', message: '' };
    const before = seen?.record.context;
    const generation = before?.current ?? before?.generation ?? 0;
    if (seen !== undefined) seen.crashed = generation;
    this.#parts.pending.add({ kind: 'crash', at, actor, error, output: '', generation, restarts: 0 });
  }

  #touch(seen: SeenPlugin): void {
    if (seen.isTouched) return;
    seen.isTouched = true;
    this.#touched.push(seen);
    this.#parts.pending.schedule();
  }

  #takeTouched(): readonly SeenPlugin[] {
    const touched = this.#touched;
    this.#touched = [];
    for (const seen of touched) seen.isTouched = false;
    return touched;
  }

  /** What has changed in the contexts of the plugins that were touched. */
  #takeChanges(): void {
    const { present } = this.#parts;
    for (const seen of this.#touched) {
      const { record, source, context } = seen;
      seen.source = record.context;
      if (seen.source === source) {
        // Where the machine remembers the same, the rest is as it was.
        seen.change = this.#updateCounts(seen);
      } else {
        seen.context = present.contextOfPlugin(record);
        seen.change = changeOf(context, seen.context);
      }
      if (seen.change?.['workers'] !== undefined) this.#actors.followWorkers(record);
      if (record.tellsInstances) this.#actors.touchWorkers(record);
    }
  }

  #updateCounts(seen: SeenPlugin): ContextChange | undefined {
    const counts = this.#parts.present.countsOfPlugin(seen.record);
    const change = changeOf(seen.context, counts);
    for (const key in change) seen.context[key] = counts[key];
    return change;
  }

  #meetPlugins(): void {
    this.#mayHaveCome = false;
    const { subject, present, views, pending, rates } = this.#parts;
    const { records } = subject;
    for (const record of records.values()) {
      const seen = this.#seen.get(record.plugin);
      if (seen !== undefined) {
        // It may have gone and come back at once.
        seen.record = record;
        continue;
      }
      this.meet(record);
      const plugin = views.plugin(record, undefined);
      const snapshot = present.actorOf(record.actor, record.plugin);
      // What came in this turn was there before what it has done in it.
      const at = pending.all[0]?.at ?? this.#now();
      pending.addFirst({ kind: 'presence', at, actor: pluginId(record.plugin), plugin, snapshot });
    }
    for (const [plugin, { id: actor }] of this.#seen) {
      if (records.has(plugin)) continue;
      this.#seen.delete(plugin);
      present.memory.forget(plugin);
      rates.forget(plugin);
      pending.add({ kind: 'presence', at: this.#now(), actor });
    }
  }

  #now(): number {
    return this.#parts.subject.clock.now();
  }
}

/** Fills in what is not in the middle of a step. */
function complete(record: NewTransition, seen: SeenPlugin): void {
  // Its other regions change at most once in a step, and their last state is near enough.
  const { replacement, stability } = seen.context;
  record.active = [
    LIFECYCLE + record.to,
    `alive.replacement.${replacement as string}`,
    `alive.stability.${stability as string}`,
  ];
  // The last transition of a step carries what has changed.
  record.context = seen.change;
  seen.change = undefined;
}

const stateAndPhase = (state: string, phase: string): string => (state === phase ? state : `${state}.${phase}`);
