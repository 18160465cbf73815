import { DEMAND_PARTS } from '../../calls/demand-window.ts';
import { instancesFor } from '../../supervision/instance-plan.ts';
import { changed, type HeldWorker, oldWorkers, type PluginContext } from './context.ts';
import type { WithGeneration } from './events.ts';
import { drainError, endInstanceLeases, openForInstance } from './gate-actions.ts';
import { tellOfInstance, withdraw } from './scheduler-messages.ts';
import { base } from './setup.ts';
import { instanceCount, led, servingSiblings, siblingsOf, workerOfEvent } from './siblings.ts';

/*
 * Fewer instances of one plugin. Most of these actions are of the instance that the event names; where that is the
 * current one, another becomes current first.
 */

/** The instance becomes one of the others: the oldest other one that serves is the current one from here on. */
export const handOver = base.assign(({ context, event }) => {
  const [heir] = servingSiblings(context);
  const isCurrent = (event as WithGeneration).generation === context.current;
  return isCurrent && heir !== undefined ? led(context, heir.generation) : {};
});

/** It is no instance any more; its worker is held until its process tree is gone. */
export const forgetSibling = base.assign(({ context, event }) => ({
  siblings: context.siblings.filter((generation) => generation !== (event as WithGeneration).generation),
}));

/** What an action may have done after it; narrower than XState's type, which differs with every action. */
export interface Enqueue {
  sendTo(ref: HeldWorker['ref'], event: { readonly type: 'STOP' }): void;
  cancel(id: string): void;
  assign(change: { workers(step: { readonly context: PluginContext }): readonly HeldWorker[] }): void;
  raise(
    event: { readonly type: 'RETIRED.LATE'; readonly generation: number },
    options: { readonly id: string; readonly delay: number },
  ): void;
}

const lateness = (generation: number): string => `retired-${generation}`;

/** Takes no new calls; those that it has get the time of a drain, and then it ends. */
export function retire(
  { gate, settings }: PluginContext,
  { residency, generation, ref }: HeldWorker,
  enqueue: Enqueue,
  leaving: HeldWorker['leaving'] = 'retired',
): void {
  if (residency !== undefined) gate.retire(residency);
  enqueue.assign({ workers: ({ context }) => changed(context, generation, { leaving }) });
  // One that yields may have to leave for good. A second event of the same id would leave the first one's timer behind.
  enqueue.cancel(lateness(generation));
  if ((residency?.leases.size ?? 0) === 0) enqueue.sendTo(ref, { type: 'STOP' });
  else enqueue.raise({ type: 'RETIRED.LATE', generation }, { id: lateness(generation), delay: settings.drainMs });
}

/** No further instance is asked for. */
export const withdrawGrowth = base.enqueueActions(({ context, enqueue }) => {
  if (context.asked === undefined) return;
  enqueue(withdraw);
  enqueue.assign({ asked: undefined });
});

/** No further instance is started, for the failure that was noted last. */
export const stopGrowth = base.enqueueActions(({ context, enqueue }) => {
  enqueue(withdrawGrowth);
  enqueue.assign({ growth: 'stopped', growthError: context.lastError });
});

/** Looks from now on whether fewer instances would do. */
export const watchDemand = base.enqueueActions(({ context, enqueue }) => {
  enqueue.cancel('demand');
  if (instanceCount(context) <= context.settings.instances.min) return;
  const delay = context.settings.instances.idleMs / DEMAND_PARTS;
  enqueue.raise({ type: 'DEMAND.LOOK' }, { id: 'demand', delay });
});

/** Ends the newest instances that are too many. */
export const trim = base.enqueueActions(({ context, enqueue }) => {
  const { gate, settings } = context;
  const needed = instancesFor(gate.demand, gate.capacity ?? Infinity, settings.instances);
  const surplus = instanceCount(context) - needed;
  if (surplus <= 0) return;
  const leaving = siblingsOf(context)
    .filter(({ leaving }) => leaving === undefined)
    .slice(-surplus);
  for (const worker of leaving) retire(context, worker, enqueue);
  const left = new Set(leaving.map(({ generation }) => generation));
  enqueue.assign({ siblings: context.siblings.filter((generation) => !left.has(generation)), restore: 0 });
});

