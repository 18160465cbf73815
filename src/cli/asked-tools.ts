import { messageOf } from '../errors.ts';
import type { Tool } from '../protocol.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import { oneLine } from '../text/printable.ts';
import { takeInterruption } from './interruption.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What each plugin has for tools, and how the command line ended, where a signal ended it. */
export interface AskedTools {
  /** By plugin; without those that could not be asked, of which standard error tells. */
  readonly tools: ReadonlyMap<string, readonly Tool[]>;
  readonly status: number | undefined;
}

/**
 * Lists the tools of plugins. Those that neither a manifest nor the data directory knows are started for it, one after
 * the other, and stopped again.
 */
export async function askTools(
  settings: SupervisorSettings,
  plugins: readonly string[],
  terminal: Terminal,
): Promise<AskedTools> {
  const { createOneInstanceSupervisor } = await import('../runtime/supervisor.ts');
  const tools = new Map<string, readonly Tool[]>();
  let supervisor: Supervisor | undefined;
  const interruption = takeInterruption(terminal, () => void supervisor?.stop({ timeoutMs: 0 }));
  try {
    supervisor = await createOneInstanceSupervisor({
      ...settings,
      watch: false,
      handleSignals: false,
      unref: false,
      load: 'lazy',
      logLevel: process.env['GREENROOM_LOG_LEVEL'] === undefined ? 'silent' : undefined,
    });
    interruption.signal.addEventListener('abort', () => void supervisor?.stop());
    for (const plugin of plugins) {
      if (interruption.signal.aborted) break;
      try {
        tools.set(plugin, await supervisor.tools(plugin));
        await supervisor.unload(plugin);
      } catch (error) {
        if (interruption.signal.aborted) break;
        terminal.note(`${terminal.err.yellow('warning:')} ${oneLine(messageOf(error))}`);
      }
    }
  } finally {
    await supervisor?.stop();
    interruption.release();
  }
  return { tools, status: interruption.status };
}
