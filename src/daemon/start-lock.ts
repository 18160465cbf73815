import { readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createWhole, removeWhole } from '../files/whole-file.ts';
import { fateOf, ownIdentity, type ProcessIdentity } from '../process/process-identity.ts';

/** For how long others wait for a daemon after its starter has last shown that it goes on with it, in milliseconds. */
const STILL_MS = 5_000;

/** That this process is about to have a daemon of a data directory: others wait for that one. */
export interface StartLock {
  /** Shows that this process goes on with it. To be called more often than every 5 s. Never throws. */
  touch(): void;
  /** Lets others start one. Idempotent, never throws. */
  release(): void;
}

/**
 * Takes the lock of a data directory, which must be there; undefined where another process has it that lives and goes on.
 * Two processes may both find a dead one's lock, and start two daemons: the second sees the first, and ends. Throws what the
 * file system throws.
 */
export function takeStartLock(dataDir: string): StartLock | undefined {
  const file = join(dataDir, 'daemon-start');
  const text = JSON.stringify(ownIdentity());
  if (!createWhole(file, text)) {
    if (isHeld(file)) return undefined;
    removeWhole(file);
    if (!createWhole(file, text)) return undefined;
  }
  const ifOwn = (act: () => void): void => {
    try {
      if (readFileSync(file, 'utf8') === text) act();
    } catch {
      // Another has removed it.
    }
  };
  return {
    touch: () =>
      ifOwn(() => {
        const now = new Date();
        utimesSync(file, now, now);
      }),
    release: () => ifOwn(() => removeWhole(file)),
  };
}

function isHeld(file: string): boolean {
  try {
    const isFresh = Date.now() - statSync(file).mtimeMs < STILL_MS;
    return isFresh && fateOf(JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity) === 'alive';
  } catch {
    return false;
  }
}
