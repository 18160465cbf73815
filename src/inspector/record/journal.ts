import { isNotable, isOfCalls } from '../of-calls.ts';
import { JournalEntry, type NewRecord } from './journal-entry.ts';
import { type Entry, Ring } from './ring.ts';

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
/** Calls that failed or were slow, which quick ones do not push out. */
const NOTABLE_CALLS = { entries: 2_000, characters: 2 * 2 ** 20 };
/** What calls were given and gave, and the same of those that failed or were slow. */
const PAYLOADS = { entries: 10_000, characters: 2 * 2 ** 20 };
const NOTABLE_PAYLOADS = { entries: 2_000, characters: 4 * 2 ** 20 };
const EVENTS = { entries: 20_000, characters: 4 * 2 ** 20 };
/** So many states and counts are held of which nothing was told for long. */
const MAX_HELD = 5_000;

/** What is too long for a record, as JSON, remembered apart from it. */
interface Payload extends Entry {
  readonly text: string;
}

/** What was recorded, as far as it is remembered, in the order in which it happened. */
export class Journal {
  readonly #milestones = new Ring<JournalEntry>(MILESTONES);
  readonly #calls = new Ring<JournalEntry>(CALLS, (entry) => this.#onLost(entry));
  /** Of each subject the last that quick calls have told and that is forgotten else: it may hold for long. */
  readonly #held = new Map<string, JournalEntry>();
  readonly #notableCalls = new Ring<JournalEntry>(NOTABLE_CALLS);
  readonly #events = new Ring<JournalEntry>(EVENTS);
  readonly #payloads = new Ring<Payload>(PAYLOADS);
  readonly #notablePayloads = new Ring<Payload>(NOTABLE_PAYLOADS);
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
    if (record.kind === 'call' && payload !== undefined) {
      const ring = isNotable(record) ? this.#notablePayloads : this.#payloads;
      ring.add({ seq: this.#seq, size: payload.length, text: payload });
    }
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
    const rings = [this.#milestones, this.#calls, this.#notableCalls];
    return Array.from(inOrder([...rings.map((ring) => ring.after(0)), this.#heldInOrder()]), ({ json }) => json);
  }

  /** Everything that is remembered, the oldest first, as JSON; calls with what is remembered of their payloads. */
  all(): string[] {
    return Array.from(inOrder([this.#after(0), this.#heldInOrder()]), (entry) => this.#whole(entry));
  }

  /** The calls that failed or were slow, as far as they are remembered, the oldest first, as JSON. */
  notableCalls(): string[] {
    return Array.from(this.#notableCalls.after(0), ({ json }) => json);
  }

  /** What is too long for the record with this `seq`, as JSON. */
  payload(seq: number): string | undefined {
    return this.#events.find(seq)?.payload ?? this.#payloadOfCall(seq);
  }

  #payloadOfCall(seq: number): string | undefined {
    return (this.#notablePayloads.find(seq) ?? this.#payloads.find(seq))?.text;
  }

  /** A record with its payload, where that is of a call. */
  #whole({ seq, json }: JournalEntry): string {
    const payload = this.#payloadOfCall(seq);
    return payload === undefined ? json : `${json.slice(0, -1)},"payload":${payload}}`;
  }

  /** Every record after this `seq` is remembered. */
  get remembersFrom(): number {
    return Math.max(...this.#rings.map(({ lost }) => lost));
  }

  /** Every record after this `seq` that tells what an actor is at is remembered; of those before, some may not be. */
  get completeFrom(): number {
    return Math.max(this.#milestones.lost, this.#calls.lost);
  }

  /** Where the records up to this `seq` end, in characters. */
  endOf(seq: number): number {
    const next = this.#after(seq).next().value;
    return next === undefined ? this.#end : next.end - next.length;
  }

  /**
   * The records after this `seq`, at least one and else no more than this many characters; none where there is none.
   *
   * @param isWhole whether calls are to have their payloads with them
   */
  excerpt(seq: number, characters: number, isWhole = false): Excerpt | undefined {
    const records: string[] = [];
    let length = 0;
    let latest: JournalEntry | undefined;
    for (const entry of this.#after(seq)) {
      length += entry.length;
      if (latest !== undefined && length > characters) break;
      records.push(isWhole ? this.#whole(entry) : entry.json);
      latest = entry;
    }
    return latest && { records, last: latest.seq, end: latest.end };
  }

  get #rings(): Ring<JournalEntry>[] {
    return [this.#milestones, this.#calls, this.#notableCalls, this.#events];
  }

  #ringFor(record: NewRecord): Ring<JournalEntry> {
    if (record.kind === 'event') return this.#events;
    if (isOfCalls(record)) return this.#calls;
    return record.kind === 'call' ? this.#notableCalls : this.#milestones;
  }

  #onLost(entry: JournalEntry): void {
    const { subject } = entry;
    if (subject === undefined) return;
    // The latest is the last.
    this.#held.delete(subject);
    this.#held.set(subject, entry);
    if (this.#held.size > MAX_HELD) this.#held.delete(this.#held.keys().next().value as string);
  }

  #heldInOrder(): IterableIterator<JournalEntry> {
    return [...this.#held.values()].toSorted((a, b) => a.seq - b.seq).values();
  }

  #after(seq: number): Generator<JournalEntry, undefined> {
    return inOrder(this.#rings.map((ring) => ring.after(seq)));
  }
}

/** The entries of several that are in order, the oldest first. */
function* inOrder(all: readonly Iterator<JournalEntry>[]): Generator<JournalEntry, undefined> {
  const heads = all.map((entries) => ({ entries, entry: nextOf(entries) }));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.entry !== undefined && (first?.entry === undefined || head.entry.seq < first.entry.seq)) first = head;
    }
    if (first?.entry === undefined) return;
    yield first.entry;
    first.entry = nextOf(first.entries);
  }
}

function nextOf(entries: Iterator<JournalEntry>): JournalEntry | undefined {
  const { done, value } = entries.next();
  return done === true ? undefined : value;
}
