import { setTimeout as delay } from 'node:timers/promises';
import { connectionFault } from '../calls/connection-fault.ts';
import type { FramedChannel } from '../channel/framed-channel.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';

/** How long the exit of a worker whose connection broke is waited for, in milliseconds. */
export const EXIT_GRACE_MS = 100;

/** How long a worker that has answered its health check may take to welcome a connection, in milliseconds. */
const WELCOME_MS = 10_000;

/**
 * Waits until a worker that has answered its health check has welcomed the first connection. Rejects with `E_HANDSHAKE`
 * where it does not, with what the channel says where the worker ends or the host program is short of descriptors, and
 * with the signal's reason.
 */
export async function awaitWelcome(
  plugin: string,
  channel: Pick<FramedChannel, 'health' | 'greeted' | 'frames'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await inTime(channel.greeted, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof GreenroomError && error.code === 'E_CRASHED') {
      if (connectionFault(error) === 'shortage') throw error;
      // The death of the worker is no fault of its handshake.
      await delay(EXIT_GRACE_MS, undefined, { signal, ref: false });
      await channel.health(signal);
    }
    throw new GreenroomError(
      'E_HANDSHAKE',
      `The worker of "${plugin}" chose version 2 of the worker protocol, but does not answer "hello" with "welcome" at ${channel.frames}: ${messageOf(error)} It must listen there for frames, or choose version 1.`,
      { plugin, cause: error },
    );
  }
}

function inTime(greeted: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(() => reject(new Error(`Nothing came for ${WELCOME_MS / 1_000} s.`)), WELCOME_MS);
    const forget = onAbort(signal, () => reject(signal.reason as Error));
    greeted.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      forget();
    });
  });
}
