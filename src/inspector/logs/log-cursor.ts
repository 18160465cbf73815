import type { LogPlace } from '../../logs/log-files.ts';

/** Where to read the logs of any number of plugins from: a line of one of them, or only a time. */
export interface LogCursor {
  /** Milliseconds since the epoch. Of a time alone, the lines of that millisecond are before it. */
  readonly at: number;
  readonly line?: LinePlace | undefined;
}

/** Which line. Lines of the same time are in the order of the plugins' names, and those of one plugin as they were logged. */
export interface LinePlace extends LogPlace {
  readonly plugin: string;
}

/** The text of a cursor at a line. */
export function cursorText(at: number, { file, offset, plugin }: LinePlace): string {
  return `${at}.${file}.${offset}.${plugin}`;
}

/** The cursor of a text; undefined where it is not of one. */
export function parseCursor(text: string): LogCursor | undefined {
  const found = /^(\d{1,15})\.(\d{1,20})\.(\d{1,15})\.(.{1,1024})$/s.exec(text);
  if (found === null) return undefined;
  const [, at = '', file = '', offset = '', plugin = ''] = found;
  return { at: Number(at), line: { file, offset: Number(offset), plugin } };
}

/** Up to which time lines of a plugin are before the cursor, where the cursor is not at a line of this plugin. */
export function timeBefore({ at, line }: LogCursor, plugin: string): number {
  return line === undefined || plugin < line.plugin ? at : at - 1;
}
