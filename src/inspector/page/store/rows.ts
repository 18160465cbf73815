import { isCallEdge } from '../../of-calls.ts';
import type { ActorId, InspectorRecord, TransitionRecord } from '../../wire.ts';
import { actorText, eventText } from './format.ts';
import type { History } from './history.ts';
import { victimsOf } from './model.ts';

/** A line of the events pane: an event and the transition it led to, or a milestone that has no event of its own. */
export interface Row {
  readonly seq: number;
  readonly at: number;
  readonly actor: ActorId;
  readonly source: ActorId | undefined;
  /** Those that have to go by it. */
  readonly victims: readonly ActorId[];
  /** The event's type, or what kind of milestone it is. */
  readonly type: string;
  readonly record: InspectorRecord;
  /** Where it led. It may be of a later instant than the event. */
  transition: TransitionRecord | undefined;
  /** What there is to say beside, for example an error. */
  readonly note: string;
  readonly isError: boolean;
  /** All of it in lower case, for the search. */
  text: string;
}

/** Which rows are wanted. */
export interface RowFilter {
  readonly query: string;
  /** Only what concerns this actor. */
  readonly actor: ActorId | undefined;
  readonly transitionsOnly: boolean;
  readonly errorsOnly: boolean;
  /** Whether what goes on inside XState is wanted too. */
  readonly showsInternal: boolean;
  readonly hiddenTypes: ReadonlySet<string>;
  /** Only events of this type. */
  readonly type: string | undefined;
  /** Only from here to there, in milliseconds since the epoch. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
}

/** So many rows back an event is looked for that a transition belongs to. */
const NEAR = 32;

/** The rows of a history, and those of them that are wanted. What was done for earlier records is not done again. */
export class Rows {
  /** What is wanted, in order. */
  shown: readonly Row[] = [];
  /** The actors of which anything contains what is searched for. */
  matching: ReadonlySet<ActorId> = new Set();
  #history: History | undefined;
  #epoch = 0;
  #filter: RowFilter | undefined;
  #all: Row[] = [];
  #taken = 0;
  #wanted: Row[] = [];
  #actors = new Set<ActorId>();

  /** Brings itself up to date. Returns itself, for what is read next. */
  update(history: History, filter: RowFilter): this {
    const isSame = history === this.#history && history.epoch === this.#epoch;
    let from = this.#all.length;
    if (!isSame) {
      this.#all = [];
      this.#taken = from = 0;
    }
    while (this.#taken < history.records.length) {
      this.#take(history.records[this.#taken] as InspectorRecord, from);
      this.#taken += 1;
    }
    if (!isSame || filter !== this.#filter) {
      from = 0;
      this.#wanted = [];
      this.#actors = new Set();
    }
    const query = filter.query.toLowerCase();
    for (let index = from; index < this.#all.length; index += 1) {
      const row = this.#all[index] as Row;
      const matches = query === '' || row.text.includes(query);
      if (matches && query !== '') for (const actor of [row.actor, ...row.victims]) this.#actors.add(actor);
      if (matches && isWanted(row, filter)) this.#wanted.push(row);
    }
    this.#history = history;
    this.#epoch = history.epoch;
    this.#filter = filter;
    this.shown = this.#wanted;
    this.matching = this.#actors;
    return this;
  }

  /** A transition joins its event, unless that has been shown by itself already. */
  #take(record: InspectorRecord, from: number): void {
    if (record.kind === 'context' || record.kind === 'memory') return;
    if (record.kind === 'instance' && isCallEdge(record)) return;
    if (record.kind === 'transition') {
      for (let index = this.#all.length - 1; index >= Math.max(from, this.#all.length - NEAR); index -= 1) {
        const row = this.#all[index] as Row;
        if (row.actor !== record.actor) continue;
        if (row.record.kind !== 'event' || row.transition !== undefined) break;
        if (record.event !== '' && record.event !== row.type) break;
        row.transition = record;
        row.text += `\n${record.from}\n${record.to}`.toLowerCase();
        return;
      }
    }
    this.#all.push(rowOf(record));
  }
}

