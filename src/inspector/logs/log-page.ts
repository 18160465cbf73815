import type { LogLine, LogPage } from '../wire-logs.ts';
import type { LineFilter } from './line-filter.ts';
import type { LogCursor } from './log-cursor.ts';
import { readPluginLines } from './plugin-lines.ts';

/** Which lines of which logs. */
export interface PageRequest {
  readonly plugins: readonly string[];
  readonly fileOf: (plugin: string) => string;
  readonly from: LogCursor;
  readonly direction: 'before' | 'after';
  readonly filter: LineFilter;
  /** How many lines at most. */
  readonly count: number;
}

/** How much of all logs is read for one page, in bytes; of each log at least {@link LEAST_BYTES}. */
const MAX_BYTES = 4 * 2 ** 20;
const LEAST_BYTES = 64 * 1024;

/**
 * The lines nearest to a cursor, in one direction, of one log or of several by time. Where much was looked through and
 * little found, the page is short, and its `next` leads on.
 */
export async function readLogPage(request: PageRequest): Promise<LogPage> {
  const { plugins, fileOf, from, direction, filter, count } = request;
  const isNearer = direction === 'before' ? isLater : (a: LogLine, b: LogLine): boolean => isLater(b, a);
  const maxBytes = Math.max(LEAST_BYTES, Math.floor(MAX_BYTES / Math.max(1, plugins.length)));
  /** What was found, the nearest first. */
  let found: readonly LogLine[] = [];
  /** The nearest line beyond which a log was not looked through. */
  let horizon: LogLine | undefined;
  let isCut = false;
  for (const plugin of plugins) {
    const own: LogLine[] = [];
    const worst = found[count - 1];
    let last: LogLine | undefined;
    const read = await readPluginLines({ plugin, file: fileOf(plugin), from, direction }, maxBytes, (line) => {
      last = line;
      if (worst !== undefined && isNearer(worst, line)) return false;
      const shown = filter.show(line);
      if (shown !== undefined) own.push(shown);
      return own.length < count;
    });
    isCut ||= read.isCut;
    if (!read.isEnd && last !== undefined && (horizon === undefined || isNearer(last, horizon))) horizon = last;
    found = merge(found, own, isNearer);
    const beyond = found[count] === undefined ? undefined : found[count - 1];
    if (beyond !== undefined && (horizon === undefined || isNearer(beyond, horizon))) horizon = beyond;
    found = found.slice(0, count);
  }
  const end = horizon;
  const lines = end === undefined ? found : found.filter((line) => line.plugin === end.plugin || !isNearer(end, line));
  return {
    lines: direction === 'before' ? lines.toReversed() : lines,
    next: end?.place,
    reached: end?.at,
    isCut: end === undefined && direction === 'before' ? isCut : undefined,
  };
}

/** Whether the first of two lines of different plugins is after the second. */
function isLater(a: LogLine, b: LogLine): boolean {
  return a.at === b.at ? a.plugin > b.plugin : a.at > b.at;
}

/** Two lists in order as one. */
function merge(
  some: readonly LogLine[],
  others: readonly LogLine[],
  isNearer: (a: LogLine, b: LogLine) => boolean,
): readonly LogLine[] {
  if (some.length === 0 || others.length === 0) return some.length === 0 ? others : some;
  const merged: LogLine[] = [];
  let [one, other] = [0, 0];
  while (one < some.length || other < others.length) {
    const [a, b] = [some[one], others[other]];
    if (a === undefined || (b !== undefined && isNearer(b, a))) {
      merged.push(b as LogLine);
      other += 1;
    } else {
      merged.push(a);
      one += 1;
    }
  }
  return merged;
}
