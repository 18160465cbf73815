import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { onAbort } from '../events/abort-watch.ts';
import { makeFolder } from '../files/make-folder.ts';
import { createLineSplitter } from '../process/line-splitter.ts';
import { type OpenLog, openLog, unreadable } from './open-log.ts';

/** Settings of {@link followLog}. */
export interface FollowOptions {
  /** How many of the lines already there come first. Default 10. */
  readonly lines?: number | undefined;
  /** Ends the following. */
  readonly signal?: AbortSignal | undefined;
  /** Whether each line is preceded by the number of the worker that it is of, as `#3`. */
  readonly numbered?: boolean | undefined;
  /** Says that nothing more will be written: the following ends with what is there, and nothing is watched any more. */
  readonly until?: AbortSignal | undefined;
}

const BLOCK_BYTES = 64 * 1024;

/** Longer than any record that `openPluginLog` writes: JSON takes up to six bytes for a character. */
const MAX_RECORD_BYTES = 1024 * 1024;

/**
 * The last lines of a plugin's log, files put aside included, as the worker printed them, one a line; `numbered` as in
 * {@link FollowOptions}. Empty where there is no log.
 */
export async function tailLog(file: string, lines: number, numbered = false): Promise<string> {
  return (await tailRecords(file, lines)).map((record) => messageOfRecord(record, numbered)).join('\n');
}

/** The same as the records of the log: a line of JSON each. */
export async function tailRecords(file: string, lines: number): Promise<string[]> {
  const newest = await openLog(file);
  try {
    return await lastRecords(file, newest, lines);
  } finally {
    await newest?.handle.close();
  }
}

/**
 * The lines of a plugin's log as they come, across files put aside; the file need not be there yet, its folder is made
 * if need be. Ends with the signal; leaving the loop closes everything.
 */
export async function* followLog(file: string, options: FollowOptions = {}): AsyncGenerator<string, void, undefined> {
  for await (const record of followRecords(file, options)) yield messageOfRecord(record, options.numbered === true);
}

/** The same as the records of the log: a line of JSON each. */
export function followRecords(file: string, options: FollowOptions = {}): AsyncIterableIterator<string> {
  return new FollowedLog(file, options);
}

/** What a followed log holds open. */
interface Held {
  changes?: Awaited<ReturnType<typeof watchFile>> | undefined;
  current?: OpenLog | undefined;
}

async function letGo(held: Held): Promise<void> {
  held.changes?.close();
  const { current } = held;
  held.current = undefined;
  await current?.handle.close();
}

/** Lets go of what is held for a log that the program has dropped without leaving it. */
const dropped = new FinalizationRegistry<Held>((held) => void letGo(held).catch(() => {}));

/**
 * What the program holds of a followed log. Nothing that is open refers to it, except while a `next()` waits, so that all
 * is closed when it is collected; a file that Node itself has to close then is an error since Node 25.
 */
class FollowedLog implements AsyncIterableIterator<string> {
  readonly #records: AsyncGenerator<string, void, undefined>;