function isWanted(row: Row, filter: RowFilter): boolean {
  const { actor, range } = filter;
  if (actor !== undefined && ![row.actor, row.source, ...row.victims].includes(actor)) return false;
  if (filter.transitionsOnly && row.transition === undefined) return false;
  if (filter.errorsOnly && !row.isError) return false;
  if (!filter.showsInternal && isInternal(row)) return false;
  if (filter.type !== undefined && row.type !== filter.type) return false;
  if (range !== undefined && (row.at < range.from || row.at > range.to)) return false;
  return !filter.hiddenTypes.has(row.type);
}

/**
 * Whether a row is of an event that XState sends by itself, as at the end of what a machine invokes, or to an actor that
 * runs no machine, and that led nowhere.
 */
function isInternal({ actor, type, record, transition, isError }: Row): boolean {
  if (record.kind !== 'event' || transition !== undefined || isError) return false;
  return !/^(supervisor|scheduler|(plugin|worker):[^/]+)$/.test(actor) || !/^[A-Z]/.test(type);
}

/** The row of one record. */
export function rowOf(record: InspectorRecord): Row {
  const { seq, at, actor } = record;
  const source = record.kind === 'event' ? record.source : undefined;
  const victims = record.kind === 'decision' ? victimsOf(record) : [];
  const { type, note, isError } = wordsOf(record, victims);
  const transition = record.kind === 'transition' ? record : undefined;
  const states = transition === undefined ? '' : `${transition.from}\n${transition.to}`;
  const text = `${actor}\n${source ?? ''}\n${type}\n${eventText(type)}\n${note}\n${states}`.toLowerCase();
  return { seq, at, actor, source, victims, type, record, transition, note, isError, text };
}

function wordsOf(record: InspectorRecord, victims: readonly ActorId[]): Pick<Row, 'type' | 'note' | 'isError'> {
  switch (record.kind) {
    case 'event':
      return { type: record.event, note: '', isError: record.event.endsWith(' failed') };
    case 'transition':
      return { type: record.event, note: record.reason ?? '', isError: record.to.startsWith('crashed') };
    case 'instance': {
      const { generation, from, to, reason } = record;
      const note = [`#${generation}: ${from} → ${to}`, reason].filter(Boolean).join(' · ');
      return { type: 'instance', note, isError: to.startsWith('crashed') };
    }
    case 'crash':
      return { type: 'crash', note: `${record.error.code} ${record.error.message}`, isError: true };
    case 'decision': {
      const { actor, outcome, reason } = record;
      const evicted = victims.map(actorText).join(', ');
      const note = evicted === '' ? reason : `evicting ${evicted} for ${actorText(actor)}`;
      return { type: `decision: ${outcome}`, note, isError: outcome === 'refuse' };
    }
    case 'call': {
      const { tool, client, edge, outcome, message, tookMs, skipped } = record;
      const left = skipped === undefined ? [] : [`${skipped.toLocaleString()} earlier calls are not shown`];
      const isError = outcome !== undefined && outcome !== 'ok';
      const of = (what: string): string => (tool === undefined ? what : `${tool}: ${what}`);
      if (edge === 'start')
        return {
          type: 'call',
          note: [of(client === undefined ? 'begins' : `begins for ${client}`), ...left].join(' · '),
          isError,
        };
      const said = message === undefined ? [] : [message];
      const note = [of(`${outcome ?? ''} after ${Math.round(tookMs ?? 0)} ms`), ...said, ...left].join(' · ');
      return { type: 'call', note, isError };
    }
    case 'problem':
      return {
        type: 'problem',
        note: [record.file, record.field, record.message].filter(Boolean).join(' · '),
        isError: true,
      };
    case 'code': {
      const { outcome, files, message, tookMs } = record;
      const took = tookMs === undefined ? undefined : `${tookMs} ms after the change`;
      return {
        type: `code: ${outcome}`,
        note: [files.join(', '), message, took].filter(Boolean).join(' · '),
        isError: message !== undefined,
      };
    }
    case 'control':
      return {
        type: `inspector: ${record.action}`,
        note: [record.outcome, record.message].filter(Boolean).join(' · '),
        isError: record.outcome === 'failed',
      };
    case 'presence':
      return { type: record.snapshot === undefined ? 'gone' : 'came', note: '', isError: false };
    default:
      return { type: record.kind, note: '', isError: false };
  }
}
