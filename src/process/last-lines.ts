import { shortened } from '../text/shortened.ts';

/** How many lines are kept, enough for a traceback, and how much of each. */
const MAX_LINES = 100;
const MAX_CHARACTERS = 2_000;

/** How long before a process's last line others may have been printed that belong to it, in milliseconds. */
const TOGETHER_MS = 10_000;

/** What a process printed last. */
export interface LastWords {
  /** Its last line with those shortly before it. */
  readonly text: string;
  /** How long ago the last line was printed, in milliseconds. */
  readonly agoMs: number;
}

/** The last lines that a process has printed, each shortened, and when. */
export class LastLines {
  readonly #lines: { readonly text: string; readonly at: number }[] = [];
  readonly #now: () => number;

  /** `now` is a clock that cannot be set, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes a line that was printed just now. */
  add(line: string): void {
    this.#lines.push({ text: shortened(line, MAX_CHARACTERS), at: this.#now() });
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
  }

  /** Forgets all of them. */
  clear(): void {
    this.#lines.length = 0;
  }

  /** All that are kept, whenever they were printed. */
  get text(): string {
    return this.#lines.map(({ text }) => text).join('\n');
  }

  /** Those of the end alone: what came long before may be of another call, and no cause of what happened now. */
  get lastWords(): LastWords | undefined {
    const last = this.#lines.findLast(({ text }) => text.trim() !== '');
    if (last === undefined) return undefined;
    const together = this.#lines.filter(({ at }) => last.at - at <= TOGETHER_MS);
    return { text: together.map(({ text }) => text).join('\n'), agoMs: this.#now() - last.at };
  }
}
