import type { ContextChange, TransitionRecord } from '../wire.ts';
import { JournalEntry, type NewRecord } from './journal-entry.ts';
import { Ring } from './ring.ts';

/** Records that follow one another, as JSON. */
export interface Excerpt {
  readonly records: readonly string[];
  /** The `seq` of the last of them. */
  readonly last: number;
  /** Where the last of them stands among all that was ever recorded, in characters. */
  readonly end: number;
}

/** What comes often is remembered apart, so that it does not push out the crash that came before. */
const MILESTONES = { entries: 10_000, characters: 2 * 2 ** 20 };
/** What comes with every call. */
const CALLS = { entries: 10_000, characters: 2 * 2 ** 20 };
const EVENTS = { entries: 20_000, characters: 4 * 2 ** 20 };

/** What was recorded, as far as it is remembered, in the order in which it happened. */
export class Journal {
  readonly #milestones = new Ring<JournalEntry>(MILESTONES);
  readonly #calls = new Ring<JournalEntry>(CALLS);
  readonly #events = new Ring<JournalEntry>(EVENTS);
  readonly #listeners = new Set<() => void>();
  #seq = 0;
  #end = 0;

  /** The `seq` of the last record; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** About how many characters of JSON were ever recorded. */
  get end(): number {
    return this.#end;
  }

  /** Adds a record and returns its `seq`. `payload` is what is too long for the record itself, as JSON. */
  add(record: NewRecord, payload?: string): number {
    this.#seq += 1;
    const entry = new JournalEntry(this.#seq, record, payload, this.#end);
    this.#end = entry.end;
    this.#ringFor(record).add(entry);
    return this.#seq;
  }

  /** Calls back whenever {@link announce} says so. Returns how to stop. */
  onRecords(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells the listeners that records were added. */
  announce(): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Everything but the events, the oldest first, as JSON. */
  milestones(): string[] {
    return Array.from(inOrder([this.#milestones, this.#calls], 0), ({ json }) => json);
  }

  /** Everything that is remembered, the oldest first, as JSON. */
  all(): string[] {
    return Array.from(this.#after(0), ({ json }) => json);
  }

  /** What is too long for the record with this `seq`, as JSON. */
  payload(seq: number): string | undefined {
    return this.#events.find(seq)?.payload;
  }

  /** Every record after this `seq` is remembered. */
  get remembersFrom(): number {
    return Math.max(...this.#rings.map(({ lost }) => lost));
  }

  /** Where the records up to this `seq` end, in characters. */
  endOf(seq: number): number {
    const next = this.#after(seq).next().value;
    return next === undefined ? this.#end : next.end - next.length;
  }

  /** The records after this `seq`, at least one and else no more than this many characters; none where there is none. */
  excerpt(seq: number, characters: number): Excerpt | undefined {
    const records: string[] = [];
    let length = 0;
    let latest: JournalEntry | undefined;
    for (const entry of this.#after(seq)) {
      length += entry.length;
      if (latest !== undefined && length > characters) break;
      records.push(entry.json);
      latest = entry;
    }
    return latest && { records, last: latest.seq, end: latest.end };
  }

  get #rings(): Ring<JournalEntry>[] {
    return [this.#milestones, this.#calls, this.#events];
  }

  #ringFor(record: NewRecord): Ring<JournalEntry> {
    switch (record.kind) {
      case 'event':
        return this.#events;
      case 'call':
        return this.#calls;
      case 'transition':
      case 'instance':
        return isCallEdge(record) ? this.#calls : this.#milestones;
      case 'context':
        return isOfCalls(record.context) ? this.#calls : this.#milestones;
      default:
        return this.#milestones;
    }
  }

  #after(seq: number): Generator<JournalEntry, undefined> {
    return inOrder(this.#rings, seq);
  }
}

/** Whether a plugin, or an instance of it, goes to its first call, or comes from its last. */
export const isCallEdge = ({ from, to }: Pick<TransitionRecord, 'from' | 'to'>): boolean =>
  (from === 'ready' && to === 'busy.serving') || (/^busy(\.serving)?$/.test(from) && to === 'ready');

/** Whether nothing but the number of calls has changed. */
function isOfCalls(context: ContextChange): boolean {
  for (const key in context) if (key !== 'inFlight' && key !== 'waiting') return false;
  return true;
}

/** The entries of several rings after this `seq`, the oldest first. */
function* inOrder(rings: readonly Ring<JournalEntry>[], seq: number): Generator<JournalEntry, undefined> {
  const heads = rings.map((ring) => {
    const entries = ring.after(seq);
    return { entries, entry: entries.next().value };
  });
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.entry !== undefined && (first?.entry === undefined || head.entry.seq < first.entry.seq)) first = head;
    }
    if (first?.entry === undefined) return;
    yield first.entry;
    first.entry = first.entries.next().value;
  }
}
