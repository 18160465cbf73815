import { and } from 'xstate';
import { residencyOf } from './context.ts';
import { forgetOversized, forgive, noteFailure, noteStarvedCall, noteStarvedStart } from './failure-actions.ts';
import {
  denyInstance,
  dropOutOfReach,
  dropSiblings,
  endAllRetired,
  releaseInstance,
  shrink,
  yieldInstance,
} from './fewer-instances.ts';
import {
  admitUnlessDisabled,
  closeGate,
  endLeases,
  loseLeases,
  openGate,
  refuseAll,
  refuseGivenUp,
  refuseWaiting,
} from './gate-actions.ts';
import {
  failInstance,
  killInstance,
  killStuckInstance,
  loseInstance,
  noteVerdict,
  retireStarvedInstance,
  succeed,
} from './lost-instances.ts';
import {
  askForNoMore,
  followBounds,
  freeGrowth,
  grow,
  growAgain,
  growIntoRoom,
  joinInstances,
  lead,
  noteConnected,
  noteRefusedGrowth,
  startSibling,
} from './more-instances.ts';
import { enable, intend, noteConfig, noteLoad, noteServing, noteUnload } from './plugin-actions.ts';
import { stillToReplace } from './replacement-actions.ts';
import { leaveToOthers } from './roll.ts';
import {
  acquire,
  deny,
  denyAsLast,
  noteGpus,
  tellBusy,
  tellChanges,
  tellScheduler,
  tellUse,
  updateAcquire,
  withdraw,
} from './scheduler-messages.ts';
import { base } from './setup.ts';
import {
  endIdleTime,
  forgetKept,
  forgetWorker,
  killWorker,
  nextGeneration,
  noteGone,
  noteKept,
  noteReady,
  spawnWorker,
  startIdleTime,
  stopWorker,
} from './worker-actions.ts';

/*
 * The worker slot: the states in which the plugin gets a worker, has one, or keeps one warm. It leaves them for
 * `#stopping`, `#crashed` and `#failed`, which are the plugin's.
 */

/** The current worker has ended or hangs while it was ready: its leases end, the calls that wait go on waiting. */
const crash = {
  guard: 'ofCurrent',
  target: '#crashed',
  actions: [noteFailure, loseLeases, dropSiblings, noteGone, base.raise({ type: 'REPLACEMENT.ABANDONED' })],
} as const;

/** The last one that serves is lost while another instance is being started. */
const succession = {
  guard: 'succeeded',
  target: '#initializing',
  actions: [...succeed, base.raise({ type: 'REPLACEMENT.ABANDONED' })],
} as const;

/** Of several instances one is lost; else it is the plugin's crash. */
const lost = [{ guard: 'relieved', actions: loseInstance }, succession, crash] as const;

/** The same for a worker that lives and cannot be reached: it is killed. */
const unreachable = {
  ...crash,
  actions: [noteFailure, loseLeases, ...killWorker, noteGone],
} as const;

/** It was about to end anyway, so it is not a crash. */
const lostInDrain = [
  { guard: 'lostWhileGivingUp', target: '#failed', actions: [loseLeases, noteGone] },
  { guard: 'lostWhileLeaving', target: '#stopping', actions: [noteFailure, loseLeases, noteGone] },
  crash,
] as const;

const unreachableInDrain = [
  { guard: 'lostWhileGivingUp', target: '#failed', actions: [loseLeases, ...killWorker, noteGone] },
  { guard: 'lostWhileLeaving', target: '#stopping', actions: [noteFailure, loseLeases, ...killWorker, noteGone] },
  unreachable,
] as const;

/** The worker did not become ready: the calls that wait fail at once. */
const failedStart = [
  { guard: 'succeeded', target: '#initializing', reenter: true, actions: succeed },
  // For want of memory: once more, asking for more of it.
  { guard: 'shortOfMemory', target: '#admitting', actions: [noteFailure, noteStarvedStart, nextGeneration] },
  { guard: 'ofCurrent', target: '#crashed', actions: [noteFailure, refuseWaiting, noteGone] },
  { guard: 'ofSibling', actions: failInstance },
] as const;

/** Of the instances that are being started, whichever is ready first has the calls. */
const readyBefore = { guard: 'ofSibling', target: '#ready', actions: [noteReady, lead] } as const;

