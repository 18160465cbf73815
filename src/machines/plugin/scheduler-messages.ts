import type { Residency } from '../../calls/lease-request.ts';
import { askedOf, type HeldWorker, oldWorkers, type PluginContext, workerOf } from './context.ts';
import type { WithGeneration } from './events.ts';
import { base } from './setup.ts';
import { outdatedInstance } from './siblings.ts';

/*
 * What the plugin tells the scheduler.
 */

/** Whether it is one of several instances that takes no new calls, and has some yet. */
const finishesCalls = ({ leaving, residency }: HeldWorker): boolean =>
  leaving !== undefined && (residency?.leases.size ?? 0) > 0;

/**
 * Asks for memory, once nothing is left of former workers: what they held is free then. Instances that were retired and
 * have calls to finish are not waited for. A restart that no call waits for is answered at once, so that nothing is
 * evicted for it.
 */
const ask = base.enqueueActions(({ context, enqueue, self }) => {
  if (!oldWorkers(context).every(finishesCalls)) return;
  const { name: plugin, gate, host } = context;
  const asking = { plugin, generation: askedOf(context), ref: self, need: host.need(context) };
  if (context.startedFor === 'restart' && gate.waiting === 0) {
    enqueue.sendTo(context.scheduler, { type: 'RESERVE_EXTRA', ...asking });
  } else {
    enqueue.sendTo(context.scheduler, {
      type: 'ACQUIRE',
      ...asking,
      ...urgencyOf(context),
      at: host.clock.monotonic(),
    });
  }
});

/** The scheduler decides by the leases that are out now. */
const tellLeases = ({ context }: { context: PluginContext }): void => context.host.tellLeases();

/** Asks for memory. */
export const acquire = [tellLeases, ask] as const;

/**
 * How long a further instance is waited for while others are to be replaced, in milliseconds: for as long as memory that
 * one of them gave up may take to be measured as free, and not for other plugins, which may hold it for long.
 */
const ROLL_WAIT_MS = 10_000;

const urgencyOf = ({ gate, settings }: PluginContext) => ({
  priority: settings.priority + gate.priority,
  deadline: gate.deadline,
  since: gate.since,
});

/** Asks for the memory of a further instance, beside those that serve. */
export const askForFurther = base.enqueueActions(({ context, enqueue, self }) => {
  const { name: plugin, asked: generation, host } = context;
  const at = host.clock.monotonic();
  const { priority, deadline } = urgencyOf(context);
  const isRolling = outdatedInstance(context) !== undefined;
  enqueue(tellLeases);
  enqueue.sendTo(context.scheduler, {
    type: 'ACQUIRE',
    plugin,
    generation,
    ref: self,
    need: host.need(context),
    priority,
    deadline: isRolling ? Math.min(deadline ?? Infinity, at + ROLL_WAIT_MS) : deadline,
    at,
    further: true,
  });
});

/** The calls that wait have become more or less urgent. */
export const updateAcquire = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context }) => ({
    type: 'ACQUIRE.UPDATE',
    plugin: context.name,
    ...urgencyOf(context),
  }),
);

/** The memory that was asked for is not needed any more. */
export const withdraw = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context }) => ({ type: 'WITHDRAW', plugin: context.name }),
);

/** Asks for the memory of a second worker, for which nothing is evicted. */
export const reserveExtra = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context, self }) => ({
    type: 'RESERVE_EXTRA',
    plugin: context.name,
    generation: context.replacement,
    ref: self,
    need: context.host.need(context),
  }),
);

/** Remembers on which GPUs the granted generation is to run. */
export const noteGpus = base.assign(({ event }) => (event.type === 'GRANTED' ? { gpus: event.gpus } : {}));

/** A grant that comes too late goes back. What a warm worker keeps stays reserved. */
export const returnGrant = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'GRANTED') return;
  const { generation } = event;
  const { name: plugin, scheduler } = context;
  const worker = workerOf(context, generation);
  if (worker === undefined) enqueue.sendTo(scheduler, { type: 'RETURNED', plugin, generation });
  else if (worker.kept !== undefined) {
    enqueue.sendTo(scheduler, { type: 'RELEASED', plugin, generation, kept: worker.kept });
  }
});

