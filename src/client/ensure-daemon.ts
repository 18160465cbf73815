import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readDaemon } from '../daemon/daemon-record.ts';
import { type StartLock, takeStartLock } from '../daemon/start-lock.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { dataDirOf } from './data-dir.ts';

/** What `connectOrStart` and {@link ensureDaemon} take. */
export interface ConnectOrStartOptions {
  /** The data directory; by default `GREENROOM_HOME`, else `~/.greenroom`. */
  readonly dataDir?: string | undefined;
  /** Gives up waiting; a daemon that was started goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** How long a daemon may take to listen, in milliseconds. */
const START_MS = 30_000;

/** How long a daemon that was started so stays when nobody uses it, in seconds: a client may be back soon. */
const IDLE_SECONDS = '600';

/** How often it is looked whether it does, in milliseconds. */
const LOOK_MS = 25;

const COMMAND = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));

/** Has a daemon of the data directory listen, as {@link connectOrStart} does; resolves to the directory and its socket. */
export async function ensureDaemon({
  dataDir,
  signal,
}: ConnectOrStartOptions = {}): Promise<{ readonly folder: string; readonly socket: string }> {
  const folder = dataDirOf(dataDir);
  const end = performance.now() + START_MS;
  let starter: Starter | undefined;
  try {
    for (;;) {
      const daemon = readDaemon(folder);
      if (daemon?.listening === true) return { folder, socket: daemon.socket };
      signal?.throwIfAborted();
      if (starter?.failure !== undefined || performance.now() > end) throw notStarted(folder, starter?.failure);
      starter?.touch();
      starter ??= tryToStart(folder);
      await delay(LOOK_MS, undefined, { signal });
    }
  } finally {
    starter?.release();
  }
}

/** This process starts the daemon. */
interface Starter extends StartLock {
  /** Why it has ended; undefined while it runs. */
  readonly failure: string | undefined;
}

/** Starts a daemon unless another program is about to; undefined where one is. */
function tryToStart(dataDir: string): Starter | undefined {
  let lock: StartLock | undefined;
  try {
    makeFolder(dataDir, 0o700);
    lock = takeStartLock(dataDir);
  } catch (cause) {
    throw new GreenroomError(
      'E_DATA_DIR',
      `The data directory ${dataDir} cannot be used: ${messageOf(cause)}. Make it writable, or choose another.`,
      { cause },
    );
  }
  try {
    return lock && started(dataDir, lock);
  } catch (error) {
    lock?.release();
    throw notStarted(dataDir, messageOf(error));
  }
}

function started(dataDir: string, lock: StartLock): Starter {
  const log = openSync(join(dataDir, 'daemon.log'), 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [COMMAND, 'serve', '--end-when-idle', IDLE_SECONDS, '--data-dir', dataDir], {
      detached: true,
      stdio: ['ignore', log, log],
      windowsHide: true,
    });
  } finally {
    closeSync(log);
  }
  let failure: string | undefined;
  child.once('error', (error) => (failure = messageOf(error)));
  child.once('exit', (status, signal) => {
    // Another daemon was faster.
    if (readDaemon(dataDir) === undefined) failure = `it ended with ${signal ?? `status ${status}`}`;
  });
  child.unref();
  return {
    get failure() {
      return failure;
    },
    ...lock,
  };
}

function notStarted(dataDir: string, why: string | undefined): GreenroomError {
  const reason = why ?? `it does not listen after ${START_MS / 1_000} s`;
  return new GreenroomError(
    'E_DAEMON',
    `The daemon of ${dataDir} could not be started: ${reason}. See ${join(dataDir, 'daemon.log')}, or run: greenroom serve --data-dir ${dataDir}`,
  );
}
