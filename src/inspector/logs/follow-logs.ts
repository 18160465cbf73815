import { setTimeout as delay } from 'node:timers/promises';
import type { FolderChanges } from '../../logs/folder-changes.ts';
import type { LogLine, LogNews } from '../wire-logs.ts';
import type { LineFilter } from './line-filter.ts';
import { type LogCursor, parseCursor } from './log-cursor.ts';
import { readPluginLines } from './plugin-lines.ts';

/** Which logs are followed. */
export interface FollowRequest {
  /** The plugins, among which others may come. */
  readonly plugins: () => Iterable<string>;
  readonly fileOf: (plugin: string) => string;
  /** Lines after it are told. */
  readonly from: LogCursor;
  readonly filter: LineFilter;
  /** What happens in the folder of the logs. */
  readonly changes: FolderChanges;
}

/** How often news are told at most, in milliseconds, and of how many lines: together 2,000 lines a second. */
const EVERY_MS = 100;
const MAX_LINES = 200;

/** What comes in the logs, until the signal aborts. Of what comes faster than it is told, the latest lines are. */
export async function* followLogs(request: FollowRequest, signal: AbortSignal): AsyncGenerator<LogNews> {
  const { plugins, fileOf, from, filter, changes } = request;
  const read = new Map<string, LogCursor>();
  /** Which plugins to look at; at first all that there are. */
  let due: Iterable<string> = plugins();
  for (;;) {
    const logged: LogLine[][] = [];
    let left = 0;
    for (const plugin of due) {
      let last: LogLine | undefined;
      const own: LogLine[] = [];
      const lines = { plugin, file: fileOf(plugin), from: read.get(plugin) ?? from, direction: 'after' } as const;
      await readPluginLines(lines, Number.POSITIVE_INFINITY, (line) => {
        last = line;
        const isWanted = filter.searches ? filter.show(line) !== undefined : filter.mayShow(line);
        if (isWanted) own.push(line);
        if (own.length > MAX_LINES * 2) left += own.splice(0, own.length - MAX_LINES).length;
        return !signal.aborted;
      });
      if (last !== undefined) read.set(plugin, parseCursor(last.place) ?? from);
      if (own.length > 0) logged.push(own);
      if (signal.aborted) return;
    }
    const all = logged.length === 1 ? (logged[0] ?? []) : logged.flat().toSorted((a, b) => a.at - b.at);
    const latest = all.slice(-MAX_LINES);
    left += all.length - latest.length;
    const lines = latest.flatMap((line) => filter.show(line) ?? []);
    if (lines.length > 0) yield { lines, left };
    try {
      await delay(EVERY_MS, undefined, { signal, ref: false });
      due = pluginsOf(await changes.next(), request);
    } catch {
      return;
    }
  }
}

/** The plugins whose logs are in these files. */
function pluginsOf(files: ReadonlySet<string>, { plugins, fileOf }: FollowRequest): string[] {
  return [...plugins()].filter((plugin) => files.has(fileOf(plugin)));
}
