import type { Client } from '../../client/client.ts';
import type { DATA_DIR_OPTIONS, Values } from '../command.ts';
import { takeInterruption } from '../interruption.ts';
import { ensureDaemonClient, requireDaemon } from '../open-daemon.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Where jobs are asked for. */
export interface AtJobs {
  readonly daemon: Client;
  /** Aborted by Ctrl-C, which ends the requests too. */
  readonly signal: AbortSignal;
}

/**
 * Does something with the jobs of the daemon. Ctrl-C gives up waiting. Resolves to the exit status; rejects with `E_DAEMON`
 * where no daemon runs.
 *
 * @param start whether a daemon is started where none runs
 */
export async function atJobs(
  values: Values<typeof DATA_DIR_OPTIONS>,
  terminal: Terminal,
  act: (at: AtJobs) => Promise<number>,
  start = false,
): Promise<number> {
  const interruption = takeInterruption(terminal, () => process.exit(interruption.status));
  const { signal } = interruption;
  let daemon: Client | undefined;
  signal.addEventListener('abort', () => void daemon?.close());
  try {
    daemon = await (start ? ensureDaemonClient(values, terminal, signal) : requireDaemon(values, terminal));
    return await act({ daemon, signal });
  } catch (error) {
    if (interruption.status === undefined) throw error;
    return interruption.status;
  } finally {
    await daemon?.close();
    interruption.release();
  }
}