const startOver = { target: '#admitting', actions: [...stopWorker, nextGeneration], reenter: true } as const;

/** What every phase of a start in progress does. */
const starting = {
  LOAD: { actions: noteLoad },
  'WORKER.READY': readyBefore,
  'WORKER.FAILED': failedStart,
  'WORKER.EXITED': failedStart,
  'WORKER.HUNG': failedStart,
  REPLACE: startOver,
  UNLOAD: { target: '#stopping', actions: [refuseWaiting, ...noteUnload, ...stopWorker] },
  REMOVE: { target: '#stopping', actions: [refuseAll, intend('remove'), ...stopWorker] },
} as const;

/** How a worker that serves is lost or taken away: at once if it is idle, else after a drain. */
const serving = {
  LOAD: { actions: [noteLoad, freeGrowth, grow] },
  ENABLE: { actions: [...enable, grow] },
  'WORKER.CONNECTED': { guard: 'ofSibling', actions: noteConnected },
  'WORKER.READY': { guard: 'ofSibling', actions: joinInstances },
  'WORKER.FAILED': { guard: 'ofSibling', actions: failInstance },
  'WORKER.EXITED': lost,
  'WORKER.HUNG': lost,
  UNREACHABLE: [{ guard: 'relieved', actions: killInstance }, unreachable],
  // Only the current one can be replaced. Of one that takes no calls now it is told again while that is so.
  'WORKER.OVERSIZED': { guard: 'siblingMayBeReplaced', actions: [lead, base.raise(({ event }) => event)] },
  GRANTED: { guard: 'ofGrowth', actions: [noteGpus, ...startSibling] },
  REFUSED: { guard: 'ofGrowth', actions: noteRefusedGrowth },
  CONFIGURED: { actions: [noteConfig, dropOutOfReach, grow] },
  'INSTANCE.UNFIT': { guard: 'relieved', actions: [...releaseInstance, grow] },
  FULL: { actions: grow },
  ROOM: { actions: askForNoMore },
  USED: { actions: tellChanges },
  'DEMAND.LOOK': { actions: shrink },
  'BOUNDS.CHANGED': { actions: followBounds },
  'GROWTH.AGAIN': { actions: growAgain },
  'WORKER.GONE': { guard: 'held', actions: [forgetWorker, growIntoRoom] },
  // Over its memory limit too often. In order, as it still works.
  GIVE_UP: [
    { guard: 'aboutInstance', actions: noteVerdict },
    { guard: 'currentRelieved', actions: [noteFailure, ...leaveToOthers] },
    { guard: 'idle', target: '#failed', actions: [noteFailure, closeGate, ...stopWorker] },
    { target: '#draining', actions: [noteFailure, refuseGivenUp, intend('give-up')] },
  ],
  // Cancelled calls that the worker does not give up: a new worker, which is not a crash.
  STUCK: [
    { guard: 'relieved', actions: killStuckInstance },
    { guard: 'ofCurrent', target: '#admitting', actions: [endLeases, ...killWorker, nextGeneration] },
  ],
  RELEASE: [
    { guard: 'stale' },
    { guard: 'relievedAndIdle', actions: releaseInstance },
    { guard: 'relieved', actions: denyInstance },
    { guard: 'asLast', actions: denyAsLast },
    { guard: 'evictable', target: '#releasing' },
    { actions: deny },
  ],
  // A call that ran out of memory waits for the worker to come back with more of it.
  STARVED: [
    { guard: 'relieved', actions: retireStarvedInstance },
    { guard: 'ofCurrent', target: '#draining', actions: noteStarvedCall },
  ],
  YIELD: [
    { guard: 'stale' },
    { guard: 'relievedAndIdle', actions: releaseInstance },
    { guard: 'relieved', actions: yieldInstance },
    { guard: 'asLast', actions: denyAsLast },
    { guard: 'evictable', target: '#releasing' },
    { target: '#draining', actions: intend('yield') },
  ],
  UNLOAD: [
    { guard: 'idle', target: '#stopping', actions: [closeGate, ...noteUnload, ...stopWorker] },
    { target: '#draining', actions: [intend('unload'), ...noteUnload] },
  ],
  REMOVE: [
    { guard: 'idle', target: '#stopping', actions: [closeGate, refuseAll, intend('remove'), ...stopWorker] },
    { target: '#draining', actions: [refuseAll, intend('remove')] },
  ],
  'REPLACE.DRAINED': [
    { guard: 'idle', target: '#admitting', actions: [closeGate, ...stopWorker, nextGeneration] },
    { target: '#draining', actions: intend('replace') },
  ],
} as const;

