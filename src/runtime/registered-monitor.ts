import { isOptions, wrongArgument } from '../argument-checks.ts';
import type { CallOptions } from '../calls/call-options.ts';
import { GreenroomError } from '../errors.ts';
import { statsOfPlugin } from '../measure/system-monitor.ts';
import type { SystemStats } from '../measure/system-stats.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import type { PluginLookup } from './plugin-lookup.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { Runtime } from './runtime.ts';

/** What is asked of a plugin that is the system monitor. */
interface MonitorCalls {
  load(name: string): Promise<void>;
  execute(name: string, input: unknown, options: CallOptions): Promise<unknown>;
}

/** How a plugin that is the system monitor is asked: after 10 s it counts as stuck, and no figure needs all its digits. */
const MONITOR_CALL: CallOptions = { timeoutMs: 10_000, integers: 'number' };

/** Makes a plugin, or an object, the source of the figures of free memory. The former source stays where this fails. */
export async function registerMonitor(
  runtime: Runtime,
  plugins: PluginLookup,
  calls: MonitorCalls,
  monitor: string | { read(): Promise<SystemStats> },
): Promise<void> {
  const { systemMonitor } = runtime;
  if (typeof monitor !== 'string') {
    if (!isOptions(monitor) || typeof monitor.read !== 'function') {
      throw wrongArgument('The system monitor', 'the name of a plugin, or an object with read()', monitor);
    }
    runtime.plugins.monitor = undefined;
    return systemMonitor.use('custom', () => monitor.read());
  }
  const former = runtime.plugins.monitor;
  refuseSeveral(plugins.find(monitor));
  runtime.plugins.monitor = monitor;
  try {
    await calls.load(monitor);
  } catch (error) {
    runtime.plugins.monitor = former;
    throw error;
  }
  systemMonitor.use(monitor, async () =>
    statsOfPlugin(await calls.execute(monitor, inputOf(plugins, monitor), MONITOR_CALL)),
  );
}

/** Its figures have to be those of one worker. */
function refuseSeveral({ plugin, entry: { file }, context }: PluginRecord): void {
  const { max } = context.settings.instances;
  if (max === 1) return;
  throw new GreenroomError(
    'E_OPTIONS',
    `"${plugin}" cannot be the system monitor: it may have ${max} instances, and a monitor has one. Remove "instances" from ${file}, then call registerSystemMonitor("${plugin}").`,
    { plugin },
  );
}

/** A Python class gets the command as its first argument, whatever it calls that. */
function inputOf(plugins: PluginLookup, monitor: string): unknown {
  const { isPositional } = kindOf(plugins.find(monitor).entry.manifest);
  const command = 'get_system_status';
  return isPositional ? [command] : { command };
}
