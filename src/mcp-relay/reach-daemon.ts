import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { dataDirOf } from '../client/data-dir.ts';
import { readDaemon } from '../daemon/daemon-record.ts';
import { systemCodeOf } from '../system-error.ts';
import { openDaemonStream } from './daemon-stream.ts';

/** What a daemon's socket says that has ended a moment ago, while its record still names it. */
const ENDED = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE']);

/** How long a daemon may be ending, in milliseconds, and how often it is tried meanwhile. */
const ENDING_MS = 30_000;
const TRY_MS = 50;

/** Opens a stream to the daemon of a data directory, which is started if none runs. Rejects as its two steps do. */
export async function reachDaemon(dataDir: string | undefined, path: string, signal: AbortSignal): Promise<Socket> {
  const end = performance.now() + ENDING_MS;
  for (;;) {
    const socket = await socketOf(dataDir, signal);
    try {
      return await openDaemonStream(socket, path, signal);
    } catch (error) {
      if (!ENDED.has(systemCodeOf(error) ?? '') || performance.now() > end) throw error;
    }
    await delay(TRY_MS, undefined, { signal });
  }
}

/** The socket of the daemon that runs; what starts one is read from disk only where none does, as it takes memory. */
async function socketOf(dataDir: string | undefined, signal: AbortSignal): Promise<string> {
  const found = readDaemon(dataDirOf(dataDir));
  if (found?.listening === true) return found.socket;
  const { ensureDaemon } = await import('../client/ensure-daemon.ts');
  return (await ensureDaemon({ dataDir, signal })).socket;
}
