import { workerOf } from './context.ts';
import { dropOutOfReach, retire, stopGrowth } from './fewer-instances.ts';
import { base } from './setup.ts';
import { instanceCount, led, outdatedInstance, servingSiblings } from './siblings.ts';

/*
 * All instances are replaced, one after the other: always the current one, which the next one out of date becomes in its
 * turn.
 */

/** Every instance there is now is to be replaced. Those that are being started are out of date already. */
export const beginRoll = base.enqueueActions(({ context, event, enqueue }) => {
  const { settings, siblings, generation } = context;
  if (event.type !== 'REPLACE' || event.only === 'current') return;
  if (settings.instances.max === 1 && siblings.length === 0) return;
  enqueue(dropOutOfReach);
  enqueue.cancel('growth');
  enqueue.assign({ growth: 'free', losses: 0, outdated: servingSiblings(context).length > 0 ? generation : 0 });
});

/** A new one does not start: those that serve stay, and none is added until the next change. */
export const stopRoll = base.enqueueActions(({ context, enqueue }) => {
  if (context.settings.instances.max === 1) return;
  enqueue.assign({ outdated: 0 });
  enqueue(stopGrowth);
});

/** It is the turn of the next one that is out of date: it becomes the current one. */
export const takeTurn = base.assign(({ context }) => {
  const next = context.replaceAgain ? undefined : outdatedInstance(context);
  return next === undefined ? {} : led(context, next);
});

const makeRoom = base.enqueueActions(({ context, enqueue }) => {
  const worker = workerOf(context, context.current);
  const [heir] = servingSiblings(context);
  if (worker === undefined || heir === undefined) return;
  retire(context, worker, enqueue);
  enqueue.assign({ ...led(context, heir.generation) });
  enqueue.assign({ siblings: ({ context: { siblings } }) => siblings.filter((each) => each !== worker.generation) });
});

/**
 * There is no memory for one more: the current one leaves first, and the others serve meanwhile. Another is started in
 * its place, however many instances the calls need now.
 */
export const replaceInPlace = [
  base.assign(({ context }) => ({ restore: Math.max(context.restore, instanceCount(context)) })),
  makeRoom,
] as const;

/** The one that leaves for good is followed by none in its place. */
export const leaveToOthers = [makeRoom, stopGrowth] as const;
