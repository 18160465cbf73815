import type { Client } from '../client/client.ts';
import type { SETTINGS_OPTIONS, Values } from './command.ts';
import { takeInterruption } from './interruption.ts';
import { requireDaemon } from './open-daemon.ts';
import type { Terminal } from './terminal/terminal.ts';

/**
 * Acts on a plugin of the daemon, and tells how the plugin stands then: `said` for people, the whole of it for programs.
 * Ctrl-C gives up waiting. Resolves to the exit status.
 */
export async function actAtDaemon(
  plugin: string,
  values: Values<typeof SETTINGS_OPTIONS>,
  terminal: Terminal,
  act: (daemon: Client, signal: AbortSignal) => Promise<void>,
  said: string,
): Promise<number> {
  const daemon = await requireDaemon(values, terminal);
  const interruption = takeInterruption(terminal, () => process.exit(interruption.status));
  const { signal } = interruption;
  const leave = (): void => void daemon.close();
  signal.addEventListener('abort', leave);
  try {
    await act(daemon, signal);
    if (terminal.json) await terminal.printJson(await daemon.plugin(plugin).snapshot());
    else terminal.note(said);
    return 0;
  } catch (error) {
    if (interruption.status === undefined) throw error;
    return interruption.status;
  } finally {
    await daemon.close();
    interruption.release();
  }
}