/** How a plugin without calls to end is loaded or ended. */
export const resting = {
  LOAD: { target: '#admitting', actions: [noteLoad, nextGeneration] },
  UNLOAD: { target: '#stopping', actions: [...noteUnload, ...stopWorker] },
  REMOVE: { target: '#stopping', actions: [refuseAll, intend('remove'), ...stopWorker] },
} as const;

/** A worker is asked for and started, or a warm one is brought back. */
export const spawning = base.createStateConfig({
  initial: 'admitting',
  states: {
    admitting: {
      id: 'admitting',
      entry: [...acquire],
      on: {
        GRANTED: [
          { guard: 'askedToResume', target: 'resuming', actions: noteGpus },
          { guard: 'ofAsked', target: 'launching', actions: noteGpus },
        ],
        START_COLD: {
          guard: 'askedToResume',
          target: '#admitting',
          reenter: true,
          actions: [...stopWorker, nextGeneration],
        },
        REFUSED: [
          { guard: 'askedToResume', target: '#warm', actions: [noteFailure, refuseWaiting] },
          { guard: 'ofAskedAndKeptLoaded', target: '#cold', actions: [noteFailure, refuseWaiting] },
          { guard: 'ofAsked', target: '#stopping', actions: [noteFailure, refuseWaiting] },
        ],
        CALL: { actions: updateAcquire },
        'CALLERS.GONE': [
          { guard: 'keptLoaded' },
          { guard: 'warm', target: '#warm', actions: withdraw },
          { target: '#stopping', actions: withdraw },
        ],
        LOAD: { actions: noteLoad },
        'WORKER.GONE': { actions: [forgetWorker, ...acquire] },
        // The warm worker that was to come back is gone: ask for the memory of a new one.
        'WORKER.EXITED': {
          guard: 'ofCurrent',
          target: '#admitting',
          reenter: true,
          actions: [withdraw, noteGone, nextGeneration],
        },
        REPLACE: { target: '#admitting', reenter: true, actions: [withdraw, ...stopWorker, nextGeneration] },
        UNLOAD: { target: '#stopping', actions: [withdraw, refuseWaiting, ...noteUnload, ...stopWorker] },
        REMOVE: { target: '#stopping', actions: [withdraw, refuseAll, intend('remove'), ...stopWorker] },
      },
    },
    launching: {
      entry: spawnWorker,
      on: { ...starting, 'WORKER.CONNECTED': { guard: 'ofCurrent', target: 'initializing' } },
    },
    initializing: {
      id: 'initializing',
      on: {
        ...starting,
        'WORKER.READY': [{ guard: 'ofCurrent', target: '#ready', actions: noteReady }, readyBefore],
      },
    },
    resuming: {
      entry: forgetKept,
      invoke: {
        id: 'resume',
        src: 'resume',
        input: ({ context }) => ({
          residency: residencyOf(context),
          config: context.config,
          entry: context.entry,
        }),
        onDone: '#ready',
        // What does not come back warm is started cold.
        onError: startOver,
      },
      on: starting,
    },
  },
});

/** The worker takes calls and has none. */
export const ready = base.createStateConfig({
  id: 'ready',
  entry: [noteServing, openGate, tellUse, startIdleTime, grow],
  exit: endIdleTime,
  on: {
    ...serving,
    LEASED: { guard: 'leased', target: 'busy' },
    // Calls have come and gone that were too short to tell of.
    IDLE: { guard: 'idle', actions: [endIdleTime, tellUse, startIdleTime] },
    'IDLE.LIMIT': [{ guard: 'evictable', target: '#releasing' }, { actions: startIdleTime }],
  },
});

