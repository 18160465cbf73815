import { buildConnector } from 'undici';
import { ConnectPatience } from './connect-patience.ts';

/**
 * Connects for undici, with {@link ConnectPatience}. `socketPath` is that of a Unix socket; without it the origin's
 * address counts.
 */
export function patientConnector(socketPath: string | undefined): buildConnector.connector {
  const connect = buildConnector(socketPath === undefined ? {} : { socketPath });
  return (options, callback) => {
    const patience = new ConnectPatience();
    const attempt = (): void => {
      connect(options, (...[error, socket]) => {
        if (error === null) return callback(null, socket);
        const pause = patience.pauseAfter(error);
        if (pause === undefined) return callback(error, null);
        setTimeout(attempt, pause);
      });
    };
    attempt();
  };
}
