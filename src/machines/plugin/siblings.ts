import { instancesFor } from '../../supervision/instance-plan.ts';
import { type HeldWorker, type PluginContext, workerOf } from './context.ts';

/*
 * What there is beside the current instance. The current one is the oldest that serves: it stands for the plugin, whose
 * states tell of it, and hands that over to another when it is lost or leaves. So a plugin leaves `ready` and `busy` only
 * with its last instance.
 */

/** The instances beside the current one. */
export const siblingsOf = (context: PluginContext): readonly HeldWorker[] =>
  context.workers.filter(({ generation }) => context.siblings.includes(generation));

/** Whether calls can be given to this worker. */
const serves = ({ gate }: PluginContext, { residency }: HeldWorker): boolean =>
  residency !== undefined && gate.serving.includes(residency);

/** The instances beside the current one that take calls, oldest first. */
export const servingSiblings = (context: PluginContext): readonly HeldWorker[] =>
  context.siblings.length === 0 ? [] : siblingsOf(context).filter((worker) => serves(context, worker));

/** The instances that are being started beside the current one, oldest first. */
export const startingSiblings = (context: PluginContext): readonly HeldWorker[] =>
  context.siblings.length === 0 ? [] : siblingsOf(context).filter(({ residency }) => residency === undefined);

/** How many instances there are, other than such as are leaving. */
export const instanceCount = (context: PluginContext): number =>
  1 + siblingsOf(context).filter(({ leaving }) => leaving === undefined).length;

/** How many instances are to be started beside those there are. */
export function missingInstances(context: PluginContext): number {
  const { settings, gate, enabled, growth, restore } = context;
  const { instances } = settings;
  if (instances.max === 1 || !enabled || growth !== 'free') return 0;
  // Short calls that wait a moment need no process of their own.
  const calls = gate.waitsLong ? gate.leases + gate.waiting : 0;
  const wanted = instancesFor(calls, gate.capacity ?? Infinity, instances);
  return Math.max(wanted, Math.min(restore, instances.max)) - instanceCount(context);
}

/** The generation of an instance that is to be replaced; the current one first. */
export function outdatedInstance(context: PluginContext): number | undefined {
  const { current, outdated } = context;
  if (outdated === 0) return undefined;
  if (current !== undefined && current <= outdated) return current;
  return servingSiblings(context).find(({ generation }) => generation <= outdated)?.generation;
}

/** Whether no further instance is asked for or started. */
export const isSettled = (context: PluginContext): boolean =>
  context.asked === undefined && startingSiblings(context).length === 0;

/** The context in which another instance is the current one. */
export function led(context: PluginContext, by: number): Pick<PluginContext, 'current' | 'siblings'> {
  const { current, siblings } = context;
  const others = siblings.filter((generation) => generation !== by);
  if (current === undefined || current === by) return { current: by, siblings: others };
  return { current: by, siblings: [...others, current].toSorted((a, b) => a - b) };
}

/** The worker that an event is of. */
export const workerOfEvent = (context: PluginContext, event: object): HeldWorker | undefined =>
  workerOf(context, (event as { readonly generation?: number }).generation);
