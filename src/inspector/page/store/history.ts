import { placeAfter, seqOf } from '../../binary-search.ts';
import { isOfCalls, subjectOf } from '../../of-calls.ts';
import type {
  ActorId,
  DecisionRecord,
  InspectorRecord,
  MilestoneRecord,
  SessionHeader,
  Sync,
  TransitionRecord,
} from '../../wire.ts';
import {
  type ActorState,
  type InstanceHistory,
  isAlike,
  type Lane,
  type Moment,
  type Stay,
  staysIn,
  victimsOf,
} from './model.ts';
import { actorOf, undo } from './steps.ts';
import { type Actors, Stretch } from './stretch.ts';

/** Everything at one moment, with or without the records before it. */
type Known = Omit<Sync, 'records'> | SessionHeader;

/** As much as the runtime remembers, and a quarter more, so that it is cut off only now and then. */
const MAX_MILESTONES = 12_500;
const MAX_EVENTS = 25_000;
const CUT = 0.2;

/**
 * What is remembered of a session: the records, and all actors at any of their instants. An instant is the `seq` of a
 * record. Nothing else is read and nothing drawn; it grows by {@link add}.
 */
export class History {
  /** The charts, and what does not change of the supervisor. */
  readonly known: Known;
  #records: InspectorRecord[] = [];
  /** What is further back, from which those of quick calls are missing: they would push out all else. */
  readonly #early: Stretch;
  /** What came after it, from which none is missing. */
  readonly #late: Stretch;
  /** The last record of what is further back. */
  #complete: number;
  readonly #own = new Map<ActorId, MilestoneRecord[]>();
  #cached: Moment | undefined;
  #lastAt: number;
  #version = 0;
  #epoch = 0;

