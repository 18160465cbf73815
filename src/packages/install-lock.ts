import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../files/make-folder.ts';
import { createWhole, writeWhole } from '../files/whole-file.ts';
import { fateOf, ownIdentity, type ProcessIdentity } from '../process/process-identity.ts';

/** How often a lock that another process holds is looked at, in milliseconds. No event tells of its end. */
const LOOK_AGAIN_MS = 100;

/** After this time, in milliseconds, the lock of a process that cannot be seen from here is taken over: it has long ended. */
const UNSEEN_MS = 15 * 60_000;

/** After this time, in milliseconds, whoever was about to take a lock over has died in the middle of it. */
const TAKING_OVER_MS = 10_000;

/** What a lock file says of the process that holds it. */
interface Holder extends ProcessIdentity {
  /** Differs for every lock. */
  readonly id: string;
  readonly machine: string;
}

/**
 * Does something while no other process of this machine does it for the same package: a file in this folder says who does.
 * That of a process that has died is taken over. Where no file can be written there, nothing is locked. Rejects where the
 * signal aborts, and as the task does.
 */
export async function withInstallLock<T>(
  folder: string,
  name: string,
  signal: AbortSignal,
  task: () => Promise<T>,
): Promise<T> {
  const file = join(folder, `${createHash('sha256').update(name).digest('hex').slice(0, 24)}.lock`);
  const holder: Holder = { ...ownIdentity(), id: randomBytes(6).toString('hex'), machine: hostname() };
  const isLocked = await lock(file, folder, holder, signal);
  try {
    return await task();
  } finally {
    if (isLocked && readHolder(file)?.id === holder.id) remove(file);
  }
}

async function lock(file: string, folder: string, own: Holder, signal: AbortSignal): Promise<boolean> {
  const text = JSON.stringify(own);
  for (;;) {
    signal.throwIfAborted();
    try {
      makeFolder(folder, 0o700);
      if (createWhole(file, text)) return true;
      if (takeOver(file, text)) return true;
    } catch {
      // The disk may be full or read-only; npm says so better.
      return false;
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
}

/** Takes over the lock of a process that has died, if it is one. Of many that try, one succeeds. */
function takeOver(file: string, text: string): boolean {
  const found = readHolder(file);
  if (found !== undefined && !hasEnded(found, file)) return false;
  if (found === undefined && ageOf(file) < TAKING_OVER_MS) return false;
  const guard = `${file}.after-${found?.id ?? 'unreadable'}`;
  if (!createWhole(guard, '')) {
    if (ageOf(guard) > TAKING_OVER_MS) remove(guard);
    return false;
  }
  try {
    // Another process may have been through here since it was read.
    if (readHolder(file)?.id !== found?.id) return false;
    writeWhole(file, text);
    return true;
  } finally {
    remove(guard);
  }
}

function hasEnded(holder: Holder, file: string): boolean {
  const fate = fateOf(holder);
  if (fate === 'alive') return false;
  if (fate === 'elsewhere' || holder.machine !== hostname()) return ageOf(file) > UNSEEN_MS;
  return true;
}

/** Undefined where there is no file, or none that can be read. */
function readHolder(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Holder;
    return /^[0-9a-f]{12}$/.test(holder.id) && Number.isSafeInteger(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** How long ago a file was written, in milliseconds; 0 where there is none. */
function ageOf(file: string): number {
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return written === undefined ? 0 : Date.now() - written;
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is found to be of a process that has ended later.
  }
}
