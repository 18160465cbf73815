import { oldWorkers, type PluginContext, workerOf } from './context.ts';
import type { PluginEvent } from './events.ts';
import { errorOf, openGate } from './gate-actions.ts';
import { tellChanges, tellScheduler } from './scheduler-messages.ts';
import { base } from './setup.ts';

/*
 * A new worker in place of the one that serves, which goes on serving meanwhile.
 */

/** The replacement is a new generation. */
export const nextReplacement = base.assign(({ context }) => ({
  generation: context.generation + 1,
  replacement: context.generation + 1,
  replaceAgain: false,
}));

/** Calls go to the replacement from here on; the leases of the old worker run out. */
export const adoptReplacement = base.enqueueActions(({ context, enqueue }) => {
  const { gate, siblings } = context;
  if (workerOf(context, context.replacement)?.residency !== undefined) {
    for (const old of gate.serving) if (!siblings.includes(old.generation)) gate.retire(old);
  }
  enqueue.assign({ current: context.replacement, replacement: undefined });
  enqueue(openGate);
  enqueue(context.siblings.length > 0 ? tellChanges : tellScheduler(context.gate.leases > 0 ? 'BUSY' : 'IDLE'));
});

/** Ends the worker that was to replace the current one. */
export const dropReplacement = base.enqueueActions(({ context, enqueue }) => {
  const ref = workerOf(context, context.replacement)?.ref;
  if (ref !== undefined) enqueue.sendTo(ref, { type: 'STOP' });
  enqueue.assign({ replacement: undefined });
  if (!context.denied) return;
  enqueue.assign({ denied: false });
  if (context.current !== undefined && context.gate.leases === 0) enqueue(tellScheduler('IDLE'));
});

/** Ends the old workers that have returned their last lease. */
export const stopDrainedWorkers = base.enqueueActions(({ context, enqueue }) => {
  for (const { ref, residency } of oldWorkers(context)) {
    if ((residency?.leases.size ?? 0) === 0) enqueue.sendTo(ref, { type: 'STOP' });
  }
});

/** Another replacement follows the one under way. */
export const replaceAgain = base.assign({ replaceAgain: true });

/** A replacement that a drain cuts short remains to be done, should the worker stay after all. */
export const stillToReplace = base.assign(({ context }) => ({
  replaceAgain: context.replaceAgain || context.replacement !== undefined,
}));

/** Tells the runtime how the replacement went. */
export const reportReplacement = ({ context, event }: { context: PluginContext; event: PluginEvent }): void =>
  context.host.replaced(context, errorOf(context, event));
