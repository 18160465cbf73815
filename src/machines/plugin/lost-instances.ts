import type { PluginContext } from './context.ts';
import type { PluginEvent, RestartVerdict, WithGeneration } from './events.ts';
import { askAboutInstance, noteFailure } from './failure-actions.ts';
import { forgetSibling, handOver, releaseInstance, stopGrowth, withdrawGrowth } from './fewer-instances.ts';
import { endInstanceLeases, errorOf, killReason, loseLeases } from './gate-actions.ts';
import { grow } from './more-instances.ts';
import { stopRoll } from './roll.ts';
import { base, isShortage } from './setup.ts';
import { instanceCount, outdatedInstance, startingSiblings, workerOfEvent } from './siblings.ts';

/*
 * One of several instances is lost: its own calls end, the others go on. Whether and when another is started the
 * supervisor decides, as it does for a plugin; losses while others serve count by themselves.
 */

const kill = base.enqueueActions(({ context, event, enqueue }) => {
  const worker = workerOfEvent(context, event);
  if (worker !== undefined) enqueue.sendTo(worker.ref, { type: 'KILL', reason: killReason(context, event) });
});

/** Where the restart policy is `permanent`, as many are wanted again as there were. */
const noteRestore = base.assign(({ context }) =>
  context.settings.restart.policy === 'permanent' ? { restore: Math.max(context.restore, instanceCount(context)) } : {},
);

const tellOfLoss = ({ context, event }: { readonly context: PluginContext; readonly event: PluginEvent }): void => {
  const error = errorOf(context, event);
  if (error !== undefined) context.host.lost(context, (event as WithGeneration).generation, error);
};

/**
 * Losses until the next instance is started are one crash: what ends several workers at once would use up the restarts
 * of a plugin with many, though none of them was restarted.
 */
const reportLoss = base.enqueueActions(({ context, enqueue }) => {
  enqueue(tellOfLoss);
  enqueue.raise({ type: 'INSTANCE.LOST' });
  enqueue.assign({ losses: context.losses + 1 });
  if (context.losses > 0) return;
  enqueue.assign({ growth: context.growth === 'stopped' ? 'stopped' : 'waiting' });
  enqueue(askAboutInstance);
});

/** It has ended or hangs. */
export const loseInstance = [noteFailure, noteRestore, loseLeases, handOver, forgetSibling, reportLoss] as const;
/** It lives and cannot be reached. */
export const killInstance = [kill, ...loseInstance] as const;
/** Its cancelled calls are not given up: it is killed, which is no crash. */
export const killStuckInstance = [endInstanceLeases, handOver, kill, forgetSibling, grow] as const;
/** A call of it ran out of memory: the next one that is started gets more. */
export const retireStarvedInstance = [base.assign({ starved: true }), ...releaseInstance] as const;

/** It did not become ready. No call fails for that while others serve. */
export const failInstance = base.enqueueActions(({ context, event, enqueue }) => {
  enqueue(noteFailure);
  enqueue(forgetSibling);
  if (!context.starved && isShortage(event)) {
    enqueue.assign({ starved: true });
    enqueue(grow);
    return;
  }
  // What does not start now would not start in the place of the others either.
  if (outdatedInstance(context) !== undefined) enqueue(stopRoll);
  enqueue(reportLoss);
});

/** The last one that served is lost while others are being started: the first of those is the current one from here on. */
export const takeOver = base.enqueueActions(({ context, enqueue }) => {
  const [first, ...others] = startingSiblings(context);
  if (first === undefined) return;
  enqueue(withdrawGrowth);
  enqueue.assign({ current: first.generation, siblings: others.map(({ generation }) => generation) });
});

/** The same, and the loss is told. */
export const succeed = [noteFailure, loseLeases, reportLoss, takeOver] as const;

const tellOfEnd = ({ context, event }: { readonly context: PluginContext; readonly event: PluginEvent }): void => {
  const error = errorOf(context, event);
  if (error !== undefined) context.host.growthStopped(context, error);
};

/** What the supervisor has decided about further instances. */
export const noteVerdict = base.enqueueActions(({ context, event, enqueue }) => {
  if (context.growth === 'stopped') return;
  const verdict = event as RestartVerdict;
  switch (verdict.type) {
    case 'RESTART':
      enqueue.cancel('growth');
      return enqueue.raise({ type: 'GROWTH.AGAIN' }, { id: 'growth', delay: verdict.delayMs });
    case 'STOPPED':
      return enqueue.raise({ type: 'GROWTH.AGAIN' });
    case 'GIVE_UP':
      enqueue(noteFailure);
      enqueue.assign({ losses: 0 });
      enqueue(stopGrowth);
      return enqueue(tellOfEnd);
  }
});
