// What the inspector's server and its page say to each other of logs: types only, as in wire.ts.

import type { LogLevel } from '../logs/log-line.ts';

export type { LogLevel };

/**
 * One line of a plugin's log. `GET /api/logs` answers with a {@link LogPage}, `GET /api/logs/live` with lines of JSON, a
 * {@link LogNews} each. Both take of the query: `plugin` (all of them without it), `text`, which the line contains in any
 * case, and `level`, which it has at least.
 */
export interface LogLine {
  /** Where it stands among the lines of all plugins; what {@link LogPage.next} and the query's `from` say too. */
  readonly place: string;
  readonly at: number;
  readonly plugin: string;
  /** Which worker printed it. */
  readonly generation?: number | undefined;
  /** Absent in what the runtime says itself. */
  readonly stream?: 'stdout' | 'stderr' | undefined;
  /** Absent where the line does not say. */
  readonly level?: LogLevel | undefined;
  readonly text: string;
}

/**
 * Some lines. The query says which: `to=before` or `to=after`, and from where by `from`, a place, or `at`, a time, which
 * is itself before; without both from the end.
 */
export interface LogPage {
  /** The oldest first. */
  readonly lines: readonly LogLine[];
  /** From where to ask for more in the same direction; absent where there is no more. */
  readonly next?: string | undefined;
  /** When the line at `next` was logged, up to which all has been looked through. */
  readonly reached?: number | undefined;
  /** Whether older lines than the first there is are no longer kept. Only where there is no more before. */
  readonly isCut?: boolean | undefined;
}

/** What was logged since the line before. */
export interface LogNews {
  readonly lines: readonly LogLine[];
  /** How many lines before these were left out, as they came too fast. */
  readonly left: number;
}
