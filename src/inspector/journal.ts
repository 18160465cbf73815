import { JournalEntry, type NewRecord } from './journal-entry.ts';
import { Ring } from './ring.ts';
import type { EventRecord } from './wire.ts';

/** Records that follow one another, as JSON. */
export interface Excerpt {
  readonly records: readonly string[];
  /** The `seq` of the last of them. */
  readonly last: number;
  /** Where the last of them stands among all that was ever recorded, in characters. */
  readonly end: number;
}

/** Milestones and events are remembered apart, so that many events do not push out the crash that came before. */
const MILESTONES = { entries: 10_000, characters: 2 * 2 ** 20 };
const EVENTS = { entries: 20_000, characters: 4 * 2 ** 20 };

/** What was recorded, as far as it is remembered, in the order in which it happened. */
export class Journal {
  readonly #milestones = new Ring<JournalEntry>(MILESTONES);
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
    const ring = record.kind === ('event' satisfies EventRecord['kind']) ? this.#events : this.#milestones;
    ring.add(entry);
    return this.#seq;
  }

  /** Calls back whenever {@link announce} says so. Returns how to stop. */
  onRecords(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells those who listen that records were added. */
  announce(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** The milestones, the oldest first, as JSON. */
  milestones(): string[] {
    return Array.from(this.#milestones.after(0), ({ json }) => json);
  }

  /** Everything that is remembered, the oldest first, as JSON. */
  all(): string[] {
    return Array.from(this.#after(0), ({ json }) => json);
  }

  /** What is too long for the record with this `seq`, as JSON. */
  payload(seq: number): string | undefined {
    return (this.#milestones.find(seq) ?? this.#events.find(seq))?.payload;
  }

  /** Every record after this `seq` is remembered. */
  get remembersFrom(): number {
    return Math.max(this.#milestones.lost, this.#events.lost);
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

  *#after(seq: number): Generator<JournalEntry, undefined> {
    const [milestones, events] = [this.#milestones.after(seq), this.#events.after(seq)];
    let milestone = milestones.next().value;
    let event = events.next().value;
    while (milestone !== undefined || event !== undefined) {
      if (event === undefined || (milestone !== undefined && milestone.seq < event.seq)) {
        yield milestone as JournalEntry;
        milestone = milestones.next().value;
      } else {
        yield event;
        event = events.next().value;
      }
    }
  }
}
