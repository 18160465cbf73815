import { LogFiles, type PlacedRecord } from '../../logs/log-files.ts';
import { readLogLine } from '../../logs/log-line.ts';
import { createTimeSlice } from '../../time/time-slice.ts';
import type { LogLine } from '../wire-logs.ts';
import { cursorText, type LogCursor, timeBefore } from './log-cursor.ts';

/** How long lines are read and redacted in one turn of the host's loop, in milliseconds; a block of a file comes to this. */
const SLICE_MS = 2;

/** A line as it is in the log, not redacted. */
export type RawLine = LogLine;

/** How the lines of one plugin are read. */
export interface PluginLines {
  readonly plugin: string;
  readonly file: string;
  readonly from: LogCursor;
  readonly direction: 'before' | 'after';
}

/** What is told of a line: it counts no further when false is returned. */
export type Visit = (line: RawLine) => boolean;

/**
 * Reads lines of one plugin's log from a cursor on, nearest first, until `visit` says that it is enough or as many bytes
 * have been read. Resolves to whether there is nothing beyond, and then to whether older lines have been deleted.
 */
export async function readPluginLines(
  { plugin, file, from, direction }: PluginLines,
  maxBytes: number,
  visit: Visit,
): Promise<{ readonly isEnd: boolean; readonly isCut: boolean }> {
  const files = await LogFiles.open(file);
  try {
    const pause = createTimeSlice(SLICE_MS);
    const own = from.line?.plugin === plugin ? from.line : undefined;
    const spot =
      (own && files.spotOf(own)) ??
      (Number.isFinite(from.at) ? await files.spotAt(timeBefore(from, plugin)) : files.end);
    let { at } = from;
    let left = maxBytes;
    for await (const block of files[direction](spot)) {
      for (const record of direction === 'before' ? block.toReversed() : block) {
        await pause();
        // The cursor's own line has been read.
        if (direction === 'after' && own?.offset === record.offset && own.file === record.file) continue;
        const line = lineOf(plugin, record, at);
        at = line.at;
        left -= record.record.length;
        if (!visit(line) || left <= 0) return { isEnd: false, isCut: false };
      }
    }
    return { isEnd: true, isCut: files.isFull };
  } finally {
    await files.close();
  }
}

/** @param near the time of the line beside, for one that has none */
function lineOf(plugin: string, { record, ...place }: PlacedRecord, near: number): RawLine {
  const { at = Number.isFinite(near) ? near : 0, ...line } = readLogLine(record);
  return { place: cursorText(at, { ...place, plugin }), at, plugin, ...line };
}