  /** @param records any that came before or after that moment, in order; those before are walked back from it */
  constructor(known: Known, records: readonly InspectorRecord[]) {
    this.known = known;
    this.#lastAt = known.at;
    this.#complete = known.complete ?? 0;
    const plugins = new Map(known.plugins.map((plugin) => [plugin.name, plugin]));
    const late: Actors = new Map(known.actors.map((actor) => [actor.id, actorOf(actor, plugins.get(actor.name))]));
    const first = placeAfter(records, this.#complete, seqOf);
    const undoFrom = (actors: Actors, from: number, to: number): void => {
      for (const record of records.slice(from, to).toReversed()) {
        if (record.seq <= known.seq && record.kind !== 'event') undo(actors, record);
      }
    };
    undoFrom(late, first, records.length);
    const early = new Map(late);
    undoFrom(early, 0, first);
    this.#early = new Stretch(early);
    this.#late = new Stretch(late);
    this.add(records.slice(0, first));
    for (const [id, actor] of late) late.set(id, continued(this.#early.end.get(id), actor));
    this.add(records.slice(first));
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** Rises whenever something is forgotten. */
  get epoch(): number {
    return this.#epoch;
  }

  /** What is remembered, the oldest first. */
  get records(): readonly InspectorRecord[] {
    return this.#records;
  }

  /** The earliest instant there is. */
  get first(): number {
    return (this.#records[0]?.seq ?? this.seq + 1) - 1;
  }

  /** When the earliest instant was, in milliseconds since the epoch. */
  get firstAt(): number {
    return this.#records[0]?.at ?? this.known.at;
  }

  /** The latest instant there is. */
  get seq(): number {
    return Math.max(this.#records.at(-1)?.seq ?? 0, this.known.seq);
  }

  /** All actors as they are at the end of what is remembered. */
  get present(): Moment {
    return { seq: this.seq, at: this.#lastAt, actors: this.#late.end };
  }

  /** Adds records, which must follow on those there are. */
  add(records: readonly InspectorRecord[]): void {
    for (const record of records) {
      this.#records.push(record);
      this.#lastAt = Math.max(this.#lastAt, record.at);
      if (record.kind !== 'event') this.#step(record);
    }
    this.#version += 1;
    if (this.#late.milestones.length > MAX_MILESTONES) this.#forgetCalls();
    if (this.#early.milestones.length > MAX_MILESTONES) this.#forgetEarliest();
    if (this.#records.length - this.#early.milestones.length - this.#late.milestones.length > MAX_EVENTS)
      this.#forgetEvents();
  }

  /** All actors at an instant; the nearest one that is remembered. */
  at(seq: number): Moment {
    if (seq >= this.seq) return this.present;
    const wanted = Math.max(seq, this.first);
    if (this.#cached?.seq === wanted) return this.#cached;
    const stretch = wanted < this.#complete ? this.#early : this.#late;
    const actors = stretch.before(placeAfter(stretch.milestones, wanted, seqOf));
    this.#cached = { seq: wanted, at: this.#timeAt(wanted), actors };
    return this.#cached;
  }

  /** The last instant that is not after this time, in milliseconds since the epoch. */
  instantAt(time: number): number {
    return this.#records[placeAfter(this.#records, time, ({ at }) => at) - 1]?.seq ?? this.first;
  }

  /** The record that has this `seq`. */
  record(seq: number): InspectorRecord | undefined {
    const found = this.#records[placeAfter(this.#records, seq, seqOf) - 1];
    return found?.seq === seq ? found : undefined;
  }

  /** How many of the records are not after this instant. */
  countUntil(seq: number): number {
    return placeAfter(this.#records, seq, seqOf);
  }

  /** The milestones of an actor, in order, and the decisions by which it had to go. */
  recordsOf(id: ActorId): readonly MilestoneRecord[] {
    return this.#own.get(id) ?? [];
  }

  /** The transitions of an actor that are remembered, in order. */
  transitionsOf(id: ActorId): readonly TransitionRecord[] {
    return this.recordsOf(id).filter(
      (record) => record.kind === 'transition' && record.actor === id,
    ) as TransitionRecord[];
  }

  /** What the lane of an actor draws. */
  laneOf(id: ActorId): Lane {
    const stays: Stay[] = [];
    const memory: { at: number; memoryMb: number }[] = [];
    const marks: Lane['marks'][number][] = [];
    const start = this.#early.start.get(id);
    if (start !== undefined) stays.push({ ...stayIn(start), from: start.since ?? this.firstAt, seq: 0 });
    let asked: DecisionRecord | undefined;
    const own = this.recordsOf(id);
    const late = placeAfter(own, this.#complete, seqOf);
    for (const [place, record] of [...own, undefined].entries()) {
      const resumed = place === late ? this.#late.start.get(id) : undefined;
      if (resumed !== undefined && !isAlike(stays.at(-1), resumed))
        stays.push({ ...stayIn(resumed), from: this.complete.at, seq: 0 });
      if (record === undefined) break;
      if (record.kind === 'transition' && asked !== undefined && record.to !== 'busy.draining') {
        // Chosen is not evicted: one that goes on serving has stayed.
        if (!staysIn(record.to)) marks.push({ at: record.at, seq: asked.seq, kind: 'eviction', asker: asked.actor });
        asked = undefined;
      }
      if (record.kind === 'decision') {
        if (victimsOf(record).includes(id)) asked = record;
      } else if (record.kind === 'crash') marks.push({ at: record.at, seq: record.seq, kind: 'crash' });
      else if (record.kind === 'memory') memory.push({ at: record.at, memoryMb: record.memoryMb });
      else if (record.kind === 'transition') {
        const [state = '', ...phase] = id.startsWith('plugin:') ? record.to.split('.') : [record.to];
        stays.push({ state, phase: phase.join('.'), from: record.at, seq: record.seq });
      } else if (record.kind === 'presence' && record.plugin !== undefined) {
        const { state, phase } = record.plugin;
        stays.push({ state, phase: phase === state ? '' : phase, from: record.at, seq: record.seq });
      }
    }
    const actor = this.#late.end.get(id) ?? start;
    return { id, name: actor?.name ?? id, stays, memory, marks, budgetMb: actor?.facts?.budgetMb };
  }

  /** What the lanes of a plugin's instances are made from. */
  instancesOf(id: ActorId): InstanceHistory {
    const { complete, firstAt: startAt } = this;
    return { id, start: this.#early.start, startAt, complete, recordsOf: (actor) => this.recordsOf(actor) };
  }

  /** The instant from which no record is missing. Before it, those of quick calls are forgotten. */
  get complete(): Moment {
    return { seq: this.#complete, at: this.#timeAt(this.#complete), actors: this.#late.start };
  }

  #timeAt(seq: number): number {
    return this.#records[placeAfter(this.#records, seq, seqOf) - 1]?.at ?? this.firstAt;
  }

  #step(record: MilestoneRecord): void {
    (record.seq > this.#complete ? this.#late : this.#early).add(record);
    this.#file(record.actor, record);
    if (record.kind === 'decision') {
      for (const victim of victimsOf(record)) if (victim !== record.actor) this.#file(victim, record);
    }
  }

  #file(id: ActorId, record: MilestoneRecord): void {
    const own = this.#own.get(id);
    if (own === undefined) this.#own.set(id, [record]);
    else own.push(record);
  }

  /** The last that is told of a state or a count by quick calls is kept, as it may hold for long. */
  #forgetCalls(): void {
    const cut = this.#late.cut(MAX_MILESTONES * CUT);
    this.#complete = cut.at(-1)?.seq ?? this.#complete;
    const told = new Set<string | undefined>([undefined]);
    const gone = new Set<InspectorRecord>();
    for (const record of cut.toReversed()) {
      if (!isOfCalls(record)) continue;
      const subject = subjectOf(record);
      if (told.has(subject)) gone.add(record);
      told.add(subject);
    }
    for (const record of cut) if (!gone.has(record)) this.#early.add(record);
    this.#keep((record) => !gone.has(record));
  }

  #forgetEarliest(): void {
    const last = this.#early.cut(MAX_MILESTONES * CUT).at(-1)?.seq ?? 0;
    this.#keep(({ seq }) => seq > last);
  }

  #forgetEvents(): void {
    let surplus = MAX_EVENTS * CUT;
    this.#keep((record) => record.kind !== 'event' || surplus-- <= 0);
  }

  #keep(isKept: (record: InspectorRecord) => boolean): void {
    this.#records = this.#records.filter(isKept);
    for (const [id, own] of this.#own) {
      const kept = own.filter(isKept);
      if (kept.length === 0) this.#own.delete(id);
      else this.#own.set(id, kept);
    }
    this.#epoch += 1;
  }
}

/** An actor where records begin to be complete, with what earlier ones tell of how it came there. */
function continued(before: ActorState | undefined, actor: ActorState): ActorState {
  if (before === undefined) return actor;
  const { active, state, phase, context, facts, instance } = actor;
  const since = actor.since ?? (isAlike(before, actor) ? before.since : undefined);
  return { ...before, active, state, phase, since, context, facts, instance };
}

function stayIn({ state, phase }: ActorState): Pick<Stay, 'state' | 'phase'> {
  return { state, phase };
}
