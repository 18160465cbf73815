import type { HeldWorker } from '../machines/plugin/context.ts';
import type { PluginContext } from '../machines/plugin.ts';
import type { InstanceSnapshot } from './instance-snapshot.ts';

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
