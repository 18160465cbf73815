import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createWhole, writeWhole } from '../files/whole-file.ts';
import { type DaemonRecord, type FoundRecord, readRecord } from './daemon-record.ts';

/*
 * A file that one process owns at a time, without the locks of the file system, which networks do not all have.
 *
 * A file is created by `link`, which one process alone can do. The record of a dead process is not removed and created
 * anew, as a second process that had found it dead too would remove the record of the first. Only the process that holds
 * the guard of that very record, a file named for the record's id, may replace or remove the record, and it looks again
 * first. A guard is such a file itself, so that a process that dies with one in its hands is dealt with the same way.
 */

/** Says whether the owner of a found record lives. */
export type IsLiving = (found: FoundRecord, file: string) => Promise<boolean>;

/** For how long another process may be replacing a record before this one looks again, in milliseconds. */
const LOOK_AGAIN_MS = 10;

/** What is left of processes that were killed while they wrote is removed after this time, in milliseconds. */
const LITTER_MS = 60_000;

/**
 * Makes a record the content of a lock file, where no living process owns it. Resolves to undefined, or to the record of
 * the owner. Rejects with what the file system throws, and with the reason of the signal.
 */
export async function acquire(
  file: string,
  record: DaemonRecord,
  isLiving: IsLiving,
  signal?: AbortSignal,
): Promise<FoundRecord | undefined> {
  const text = textOf(record);
  for (;;) {
    signal?.throwIfAborted();
    if (createWhole(file, text)) return undefined;
    const found = readRecord(file);
    if (found === undefined) continue;
    if (await isLiving(found, file)) {
      // Meanwhile it may have gone to another owner.
      const now = readRecord(file);
      if (now === undefined || now.record?.id !== found.record?.id) continue;
      return now;
    }
    const guard = guardOf(file, found.record);
    const holder = await acquire(guard, record, isLiving, signal);
    if (holder !== undefined) {
      await delay(LOOK_AGAIN_MS, undefined, { signal });
      continue;
    }
    try {
      if (!isSame(readRecord(file), found)) continue;
      writeWhole(file, text);
      return undefined;
    } finally {
      remove(guard);
    }
  }
}

/** Replaces the own record. Returns false where it is not the own any more, and then changes nothing. */
export function replace(file: string, record: DaemonRecord): boolean {
  if (!owns(file, record)) return false;
  writeWhole(file, textOf(record));
  return true;
}

/** Touches the own record, so that others see its owner live. Returns whether it is the own still. */
export function touch(file: string, record: DaemonRecord): boolean {
  if (!owns(file, record)) return false;
  const now = new Date();
  utimesSync(file, now, now);
  return true;
}

/** Removes the own record. One that cannot be removed is found dead later. Never throws. */
export function release(file: string, record: DaemonRecord): void {
  try {
    const guard = guardOf(file, record);
    // Where somebody holds it, this process was taken for dead, and the record is about to be replaced.
    if (!createWhole(guard, textOf(record))) return;
    if (owns(file, record)) remove(file);
    remove(guard);
  } catch {
    // The disk may be read-only by now, or the folder gone.
  }
}

/**
 * Removes what killed processes have left beside the own record. Guards of records that are no more guard nothing.
 * Never throws.
 */
export function removeLitter(file: string, record: DaemonRecord): void {
  const folder = dirname(file);
  try {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(`${basename(file)}.`)) continue;
      const path = join(folder, name);
      const age = Date.now() - statSync(path).mtimeMs;
      if (age > LITTER_MS && path !== guardOf(file, record)) remove(path);
    }
  } catch {
    // Others may tidy up as well.
  }
}

function owns(file: string, { id }: DaemonRecord): boolean {
  return readRecord(file)?.record?.id === id;
}

function isSame(now: FoundRecord | undefined, before: FoundRecord): boolean {
  if (now === undefined || now.record?.id !== before.record?.id) return false;
  return now.record !== undefined || now.touched === before.touched;
}

/** A text that is no record has no id; all such texts of a file share a guard. */
function guardOf(file: string, record: DaemonRecord | undefined): string {
  return join(dirname(file), `daemon.json.after-${record?.id ?? basename(file).replaceAll(/\W/g, '-')}`);
}

function textOf(record: DaemonRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What is left is litter, and found as such.
  }
}
