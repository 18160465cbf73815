import { randomBytes } from 'node:crypto';
import { printedJson } from '../json/printed-json.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { EventStream } from '../server/event-stream.ts';

const KEPT = 4_096;

interface Kept {
  readonly seq: number;
  readonly event: string;
  readonly data: string;
}

/** The events of a supervisor in order, for readers that come and go. */
export class EventFeed {
  readonly #supervisor: Supervisor;
  readonly #remembered: number;
  /** Tells the events of this feed from those of the one before it. */
  readonly #id = randomBytes(4).toString('hex');
  readonly #kept: Kept[] = [];
  readonly #readers = new Set<{ wake(): void; finish(): void }>();
  readonly #stop: readonly (() => void)[];
  #seq = 0;

  /** @param remembered how many events are kept at least for readers that are behind, or come again */
  constructor(supervisor: Supervisor, remembered = KEPT) {
    this.#supervisor = supervisor;
    this.#remembered = remembered;
    const note =
      (event: string) =>
      (value: unknown): void =>
        this.#add(event, printedJson(value));
    this.#stop = [
      supervisor.on('transition', note('transition')),
      supervisor.on('instance', note('instance')),
      supervisor.on('decision', note('decision')),
      supervisor.on('eviction', note('eviction')),
      supervisor.on('code', note('code')),
      supervisor.on('problem', (problems) => this.#add('problem', printedJson({ problems }))),
    ];
  }

  /**
   * Writes events until the reader goes: those after `last`, where that is an event of this feed that is still known;
   * else first a `snapshot` of all plugins. A reader that falls further behind than the feed remembers gets a snapshot.
   */
  async follow(events: EventStream, last: string | undefined): Promise<void> {
    let seq = this.#seqOf(last);
    let isFinished = false;
    let wake = (): void => {};
    const reader = {
      wake: () => wake(),
      finish: () => {
        isFinished = true;
        wake();
      },
    };
    this.#readers.add(reader);
    try {
      while (!events.closed) {
        if (seq === undefined || seq < this.#first - 1) {
          seq = this.#seq;
          const snapshot = { ...this.#supervisor.snapshot(), problems: this.#supervisor.problems() };
          events.send('snapshot', printedJson(snapshot), this.#idOf(seq));
        }
        const next = this.#kept[seq - this.#first + 1];
        if (next !== undefined) {
          seq = next.seq;
          if (!events.send(next.event, next.data, this.#idOf(seq))) await events.drained();
          continue;
        }
        if (isFinished) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
          events.onClose(resolve);
        });
      }
    } finally {
      this.#readers.delete(reader);
      events.end();
    }
  }

  /** Ends the streams of all readers, after the last event. */
  finish(): void {
    for (const reader of [...this.#readers]) reader.finish();
  }

  /** Listens no more. */
  close(): void {
    for (const stop of this.#stop) stop();
    this.finish();
  }

  get #first(): number {
    return this.#kept[0]?.seq ?? this.#seq + 1;
  }

  #add(event: string, data: string): void {
    this.#seq += 1;
    this.#kept.push({ seq: this.#seq, event, data });
    if (this.#kept.length > 2 * this.#remembered) this.#kept.splice(0, this.#remembered);
    for (const reader of this.#readers) reader.wake();
  }

  #idOf(seq: number): string {
    return `${this.#id}-${seq}`;
  }

  #seqOf(id: string | undefined): number | undefined {
    const [feed, digits = ''] = id?.split('-') ?? [];
    const seq = Number(digits);
    return feed === this.#id && /^\d{1,15}$/.test(digits) && seq <= this.#seq ? seq : undefined;
  }
}
