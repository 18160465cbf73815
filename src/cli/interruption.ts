import { constants } from 'node:os';
import type { Terminal } from './terminal/terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What the user's wish to end a command has come to so far. */
export interface Interruption {
  /** Aborted by the first signal: end what runs in good order. */
  readonly signal: AbortSignal;
  /** The exit status of the first signal; undefined while there was none. */
  readonly status: number | undefined;
  /** Gives the signals back to the system. */
  release(): void;
}

/**
 * Takes Ctrl-C, SIGTERM and SIGHUP over. The first aborts the signal, and from then on nothing waits for the reader of the
 * output; the second calls `kill`, and the third ends this process at once.
 */
export function takeInterruption(terminal: Terminal, kill: () => void): Interruption {
  const first = new AbortController();
  let count = 0;
  let status: number | undefined;
  const onSignal = (name: (typeof SIGNALS)[number]): void => {
    count += 1;
    status ??= 128 + constants.signals[name];
    if (count === 1) {
      terminal.hurry();
      first.abort(name);
    } else if (count === 2) kill();
    else process.exit(status);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: first.signal,
    get status() {
      return status;
    },
    release: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