function noteTold(residency: Residency, isBusy: boolean): void {
  residency.toldBusy = isBusy;
  residency.toldLease = residency.lastLease;
}

/** Tells what the current worker does now, or that it cannot leave. */
export const tellScheduler = (type: 'IDLE' | 'BUSY' | 'DENIED' | 'RELEASED') =>
  base.sendTo(
    ({ context }) => context.scheduler,
    ({ context }) => {
      const { name: plugin, current: generation, host } = context;
      const worker = workerOf(context, generation);
      if (type === 'RELEASED') return { type, plugin, generation, kept: worker?.kept };
      // What is told of it beside others later goes by this. What denies counts as busy.
      if (worker?.residency !== undefined) noteTold(worker.residency, type !== 'IDLE');
      return { type, plugin, generation, at: host.clock.monotonic() };
    },
  );

/** Tells the same of the instance that the event is of. */
export const tellOfInstance = (type: 'DENIED') =>
  base.enqueueActions(({ context, event, enqueue }) => {
    const { name: plugin, scheduler, host } = context;
    const worker = workerOf(context, (event as WithGeneration).generation);
    if (worker === undefined) return;
    // What denies counts as busy, whatever was said of it before.
    if (worker.residency !== undefined) noteTold(worker.residency, true);
    enqueue.sendTo(scheduler, { type, plugin, generation: worker.generation, at: host.clock.monotonic() });
    enqueue(tellChanges);
  });

/** Tells, of each instance that takes calls, whether it has one, where that is not what the scheduler knows. */
export const tellChanges = base.enqueueActions(({ context, enqueue }) => {
  const { name: plugin, gate, scheduler, host } = context;
  for (const residency of gate.serving) {
    const isBusy = residency.leases.size > 0;
    // Calls may have come and gone that were too short to tell of, and who was used longest ago leaves first.
    const wasUsed = !isBusy && residency.toldLease !== residency.lastLease;
    if (residency.toldBusy === isBusy && !wasUsed) continue;
    noteTold(residency, isBusy);
    const { generation } = residency;
    enqueue.sendTo(scheduler, { type: isBusy ? 'BUSY' : 'IDLE', plugin, generation, at: host.clock.monotonic() });
  }
});

/** Tells that the plugin has calls. */
export const tellBusy = base.enqueueActions(({ context, enqueue }) => {
  enqueue(context.siblings.length > 0 ? tellChanges : tellScheduler('BUSY'));
});

/**
 * Tells the scheduler that the plugin is idle, unless calls that waited at its gate have taken leases in this very step:
 * then it is `busy` next, which tells of those. Told idle in between, it would be evicted as it is about to be called.
 */
export const tellUse = base.enqueueActions(({ context, enqueue }) => {
  if (context.gate.leases > 0) enqueue.raise({ type: 'LEASED' });
  else enqueue(context.siblings.length > 0 ? tellChanges : tellScheduler('IDLE'));
});

/** The plugin cannot leave now. Where no lease is out, the scheduler is told later when it can. */
export const deny = base.enqueueActions(({ context, enqueue }) => {
  enqueue(tellScheduler('DENIED'));
  enqueue.assign({ denied: context.gate.leases === 0 });
});

/** It is the last instance, which stays where another plugin asks for a further one. */
export const denyAsLast = base.enqueueActions(({ context, enqueue }) => {
  const { name: plugin, current: generation, scheduler } = context;
  enqueue.sendTo(scheduler, { type: 'DENIED', plugin, generation, last: true });
  if (context.gate.leases === 0) enqueue(tellScheduler('IDLE'));
});

/** The plugin needs another amount than before. */
export const tellNeed = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context }) => ({ type: 'RECONFIGURED', plugin: context.name, need: context.host.need(context) }),
);