/** The worker has calls, and takes more of them or drains. */
export const busy = base.createStateConfig({
  id: 'busy',
  initial: 'serving',
  entry: tellBusy,
  states: {
    serving: {
      id: 'serving',
      on: { ...serving, IDLE: { guard: 'idle', target: '#ready' } },
    },
    draining: {
      id: 'draining',
      entry: [closeGate, dropSiblings, stillToReplace, base.raise({ type: 'REPLACEMENT.ABANDONED' })],
      always: [
        { guard: 'drainedToYield', target: '#releasing' },
        {
          guard: 'drainedToReplace',
          target: '#admitting',
          actions: [intend(undefined), ...stopWorker, nextGeneration],
        },
        { guard: 'drainedToGiveUp', target: '#failed', actions: [intend(undefined), ...stopWorker] },
        { guard: 'idle', target: '#stopping', actions: stopWorker },
      ],
      after: {
        drain: [
          {
            guard: 'yielding',
            target: 'serving',
            actions: [intend(undefined), openGate, tellScheduler('DENIED'), grow],
          },
          { actions: [endLeases, endAllRetired] },
        ],
      },
      on: {
        'WORKER.EXITED': lostInDrain,
        'WORKER.HUNG': lostInDrain,
        UNREACHABLE: unreachableInDrain,
        STUCK: [
          // It still has the calls that it did not give up, so it must not come back warm.
          { guard: 'stuckWhileYielding', target: '#releasing', actions: [endLeases, ...killWorker] },
          { guard: 'ofCurrent', actions: endLeases },
        ],
        REPLACE: [
          { guard: 'yielding', actions: intend('replace') },
          { guard: 'givingUp', actions: [...forgive, intend('replace')] },
        ],
        LOAD: [{ guard: 'givingUp', actions: [noteLoad, ...forgive, intend('replace')] }, { actions: noteLoad }],
        UNLOAD: [
          { guard: 'givingUp', actions: [admitUnlessDisabled, intend('unload'), ...noteUnload] },
          { guard: 'stays', actions: [intend('unload'), ...noteUnload] },
        ],
        REMOVE: { actions: [refuseAll, intend('remove')] },
      },
    },
  },
});

/** The plugin has given up its resources; a warm worker waits to be called again. */
export const released = base.createStateConfig({
  initial: 'cold',
  states: {
    releasing: {
      id: 'releasing',
      entry: [closeGate, dropSiblings, intend(undefined)],
      invoke: {
        id: 'release',
        src: 'release',
        input: ({ context }) => ({ context }),
        onDone: [
          {
            guard: and([({ event }) => event.output !== undefined, 'mayStayWarm']),
            target: 'warm',
            actions: [noteKept, tellScheduler('RELEASED')],
          },
          { actions: stopWorker },
        ],
        onError: { actions: stopWorker },
      },
      after: { release: { actions: stopWorker } },
      always: { guard: 'treeGone', target: 'cold' },
      on: {
        LOAD: { actions: noteLoad },
        // It is leaving already.
        RELEASE: {},
        UNLOAD: resting.UNLOAD,
        REMOVE: resting.REMOVE,
        REPLACE: { actions: stopWorker },
        'WORKER.EXITED': { guard: 'ofCurrent', actions: noteGone },
      },
    },
    warm: {
      id: 'warm',
      entry: forgetOversized,
      always: [
        // The same generation asks for its memory back, so it gets no new number.
        { guard: 'wantedWarm', target: '#admitting' },
        { guard: 'treeGone', target: 'cold' },
      ],
      on: {
        LOAD: [{ guard: 'warm', target: '#admitting', actions: noteLoad }, resting.LOAD],
        UNLOAD: resting.UNLOAD,
        REMOVE: resting.REMOVE,
        RELEASE: [{ guard: 'stale' }, { actions: stopWorker }],
        // Nothing waits for it to come back any more, but the scheduler counts on its end.
        START_COLD: { guard: 'ofCurrent', actions: stopWorker },
        REPLACE: { actions: stopWorker },
        'WORKER.EXITED': { guard: 'ofCurrent', actions: noteGone },
        'WORKER.HUNG': { guard: 'ofCurrent', actions: noteGone },
      },
    },
    cold: {
      id: 'cold',
      entry: forgetOversized,
      always: { guard: 'wanted', target: '#admitting', actions: nextGeneration },
      on: resting,
    },
  },
});
