import type { Client } from '../client/client.ts';
import { messageOf } from '../errors.ts';
import type { Tool } from '../protocol.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import { oneLine } from '../text/printable.ts';
import { takeInterruption } from './interruption.ts';
import { startSupervisor } from './local-supervisor.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What each plugin has for tools, and how the command line ended, where a signal ended it. */
export interface AskedTools {
  /** By plugin; without those that could not be asked, of which standard error tells. */
  readonly tools: ReadonlyMap<string, readonly Tool[]>;
  readonly status: number | undefined;
}

/** What knows the tools of plugins. */
export interface ToolSource {
  tools(plugin: string): Promise<readonly Tool[]>;
  /** Stops what was started to be asked. */
  rest(plugin: string): Promise<void>;
  /** Ends the work at plugins, at once with `timeoutMs: 0`. */
  stop(options?: { readonly timeoutMs: number }): Promise<void>;
}

/** A supervisor of this program, which starts plugins to ask them. */
export function bySupervisor(settings: SupervisorSettings): () => Promise<ToolSource> {
  return async () => {
    const supervisor = await startSupervisor(settings);
    return {
      tools: (plugin) => supervisor.tools(plugin),
      rest: (plugin) => supervisor.unload(plugin),
      stop: (options) => supervisor.stop(options),
    };
  };
}

/** A daemon, at which plugins that were loaded stay so. */
export function atDaemon(daemon: Client): () => Promise<ToolSource> {
  return async () => {
    const loaded = new Set((await daemon.plugins({ loaded: true })).map(({ name }) => name));
    return {
      tools: (plugin) => daemon.tools(plugin),
      rest: async (plugin) => {
        if (!loaded.has(plugin)) await daemon.unload(plugin);
      },
      stop: () => daemon.close(),
    };
  };
}

/**
 * Lists the tools of plugins. Those that neither a manifest nor the data directory knows are started for it, one after
 * the other, and stopped again.
 */
export async function askTools(
  open: () => Promise<ToolSource>,
  plugins: readonly string[],
  terminal: Terminal,
): Promise<AskedTools> {
  const tools = new Map<string, readonly Tool[]>();
  let source: ToolSource | undefined;
  const interruption = takeInterruption(terminal, () => void source?.stop({ timeoutMs: 0 }));
  try {
    source = await open();
    interruption.signal.addEventListener('abort', () => void source?.stop());
    for (const plugin of plugins) {
      if (interruption.signal.aborted) break;
      try {
        tools.set(plugin, await source.tools(plugin));
        await source.rest(plugin);
      } catch (error) {
        if (interruption.signal.aborted) break;
        terminal.note(`${terminal.err.yellow('warning:')} ${oneLine(messageOf(error))}`);
      }
    }
  } finally {
    await source?.stop();
    interruption.release();
  }
  return { tools, status: interruption.status };
}
