import { isOfCalls, subjectOf } from '../of-calls.ts';
import type { ContextChange, InspectorRecord, Json } from '../wire.ts';
import type { Entry } from './ring.ts';

type WithoutSeq<R> = R extends unknown ? Omit<R, 'seq'> : never;

/** A record that has not been given its `seq` yet. */
export type NewRecord = WithoutSeq<InspectorRecord>;

/** What a record counts for that is written as JSON only when somebody reads it, in characters: about what it will be. */
const LIGHT = 300;
/** A longer text is not taken for light, in characters. */
const LONG_TEXT = 100;

/** A record as it is remembered: as JSON, which is written once for all who read it. */
export class JournalEntry implements Entry {
  readonly seq: number;
  readonly size: number;
  /** How many characters were recorded up to and with this one, without payloads. */
  readonly end: number;
  /** What is too long for the record itself, as JSON; that of a call is remembered apart. */
  readonly payload: string | undefined;
  /** See {@link subjectOf}, of a record of quick calls. */
  readonly subject: string | undefined;
  readonly #payloadSize: number | undefined;
  /** As JSON once it is written. */
  #record: NewRecord | string;

  /** @param start how many characters were recorded before */
  constructor(seq: number, record: NewRecord, payload: string | undefined, start: number) {
    this.seq = seq;
    this.payload = record.kind === 'call' ? undefined : payload;
    this.#payloadSize = payload?.length;
    this.#record = record;
    this.subject = isOfCalls(record) ? subjectOf(record) : undefined;
    // Most records are never read, and to write one costs more than all the rest.
    const length = isLight(record) ? LIGHT : this.json.length;
    this.end = start + length;
    this.size = length + (this.payload?.length ?? 0);
  }

  /** How many characters the record counts for. */
  get length(): number {
    return this.size - (this.payload?.length ?? 0);
  }

  get json(): string {
    if (typeof this.#record !== 'string') {
      this.#record = JSON.stringify({ seq: this.seq, ...this.#record, payloadSize: this.#payloadSize });
    }
    return this.#record;
  }
}

/** Whether a record is of the kinds that come often, and short. */
function isLight(record: NewRecord): boolean {
  switch (record.kind) {
    case 'call':
    case 'memory':
      return true;
    case 'transition':
      return record.reason === undefined && (record.context === undefined || isSmall(record.context));
    case 'context':
      return isSmall(record.context);
    case 'instance':
      return record.reason === undefined;
    case 'crash':
    case 'decision':
    case 'problem':
    case 'code':
    case 'control':
    case 'presence':
    case 'event':
      return false;
  }
}

function isSmall(context: ContextChange): boolean {
  for (const key in context) {
    const change = context[key];
    if (!isShort(change?.before) || !isShort(change?.after)) return false;
  }
  return true;
}

function isShort(value: Json | undefined): boolean {
  return typeof value === 'string' ? value.length <= LONG_TEXT : typeof value !== 'object' || value === null;
}
