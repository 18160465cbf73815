import { constants } from 'node:os';

/** The signals by which a terminal, a service manager or a closed session asks a program to end. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];

/**
 * Stops on a signal and then lets it do what it does by default, so that whoever started the program sees how it
 * ended. A second signal does not wait. Returns how to give the signals back.
 */
export function handleSignals(stop: () => Promise<void>): () => void {
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (signal: Signal): void => {
    release();
    if (process.pid === INIT) for (const each of SIGNALS) process.once(each, exitBy);
    const end = (): void => endBy(signal);
    stop().then(end, end);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return release;
}

/** The first process of a container or namespace. Without a handler, a signal does nothing to it. */
const INIT = 1;

function endBy(signal: Signal): void {
  if (process.pid === INIT) for (const each of SIGNALS) process.off(each, exitBy);
  // Who listens for it, in the host program, is told.
  if (process.pid === INIT && process.listenerCount(signal) === 0) exitBy(signal);
  process.kill(process.pid, signal);
}

/** Exits as a shell tells of a program that a signal has ended. */
function exitBy(signal: Signal): void {
  process.exit(128 + constants.signals[signal]);
}
