import { buildConnector } from 'undici';
import { shortageIn } from '../system-error.ts';

/** How long a connection is tried for while this program is short of descriptors or memory, in milliseconds. */
const PATIENCE_MS = 30_000;

/** The longest pause between two tries, in milliseconds. */
const LONGEST_PAUSE_MS = 200;

/**
 * Connects for undici, and tries again while the host is short of what a connection takes: nothing has been sent yet,
 * and the worker is not to blame. `socketPath` is that of a Unix socket; without it the origin's address counts.
 */
export function patientConnector(socketPath: string | undefined): buildConnector.connector {
  const connect = buildConnector(socketPath === undefined ? {} : { socketPath });
  return (options, callback) => {
    let waited = 0;
    const attempt = (pause: number): void => {
      connect(options, (...[error, socket]) => {
        if (error === null) return callback(null, socket);
        if (waited >= PATIENCE_MS || shortageIn(error) === undefined) return callback(error, null);
        waited += pause;
        setTimeout(attempt, pause, Math.min(pause * 2, LONGEST_PAUSE_MS));
      });
    };
    attempt(5);
  };
}
