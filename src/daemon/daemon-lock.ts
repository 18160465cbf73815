import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError, messageOf } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { ownIdentity } from '../process/process-identity.ts';
import { systemCodeOf } from '../system-error.ts';
import {
  type DaemonFacts,
  type DaemonRecord,
  daemonFile,
  type FoundRecord,
  fateOfDaemon,
  readRecord,
} from './daemon-record.ts';
import { acquire, type IsLiving, release, removeLitter, replace, touch } from './record-lock.ts';

/** That this process is the daemon of a data directory. */
export interface DataDirClaim {
  readonly record: DaemonRecord;
  /**
   * Aborted when the directory has gone to another daemon or was removed: this process stood still for so long that it
   * was taken for dead. It then has to end, and to leave the directory alone.
   */
  readonly lost: AbortSignal;
  /** Changes what the lock file says, such as where the daemon listens. Throws `E_DATA_DIR`. */
  update(facts: Partial<DaemonFacts>): void;
  /** Gives the directory up. Close what listens first. Idempotent, never throws. */
  release(): void;
}

/** How a data directory is claimed. */
export interface ClaimOptions {
  /** Ends the wait for the sign of life of a daemon that this process cannot see. */
  readonly signal?: AbortSignal | undefined;
  /** How often the owner touches its lock file, in milliseconds. */
  readonly beatMs?: number | undefined;
}

const BEAT_MS = 5_000;

/** A daemon that cannot be seen is dead after this many beats without a sign of life. */
const LOST_BEATS = 3;

/** How long a socket may take to answer, in milliseconds. */
const CONNECT_MS = 2_000;

/**
 * Makes this process the daemon of a data directory; of any number that try at once, one succeeds. Makes the directory
 * where it is absent. The record of a daemon that is dead is replaced. One that runs in another container or on another
 * machine counts as living while its socket answers or its lock file is touched; that it is not takes three beats, 15
 * seconds, to see. Rejects with `E_DATA_DIR` that names the first daemon, or says why the directory cannot be used, and
 * with the reason of the signal.
 */
export async function claimDataDir(
  dataDir: string,
  facts: DaemonFacts,
  { signal, beatMs = BEAT_MS }: ClaimOptions = {},
): Promise<DataDirClaim> {
  const file = daemonFile(dataDir);
  const id = randomBytes(6).toString('hex');
  let record: DaemonRecord = { ...ownIdentity(), ...facts, id, machine: hostname(), startedAt: Date.now() };
  let owner: FoundRecord | undefined;
  try {
    makeFolder(dataDir, 0o700);
    owner = await acquire(file, record, isLivingWithin(beatMs, signal), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw unusableDataDir(dataDir, error);
  }
  if (owner !== undefined) throw inUse(dataDir, owner.record);
  removeLitter(file, record);
  const loss = new AbortController();
  const lose = (): void => {
    clearInterval(beat);
    loss.abort(
      new GreenroomError('E_DATA_DIR', `The data directory ${dataDir} was removed, or has gone to another daemon.`),
    );
  };
  const beat = setInterval(() => {
    try {
      if (!touch(file, record)) lose();
    } catch {
      // A network file system may be away for a while.
    }
  }, beatMs).unref();
  return {
    get record() {
      return record;
    },
    lost: loss.signal,
    update(changed) {
      const next = { ...record, ...changed };
      try {
        if (!loss.signal.aborted && replace(file, next)) record = next;
        else lose();
      } catch (error) {
        throw unusableDataDir(dataDir, error);
      }
      loss.signal.throwIfAborted();
    },
    release() {
      clearInterval(beat);
      release(file, record);
    },
  };
}

/** Whether the owner of a record lives: as the system says, else as its socket says, else by its beat. */
function isLivingWithin(beatMs: number, signal: AbortSignal | undefined): IsLiving {
  return async (found, file) => {
    const { record } = found;
    const fate = record === undefined ? 'unknown' : fateOfDaemon(record);
    if (fate !== 'unknown') return fate === 'alive';
    const answer = record === undefined ? 'nothing' : await askSocket(record.socket);
    if (answer === 'taken') return true;
    // Before it listens, and on another machine, a socket without a listener says nothing.
    if (answer === 'refused' && record?.listening === true && isOfThisMachine(record)) return false;
    const end = performance.now() + LOST_BEATS * beatMs;
    while (performance.now() < end) {
      await delay(beatMs / 4, undefined, { signal });
      const now = readRecord(file);
      if (now?.touched !== found.touched || now.record?.id !== record?.id) return true;
    }
    return false;
  };
}

function isOfThisMachine({ bootId, machine }: DaemonRecord): boolean {
  return bootId === ownIdentity().bootId && (bootId !== null || machine === hostname());
}

/** `refused`: nothing listens at a socket that is there. `nothing`: there is no such socket, or it does not say. */
function askSocket(path: string): Promise<'taken' | 'refused' | 'nothing'> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (answer: 'taken' | 'refused' | 'nothing'): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => settle('nothing'));
    socket.once('connect', () => settle('taken'));
    socket.on('error', (error) => settle(systemCodeOf(error) === 'ECONNREFUSED' ? 'refused' : 'nothing'));
  });
}

function inUse(dataDir: string, record: DaemonRecord | undefined): Error {
  if (record === undefined)
    return new GreenroomError(
      'E_DATA_DIR',
      `The data directory ${dataDir} is being claimed by another daemon. Try again, or choose another with --data-dir.`,
    );
  const { pid, machine, version, startedAt } = record;
  const where = machine === hostname() ? `process ${pid}` : `process ${pid} on "${machine}"`;
  return new GreenroomError(
    'E_DATA_DIR',
    `The data directory ${dataDir} belongs to another daemon: ${where}, Greenroom ${version}, running since ${shownTime(startedAt)}. Take over from it with "greenroom serve --replace", or stop it: kill ${pid}`,
  );
}

/** In the time zone of the machine, to the second. */
function shownTime(time: number): string {
  const date = new Date(time);
  const local = new Date(time - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}

/** The error of a data directory that the system refuses: what it says, and what to do. */
export function unusableDataDir(dataDir: string, cause: unknown): Error {
  return new GreenroomError(
    'E_DATA_DIR',
    `The data directory ${dataDir} cannot be used: ${messageOf(cause)}. Make it writable, or choose another with --data-dir.`,
    { cause },
  );
}
