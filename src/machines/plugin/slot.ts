import { and } from 'xstate';
import { residencyOf } from './context.ts';
import {
  forgetKilledStarts,
  forgetOversized,
  forgive,
  noteFailure,
  noteKilledStart,
  noteStarvedStart,
} from './failure-actions.ts';
import { dropSiblings, endAllRetired } from './fewer-instances.ts';
import { admitUnlessDisabled, closeGate, endLeases, openGate, refuseAll, refuseWaiting } from './gate-actions.ts';
import { failInstance, succeed } from './lost-instances.ts';
import { grow, lead } from './more-instances.ts';
import { intend, noteLoad, noteServing, noteUnload } from './plugin-actions.ts';
import { stillToReplace } from './replacement-actions.ts';
import { acquire, noteGpus, tellBusy, tellScheduler, tellUse, updateAcquire, withdraw } from './scheduler-messages.ts';
import { lostInDrain, serving, unreachableInDrain } from './serving.ts';
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

/** The worker did not become ready: the calls that wait fail at once, unless it was killed. */
const failedStart = [
  { guard: 'succeeded', target: '#initializing', reenter: true, actions: succeed },
  // For want of memory: once more, asking for more of it.
  { guard: 'shortOfMemory', target: '#admitting', actions: [noteFailure, noteStarvedStart, nextGeneration] },
  { guard: 'killed', target: '#crashed', actions: [noteFailure, noteKilledStart, noteGone] },
  { guard: 'ofCurrent', target: '#crashed', actions: [noteFailure, refuseWaiting, forgetKilledStarts, noteGone] },
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
          { guard: 'ofAsked', target: 'launching', actions: [noteGpus, spawnWorker] },
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
    installing: {
      on: { ...starting, 'WORKER.INSTALLED': { guard: 'ofCurrent', target: 'launching' } },
    },
    launching: {
      on: {
        ...starting,
        'WORKER.INSTALLING': { guard: 'ofCurrent', target: 'installing' },
        'WORKER.CONNECTED': { guard: 'ofCurrent', target: 'initializing' },
      },
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