/** Ends the instances that the calls of late did not need. */
export const shrink = [
  ({ context }: { readonly context: PluginContext }): void => context.gate.forgetOldDemand(),
  trim,
  watchDemand,
] as const;

/**
 * Ends all instances beside the current one, and asks for no more. Where the plugin is only asked to leave, their calls
 * have the time that they need, as those of the current one have.
 */
export const dropSiblings = base.enqueueActions(({ context, enqueue }) => {
  enqueue(withdrawGrowth);
  if (context.siblings.length === 0) return;
  for (const worker of siblingsOf(context)) {
    if (worker.leaving === undefined) retire(context, worker, enqueue);
    if (context.intent === 'yield') enqueue.cancel(lateness(worker.generation));
  }
  enqueue.assign({ siblings: [], restore: 0 });
  enqueue.cancel('demand');
});

/**
 * Ends the instances that cannot be given what holds from here on: those that are being started, and those that yield,
 * which would come back as they are.
 */
export const dropOutOfReach = base.enqueueActions(({ context, enqueue }) => {
  enqueue(withdrawGrowth);
  const outOfReach = siblingsOf(context).filter(
    ({ residency, leaving }) => residency === undefined || leaving !== undefined,
  );
  if (outOfReach.length === 0) return;
  for (const worker of outOfReach) retire(context, worker, enqueue);
  const dropped = new Set(outOfReach.map(({ generation }) => generation));
  enqueue.assign({ siblings: context.siblings.filter((generation) => !dropped.has(generation)) });
});

const retireInstance = base.enqueueActions(({ context, event, enqueue }) => {
  const worker = workerOfEvent(context, event);
  if (worker !== undefined) retire(context, worker, enqueue);
});

/** It leaves as soon as it has no call; the others go on. */
export const releaseInstance = [handOver, retireInstance, forgetSibling] as const;

/** It has a call, and stays. */
export const denyInstance = tellOfInstance('DENIED');

/** It takes no new calls, and leaves when it has none. */
export const yieldInstance = [
  handOver,
  base.enqueueActions(({ context, event, enqueue }) => {
    const worker = workerOfEvent(context, event);
    if (worker !== undefined && worker.leaving === undefined) retire(context, worker, enqueue, 'yielding');
  }),
] as const;

/** One that takes no more calls has none: it ends. */
export const stopRetired = base.enqueueActions(({ context, event, enqueue }) => {
  const worker = workerOfEvent(context, event);
  if (worker === undefined || (worker.residency?.leases.size ?? 0) > 0) return;
  if (worker.leaving === undefined) return;
  enqueue.sendTo(worker.ref, { type: 'STOP' });
  enqueue.cancel(lateness(worker.generation));
  enqueue(forgetSibling);
});

/** The time of all calls is over: those that took no more calls end with theirs. */
export const endAllRetired = base.enqueueActions(({ context, enqueue }) => {
  for (const { generation, residency, ref, leaving } of oldWorkers(context)) {
    if (leaving === undefined) continue;
    enqueue(({ context: { gate } }) => gate.end(generation, residency, drainError(context)));
    enqueue.sendTo(ref, { type: 'STOP' });
  }
});

/** The time of its calls is over: it ends with them, or goes on if it was only asked to leave. */
export const endRetired = base.enqueueActions(({ context, event, enqueue }) => {
  const worker = workerOfEvent(context, event);
  if (worker === undefined) return;
  if (context.siblings.includes(worker.generation)) {
    enqueue.assign({ workers: changed(context, worker.generation, { leaving: undefined }) });
    enqueue(openForInstance);
    enqueue(denyInstance);
    // Another may have been started in its place meanwhile, or asked for.
    enqueue(withdrawGrowth);
    enqueue(trim);
  } else if (worker.leaving !== undefined) {
    enqueue(endInstanceLeases);
    enqueue.sendTo(worker.ref, { type: 'STOP' });
  }
});
