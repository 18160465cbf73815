import { changed } from './context.ts';
import type { WithGeneration } from './events.ts';
import { trim, watchDemand, withdrawGrowth } from './fewer-instances.ts';
import { openForInstance } from './gate-actions.ts';
import { askForFurther, tellChanges } from './scheduler-messages.ts';
import { base } from './setup.ts';
import { instanceCount, led, missingInstances } from './siblings.ts';
import { noteReady, spawnSibling } from './worker-actions.ts';

/*
 * More instances of one plugin.
 */

/** How long a further instance that was refused is not asked for again, in milliseconds. */
const REFUSED_GROWTH_MS = 5_000;
/** The same where it cannot be had beside those there are. */
const NO_ROOM_MS = 60_000;

/** Asks for a further instance, if there should be one. One request is out at a time. */
export const grow = base.enqueueActions(({ context, enqueue }) => {
  if (context.asked !== undefined || missingInstances(context) <= 0) return;
  enqueue.assign({ generation: context.generation + 1, asked: context.generation + 1 });
  enqueue(askForFurther);
});

/** The calls that waited have their turn: what was asked for may not be needed any more. */
export const askForNoMore = base.enqueueActions(({ context, enqueue }) => {
  if (context.asked !== undefined && missingInstances(context) <= 0) enqueue(withdrawGrowth);
});

/** Starts the further instance that was granted, and asks for the next. */
export const startSibling = [spawnSibling, grow] as const;

/** No call fails because there is no further instance: it is asked for again after a while, if calls still wait. */
export const noteRefusedGrowth = base.enqueueActions(({ event, enqueue }) => {
  const hasNoRoom = event.type === 'REFUSED' && event.error.reason === 'never-fits';
  enqueue.assign({ asked: undefined, growth: 'waiting' });
  // A second event of the same id would leave the first one's timer behind.
  enqueue.cancel('growth');
  enqueue.raise({ type: 'GROWTH.AGAIN' }, { id: 'growth', delay: hasNoRoom ? NO_ROOM_MS : REFUSED_GROWTH_MS });
});

/** A loss or a refusal is long enough ago. */
export const waitNoMore = base.assign({
  losses: 0,
  growth: ({ context }) => (context.growth === 'waiting' ? 'free' : context.growth),
});

/** Asks again after a loss or a refusal. */
export const growAgain = [
  base.assign({
    restarts: ({ context }) => {
      const { restarts, growth, losses } = context;
      const missing = growth === 'waiting' ? missingInstances({ ...context, growth: 'free' }) : 0;
      return restarts + Math.min(losses, Math.max(0, missing));
    },
  }),
  waitNoMore,
  grow,
] as const;

/** What one of its own instances held is free: there may be room for another. */
export const growIntoRoom = base.enqueueActions(({ context, enqueue }) => {
  if (context.growth === 'waiting' && context.losses === 0) enqueue(freeGrowth);
  enqueue(grow);
});

/** What has kept further instances from being started does not count any more. */
export const freeGrowth = base.enqueueActions(({ context, enqueue }) => {
  if (context.growth === 'free') return;
  enqueue.cancel('growth');
  enqueue.assign({ growth: 'free', losses: 0 });
});

/** There are as many again as were wanted back: should some leave later, that is another matter. */
const noteRestored = base.enqueueActions(({ context, enqueue }) => {
  if (context.restore > 0 && instanceCount(context) >= context.restore) enqueue.assign({ restore: 0 });
});

/** The instance is ready: it takes calls beside the others. */
export const joinInstances = [noteReady, openForInstance, noteRestored, tellChanges, watchDemand, grow] as const;

/** Another instance becomes the current one. */
export const lead = base.assign(({ context, event }) => led(context, (event as WithGeneration).generation));

/** It has shown who it is. */
export const noteConnected = base.assign(({ context, event }) => ({
  workers: changed(context, (event as WithGeneration).generation, { connected: true }),
}));

/** Follows a changed manifest. */
export const followBounds = [freeGrowth, askForNoMore, trim, watchDemand, grow] as const;
