/** The signals by which a terminal, a service manager or a closed session asks a program to end. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Stops on a signal and then lets it do what it does by default, so that whoever started the program sees how it
 * ended. A second signal does not wait. Returns how to give the signals back.
 */
export function handleSignals(stop: () => Promise<void>): () => void {
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    release();
    const end = (): void => void process.kill(process.pid, signal);
    stop().then(end, end);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return release;
}
