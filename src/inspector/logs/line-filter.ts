import { LOG_LEVELS, type LogLevel } from '../../logs/log-line.ts';
import type { LogLine } from '../wire-logs.ts';

/** Which lines are wanted. */
export interface Wanted {
  /** What they contain, in any case; '' where that does not matter. */
  readonly text: string;
  /** The level that they have at least; those that say none are left out by any. */
  readonly level: LogLevel | undefined;
}

/**
 * Chooses lines and redacts them. What is searched for must be in the line as it is shown, not only as it was printed:
 * secrets could be guessed letter by letter otherwise.
 */
export class LineFilter {
  /** Whether it depends on the redacted text. */
  readonly searches: boolean;
  readonly #text: string;
  readonly #level: number;
  readonly #redact: (text: string) => string;

  constructor({ text, level }: Wanted, redact: (text: string) => string) {
    this.searches = text !== '';
    this.#text = text.toLowerCase();
    this.#level = level === undefined ? -1 : LOG_LEVELS.indexOf(level);
    this.#redact = redact;
  }

  /** Whether a line as it was printed may be wanted. Redacting takes longer than all else, and most lines may be spared it. */
  mayShow({ level, text }: LogLine): boolean {
    const isBad = this.#level < 0 || (level !== undefined && LOG_LEVELS.indexOf(level) >= this.#level);
    return isBad && (!this.searches || text.toLowerCase().includes(this.#text));
  }

  /** The line as it is shown; undefined where it is not wanted. */
  show(line: LogLine): LogLine | undefined {
    if (!this.mayShow(line)) return undefined;
    const text = this.#redact(line.text);
    return this.searches && !text.toLowerCase().includes(this.#text) ? undefined : { ...line, text };
  }
}
