import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonRecord, fateOfDaemon, readDaemon } from './daemon-record.ts';
import { type StartLock, takeStartLock } from './start-lock.ts';

/** How often it is looked whether the daemon has gone, in milliseconds. */
const LOOK_MS = 50;
/** How long the daemon may take to answer that it ends, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Has the daemon of a data directory end in good order, and resolves to its record once it has given the directory up;
 * to undefined where there is none, or none that can be reached: claiming the directory tells whether it lives. A daemon of
 * another version is asked too: the request is the same in all. Rejects with the signal's reason.
 *
 * @param succession by which clients see meanwhile that this process is the next daemon
 */
export async function endDaemon(
  dataDir: string,
  signal: AbortSignal,
  succession?: StartLock,
): Promise<DaemonRecord | undefined> {
  const record = readDaemon(dataDir);
  if (record === undefined) return undefined;
  if (!(await askToStop(record.socket))) {
    if (fateOfDaemon(record) !== 'alive') return undefined;
    try {
      process.kill(record.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  }
  while (readDaemon(dataDir)?.id === record.id) {
    succession?.touch();
    await delay(LOOK_MS, undefined, { signal });
  }
  return record;
}

/**
 * Has clients that find no daemon, once the one that runs has left, wait some seconds for this process instead of starting
 * one. Undefined where another process starts a daemon, or the directory cannot be written, of which claiming it tells.
 */
export function announceSuccession(dataDir: string): StartLock | undefined {
  try {
    return takeStartLock(dataDir);
  } catch {
    return undefined;
  }
}

/** Whether it has taken the request. */
function askToStop(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/api/stop', method: 'POST', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 204);
    });
    asked.on('error', () => resolve(false));
    // Its event loop may be stuck.
    asked.setTimeout(ANSWER_MS, () => asked.destroy(new Error('No answer came.')));
    asked.end();
  });
}
