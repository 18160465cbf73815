import { placeAfter, seqOf } from '../../binary-search.ts';
import type {
  ActorId,
  DecisionRecord,
  EventRecord,
  InspectorRecord,
  MilestoneRecord,
  SessionHeader,
  Sync,
  TransitionRecord,
} from '../../wire.ts';
import {
  type ActorState,
  type InstanceHistory,
  type Lane,
  type Moment,
  type Stay,
  staysIn,
  victimsOf,
} from './model.ts';
import { actorOf, apply, undo } from './steps.ts';

/** Everything at one moment, with or without the records before it. */
type Known = Omit<Sync, 'records'> | SessionHeader;

/** As much as the runtime remembers, and a quarter more, so that it is cut off only now and then. */
const MAX_MILESTONES = 12_500;
const MAX_EVENTS = 25_000;
const KEPT = 0.8;
/** So many milestones are stepped through at most to get to an instant. */
const CHECKPOINT_EVERY = 256;

/**
 * What is remembered of a session: the records, and all actors at any of their instants. An instant is the `seq` of a
 * record. Nothing else is read and nothing drawn; it grows by {@link add}.
 */
export class History {
  /** The charts, and what does not change of the supervisor. */
  readonly known: Known;
  #records: InspectorRecord[] = [];
  #milestones: MilestoneRecord[] = [];
  /** The actors before the record at that place among the milestones. */
  #checkpoints: Map<ActorId, ActorState>[] = [];
  readonly #present: Map<ActorId, ActorState>;
  readonly #own = new Map<ActorId, MilestoneRecord[]>();
  #cached: Moment | undefined;
  #lastAt: number;
  #version = 0;
  #epoch = 0;

  /** @param records any that came before or after that moment, in order; those before are walked back from it */
  constructor(known: Known, records: readonly InspectorRecord[]) {
    this.known = known;
    this.#lastAt = known.at;
    const plugins = new Map(known.plugins.map((plugin) => [plugin.name, plugin]));
    this.#present = new Map(known.actors.map((actor) => [actor.id, actorOf(actor, plugins.get(actor.name))]));
    for (const record of records.toReversed()) {
      if (record.seq > known.seq || record.kind === 'event') continue;
      undo(this.#present, record);
    }
    this.add(records);
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
    return { seq: this.seq, at: this.#lastAt, actors: this.#present };
  }

  /** Adds records, which must follow on those there are. */
  add(records: readonly InspectorRecord[]): void {
    for (const record of records) {
      this.#records.push(record);
      this.#lastAt = Math.max(this.#lastAt, record.at);
      if (record.kind !== 'event') this.#step(record);
    }
    this.#version += 1;
    if (this.#milestones.length > MAX_MILESTONES) this.#forgetMilestones();
    if (this.#records.length - this.#milestones.length > MAX_EVENTS) this.#forgetEvents();
  }

  /** All actors at an instant; the nearest one that is remembered. */
  at(seq: number): Moment {
    if (seq >= this.seq) return this.present;
    const wanted = Math.max(seq, this.first);
    if (this.#cached?.seq === wanted) return this.#cached;
    const end = placeAfter(this.#milestones, wanted, seqOf);
    const start = Math.min(Math.floor(end / CHECKPOINT_EVERY), this.#checkpoints.length - 1);
    const actors = new Map(this.#checkpoints[start] ?? this.#present);
    for (let index = start * CHECKPOINT_EVERY; index < end; index += 1) {
      apply(actors, this.#milestones[index] as MilestoneRecord);
    }
    const at = this.#records[placeAfter(this.#records, wanted, seqOf) - 1]?.at ?? this.#records[0]?.at ?? this.known.at;
    this.#cached = { seq: wanted, at, actors };
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
    const start = (this.#checkpoints[0] ?? this.#present).get(id);
    const startAt = this.#records[0]?.at ?? this.known.at;
    if (start !== undefined) stays.push({ ...stayIn(start), from: start.since ?? startAt, seq: 0 });
    let asked: DecisionRecord | undefined;
    for (const record of this.recordsOf(id)) {
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
    const actor = this.#present.get(id) ?? start;
    return { id, name: actor?.name ?? id, stays, memory, marks, budgetMb: actor?.facts?.budgetMb };
  }

  /** What the lanes of a plugin's instances are made from. */
  instancesOf(id: ActorId): InstanceHistory {
    const start = this.#checkpoints[0] ?? this.#present;
    return { id, start, startAt: this.firstAt, recordsOf: (actor) => this.recordsOf(actor) };
  }

  #step(record: MilestoneRecord): void {
    if (this.#milestones.length % CHECKPOINT_EVERY === 0) this.#checkpoints.push(new Map(this.#present));
    this.#milestones.push(record);
    apply(this.#present, record);
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

  /** By whole stretches between checkpoints, so that what is kept begins with one. */
  #forgetMilestones(): void {
    const stretches = Math.ceil((this.#milestones.length - MAX_MILESTONES * KEPT) / CHECKPOINT_EVERY);
    const cut = (this.#milestones[stretches * CHECKPOINT_EVERY - 1] as MilestoneRecord).seq;
    this.#checkpoints = this.#checkpoints.slice(stretches);
    this.#milestones = this.#milestones.slice(stretches * CHECKPOINT_EVERY);
    this.#records = this.#records.slice(placeAfter(this.#records, cut, seqOf));
    for (const [id, own] of this.#own) {
      const kept = own.slice(placeAfter(own, cut, seqOf));
      if (kept.length === 0) this.#own.delete(id);
      else this.#own.set(id, kept);
    }
    this.#epoch += 1;
  }

  #forgetEvents(): void {
    let surplus = this.#records.length - this.#milestones.length - MAX_EVENTS * KEPT;
    this.#records = this.#records.filter(
      (record) => record.kind !== ('event' satisfies EventRecord['kind']) || surplus-- <= 0,
    );
    this.#epoch += 1;
  }
}

function stayIn({ state, phase }: ActorState): Pick<Stay, 'state' | 'phase'> {
  return { state, phase };
}
