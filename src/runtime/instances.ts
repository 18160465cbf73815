import type { HeldWorker } from '../machines/plugin/context.ts';
import type { PluginContext, PluginPhase, PluginState } from '../machines/plugin.ts';

/** One worker of a plugin at one moment, as plain frozen data. Times are milliseconds since the epoch. */
export interface InstanceSnapshot {
  /** Which of the plugin's workers it is; counted from 1 over all that it ever had. */
  readonly generation: number;
  /** As the plugin's states, of this worker alone. One that is on its way out is `busy` or `discovered`. */
  readonly state: PluginState;
  readonly phase: PluginPhase;
  /** When the state was entered. */
  readonly since: number;
  /** Its process, once there is one. */
  readonly pid: number | undefined;
  /** Calls at it. */
  readonly inFlight: number;
}

/** What one worker is at. */
export type InstancePlace = Pick<InstanceSnapshot, 'state' | 'phase'>;

const PLACES = {
  launching: { state: 'spawning', phase: 'launching' },
  initializing: { state: 'spawning', phase: 'initializing' },
  ready: { state: 'ready', phase: 'ready' },
  serving: { state: 'busy', phase: 'serving' },
  draining: { state: 'busy', phase: 'draining' },
  stopping: { state: 'discovered', phase: 'stopping' },
  lost: { state: 'crashed', phase: 'deciding' },
} as const satisfies Readonly<Record<string, InstancePlace>>;

/**
 * What a worker of the plugin is at.
 *
 * @param plugin what the plugin is at, which is what its current worker is at where that takes no calls
 * @param isLost whether it has crashed
 */
export function placeOf(
  context: PluginContext,
  { generation, residency, connected, leaving }: HeldWorker,
  plugin: InstancePlace,
  isLost: boolean,
): InstancePlace {
  if (isLost) return PLACES.lost;
  const isBusy = (residency?.leases.size ?? 0) > 0;
  const { current, replacement, siblings, gate } = context;
  const isInstance = generation === current || generation === replacement || siblings.includes(generation);
  if (!isInstance || leaving !== undefined) return isBusy ? PLACES.draining : PLACES.stopping;
  if (residency !== undefined && gate.serving.includes(residency) && isServing(plugin)) {
    return isBusy ? PLACES.serving : PLACES.ready;
  }
  if (generation === current) return plugin;
  return connected === true ? PLACES.initializing : PLACES.launching;
}

function isServing({ state, phase }: InstancePlace): boolean {
  return state === 'ready' || (state === 'busy' && phase === 'serving');
}