  constructor(file: string, options: FollowOptions) {
    const held: Held = {};
    this.#records = recordsOf(file, options, held);
    dropped.register(this, held);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string>> {
    const next = this.#records.next();
    // A program may hold the promise alone.
    const keep = (): unknown => this;
    next.then(keep, keep);
    return next;
  }

  return(): Promise<IteratorResult<string>> {
    return this.#records.return(undefined);
  }
}

async function* recordsOf(file: string, options: FollowOptions, held: Held): AsyncGenerator<string, void, undefined> {
  const { lines = 10, signal, until } = options;
  if (signal?.aborted) return;
  const changes = await watchFile(file, signal, until).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  held.changes = changes;
  try {
    held.current = await openLog(file);
    for (const record of await lastRecords(file, held.current, lines)) yield record;
    const records: string[] = [];
    const splitter = createLineSplitter({
      onLine: (line) => records.push(line),
      maxLineBytes: MAX_RECORD_BYTES,
      keep: 0,
    });
    for (;;) {
      const seen = changes.count();
      if (signal?.aborted) return;
      const isLast = until?.aborted === true;
      // Looked for first: once there is a newer file, nothing is added to this one.
      const next: OpenLog | undefined = await newerLog(file, held.current);
      if (held.current !== undefined) {
        for await (const block of unread(held.current)) {
          splitter.write(block);
          for (const record of records.splice(0)) yield record;
        }
      }
      if (next === undefined) {
        if (isLast) return;
        await changes.after(seen);
        continue;
      }
      await held.current?.handle.close();
      held.current = next;
      splitter.end();
    }
  } finally {
    await letGo(held);
  }
}

/** The last complete records up to where `newest` ends now, oldest first; `newest` is then read up to there. */
async function lastRecords(file: string, newest: OpenLog | undefined, count: number): Promise<string[]> {
  const seen = new Set([newest?.inode]);
  let records = newest === undefined ? [] : await lastLines(newest, count);
  for (let number = 1; records.length < count; number++) {
    const older = await openLog(`${file}.${number}`);
    if (older === undefined) break;
    try {
      // The files may move on by one while they are opened.
      if (!seen.has(older.inode)) records = [...(await lastLines(older, count - records.length)), ...records];
      seen.add(older.inode);
    } finally {
      await older.handle.close();
    }
  }
  return records;
}

/** The last complete lines of one file, read backwards; leaves `position` behind the last of them. */
async function lastLines(log: OpenLog, count: number): Promise<string[]> {
  const blocks: Buffer[] = [];
  let lineEnds = 0;
  let start = (await log.handle.stat()).size;
  log.position = start;
  while (start > 0 && lineEnds <= count) {
    const size = Math.min(BLOCK_BYTES, start);
    const block = Buffer.alloc(size);
    const { bytesRead } = await log.handle.read(block, 0, size, start - size);
    if (bytesRead < size) break;
    start -= size;
    lineEnds += occurrences(block, 0x0a);
    blocks.unshift(block);
  }
  const bytes = Buffer.concat(blocks);
  const end = bytes.lastIndexOf(0x0a) + 1;
  log.position -= bytes.length - end;
  const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  return count > 0 ? lines.slice(-count) : [];
}

function occurrences(bytes: Buffer, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) found++;
  return found;
}

/** Reads on to the end of the file as it is now. A file that has been cut short is read from its start. */
async function* unread(log: OpenLog): AsyncGenerator<Buffer, void, undefined> {
  if ((await log.handle.stat()).size < log.position) log.position = 0;
  for (;;) {
    const { bytesRead, buffer } = await log.handle.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, log.position);
    if (bytesRead === 0) return;
    log.position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The file that comes after `current`: the next newer one, or the oldest where `current` has been removed. */
async function newerLog(file: string, current: OpenLog | undefined): Promise<OpenLog | undefined> {
  let newer = await openLog(file);
  if (current === undefined) return newer;
  if (newer?.inode === current.inode) {
    await newer.handle.close();
    return undefined;
  }
  for (let number = 1; ; number++) {
    const older = await openLog(`${file}.${number}`);
    if (older === undefined) return newer;
    if (older.inode === current.inode) {
      await older.handle.close();
      return newer;
    }
    await newer?.handle.close();
    newer = older;
  }
}

/** Counts what happens to a file, or to others put in its place, and to the signals. */
async function watchFile(file: string, signal: AbortSignal | undefined, until: AbortSignal | undefined) {
  makeFolder(dirname(file));
  let changes = 0;
  let wake: (() => void) | undefined;
  const changed = (): void => {
    changes += 1;
    wake?.();
  };
  const name = basename(file);
  const watcher = watch(dirname(file), (_event, changedName) => {
    if (changedName === null || changedName === name) changed();
  });
  // A folder that goes away; what is read of it stays readable, and the signal still ends the following.
  watcher.on('error', () => {});
  const forgetSignal = signal && onAbort(signal, changed);
  const forgetUntil = until && onAbort(until, endWatching);
  function endWatching(): void {
    watcher.close();
    changed();
  }
  if (until?.aborted === true) endWatching();
  return {
    count: () => changes,
    /** Resolves when more has happened than at `count`. */
    after: (count: number): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
        if (changes > count) resolve();
      }),
    close(): void {
      watcher.close();
      forgetSignal?.();
      forgetUntil?.();
    },
  };
}

/** Says of which worker a record is, as `#3 `; empty where it is of none. */
export function workerPrefix(record: object): string {
  const { generation } = record as { readonly generation?: unknown };
  return typeof generation === 'number' ? `#${generation} ` : '';
}

function messageOfRecord(record: string, isNumbered: boolean): string {
  try {
    const parsed: unknown = JSON.parse(record);
    if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed && typeof parsed.msg === 'string') {
      return isNumbered ? workerPrefix(parsed) + parsed.msg : parsed.msg;
    }
  } catch {
    // Half a record, of a host that was killed while it wrote: shown as it is.
  }
  return record;
}
