import type { NewRecord } from './journal-entry.ts';

/** How many records may await the end of a machine's step. */
const MAX_PENDING = 1_000;

/**
 * Records that are completed once the code that runs has come to its end: in the middle of a machine's step its context
 * is still the one before.
 */
export class PendingRecords {
  readonly #settle: () => void;
  #records: NewRecord[] = [];
  /** What is too long for some of them, as JSON. */
  readonly #payloads = new WeakMap<NewRecord, string>();
  #isScheduled = false;

  /** @param settle completes and takes the records; called at the end of the code that runs, or when they are many */
  constructor(settle: () => void) {
    this.#settle = settle;
  }

  get all(): readonly NewRecord[] {
    return this.#records;
  }

  add(record: NewRecord, payload?: string): void {
    this.#records.push(record);
    if (payload !== undefined) this.#payloads.set(record, payload);
    this.schedule();
    if (this.#records.length >= MAX_PENDING) this.#settle();
  }

  /** Adds a record ahead of the others. */
  addFirst(record: NewRecord): void {
    this.#records.unshift(record);
  }

  payloadOf(record: NewRecord): string | undefined {
    return record.kind === 'event' || record.kind === 'call' ? this.#payloads.get(record) : undefined;
  }

  /** Removes and returns all of them. */
  take(): readonly NewRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  /** Something has changed that is completed at the end of the code that runs. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#onTick);
  }

  readonly #onTick = (): void => {
    this.#isScheduled = false;
    this.#settle();
  };
}
