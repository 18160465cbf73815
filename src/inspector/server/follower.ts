import type { Writable } from 'node:stream';
import type { Journal } from '../record/journal.ts';

/** How long records are gathered before they are written, in milliseconds. */
const FLUSH_MS = 50;
/** More than this many characters are not gathered, nor written at once. */
const BATCH = 256 * 1_024;
/** A reader that is further behind than this many characters is brought up to date at once. */
const MAX_BACKLOG = 4 * 2 ** 20;

/** How records are written for a reader. */
export interface Encoding {
  /** Everything at this moment, and the `seq` it stands for. */
  sync(): { readonly text: string; readonly seq: number };
  /** Records, each JSON, the last with this `seq`. */
  batch(records: readonly string[], last: number): string;
  /** These records are not written; a sync follows. */
  drop(from: number, to: number): string;
  /** Whether calls are written with their payloads, which others ask for. Default false. */
  readonly isWhole?: boolean;
}

/**
 * Writes a journal into a stream: a sync, then what is recorded from then on. It takes from the journal only what the
 * stream has room for, so a reader that does not read costs no more than what is in the stream's own buffer.
 */
export class Follower {
  readonly #journal: Journal;
  readonly #sink: Writable;
  readonly #encoding: Encoding;
  readonly #release: () => void;
  readonly #onDrain = (): void => {
    this.#isFull = false;
    this.#write();
  };
  #seq: number;
  #end: number;
  #isFull = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param seq the last record that the reader has; undefined where it has nothing */
  constructor(journal: Journal, sink: Writable, encoding: Encoding, seq?: number) {
    this.#journal = journal;
    this.#sink = sink;
    this.#encoding = encoding;
    this.#seq = seq ?? 0;
    this.#end = journal.endOf(this.#seq);
    this.#release = journal.onRecords(() => this.#onRecords());
    sink.on('drain', this.#onDrain);
    if (seq === undefined) this.#writeSync('');
    this.#write();
  }

  /** Writes what there is without waiting for more. */
  flush(): void {
    this.#write();
  }

  /** Writes nothing more. The stream stays open. */
  close(): void {
    this.#release();
    this.#sink.off('drain', this.#onDrain);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #onRecords(): void {
    if (this.#isFull) return;
    if (this.#journal.end - this.#end >= BATCH) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), FLUSH_MS).unref();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#isFull && this.#seq < this.#journal.seq) {
      if (this.#seq < this.#journal.remembersFrom || this.#journal.end - this.#end > MAX_BACKLOG) {
        this.#writeSync(this.#encoding.drop(this.#seq + 1, this.#journal.seq));
        continue;
      }
      const excerpt = this.#journal.excerpt(this.#seq, BATCH, this.#encoding.isWhole);
      if (excerpt === undefined) return;
      this.#seq = excerpt.last;
      this.#end = excerpt.end;
      this.#put(this.#encoding.batch(excerpt.records, excerpt.last));
    }
  }

  #writeSync(before: string): void {
    const { text, seq } = this.#encoding.sync();
    this.#seq = seq;
    this.#end = this.#journal.endOf(seq);
    this.#put(before + text);
  }

  #put(text: string): void {
    this.#isFull = !this.#sink.write(text);
  }
}
