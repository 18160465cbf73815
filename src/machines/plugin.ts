import { and } from 'xstate';
import {
  dropReplacement,
  acquire,
  admitAll,
  adoptReplacement,
  askSupervisor,
  base,
  clearFailure,
  closeGate,
  deny,
  dismiss,
  dismissDrained,
  endIdleTime,
  endLeases,
  entered,
  forgetKept,
  forgetOversized,
  forgetWorker,
  forgive,
  giveUpOversized,
  intend,
  kill,
  loseLeases,
  loseOldLeases,
  nextGeneration,
  nextReplacement,
  noteBackoff,
  noteConfig,
  noteFailure,
  noteGone,
  noteGpus,
  noteKept,
  noteLoad,
  noteManifest,
  noteOversized,
  notePid,
  noteReady,
  noteRestart,
  noteServing,
  noteStarvedCall,
  noteStarvedStart,
  noteUnasked,
  openGate,
  refuseAll,
  refuseGivenUp,
  refuseWaiting,
  replaceAgain,
  report,
  reportReplacement,
  reserveExtra,
  residencyOf,
  returnGrant,
  spawnReplacement,
  spawnWorker,
  startIdleTime,
  stillToReplace,
  tellIdle,
  tellScheduler,
  unwish,
  updateAcquire,
  withdraw,
} from './plugin-actions.ts';
import { contextOf } from './plugin-context.ts';

export type * from './plugin-events.ts';

/** The current worker has ended or hangs while it was ready: its leases end, those who wait go on waiting. */
const crash = {
  guard: 'ofCurrent',
  target: '#crashed',
  actions: [noteFailure, loseLeases, noteGone, base.raise({ type: 'REPLACEMENT.ABANDONED' })],
} as const;

/** The same for a worker that lives and cannot be reached: it is killed. */
const unreachable = {
  ...crash,
  actions: [noteFailure, loseLeases, ...kill, noteGone],
} as const;

/** It was to go anyway, which is no crash. */
const lostInDrain = [
  { guard: 'lostWhileGivingUp', target: '#failed', actions: [loseLeases, noteGone] },
  { guard: 'lostWhileLeaving', target: '#stopping', actions: [noteFailure, loseLeases, noteGone] },
  crash,
] as const;

const unreachableInDrain = [
  { guard: 'lostWhileGivingUp', target: '#failed', actions: [loseLeases, ...kill, noteGone] },
  { guard: 'lostWhileLeaving', target: '#stopping', actions: [noteFailure, loseLeases, ...kill, noteGone] },
  unreachable,
] as const;

/** The worker did not become ready: those who wait are told at once. */
const failedStart = [
  // For want of memory: once more, with more room, which others have to make.
  { guard: 'shortOfMemory', target: '#admitting', actions: [noteFailure, noteStarvedStart, nextGeneration] },
  { guard: 'ofCurrent', target: '#crashed', actions: [noteFailure, refuseWaiting, noteGone] },
] as const;

const startOver = { target: '#admitting', actions: [...dismiss, nextGeneration], reenter: true } as const;

/** Nobody wants it loaded any more, and its crashes are forgotten with that. */
const unload = [unwish, report('PLUGIN.CLEARED')] as const;

/** What every phase of a start in progress does. */
const starting = {
  LOAD: { actions: noteLoad },
  'WORKER.FAILED': failedStart,
  'WORKER.EXITED': failedStart,
  'WORKER.HUNG': failedStart,
  REPLACE: startOver,
  UNLOAD: { target: '#stopping', actions: [refuseWaiting, ...unload, ...dismiss] },
  REMOVE: { target: '#stopping', actions: [refuseAll, intend('remove'), ...dismiss] },
} as const;

/** How a worker that serves is lost or taken away: at once if nobody is at it, else after a drain. */
const serving = {
  LOAD: { actions: noteLoad },
  'WORKER.EXITED': crash,
  'WORKER.HUNG': crash,
  UNREACHABLE: unreachable,
  // Over its memory limit too often. In order, as it still works.
  GIVE_UP: [
    { guard: 'idle', target: '#failed', actions: [noteFailure, closeGate, ...dismiss] },
    { target: '#draining', actions: [noteFailure, refuseGivenUp, intend('give-up')] },
  ],
  // Cancelled calls that the worker does not give up: a new worker, and no crash.
  STUCK: { guard: 'ofCurrent', target: '#admitting', actions: [endLeases, ...kill, nextGeneration] },
  RELEASE: [{ guard: 'stale' }, { guard: 'evictable', target: '#releasing' }, { actions: deny }],
  // A call that ran out of memory waits for the worker to come back with more of it.
  STARVED: { guard: 'ofCurrent', target: '#draining', actions: noteStarvedCall },
  YIELD: [
    { guard: 'stale' },
    { guard: 'evictable', target: '#releasing' },
    { target: '#draining', actions: intend('yield') },
  ],
  UNLOAD: [
    { guard: 'idle', target: '#stopping', actions: [closeGate, ...unload, ...dismiss] },
    { target: '#draining', actions: [intend('unload'), ...unload] },
  ],
  REMOVE: [
    { guard: 'idle', target: '#stopping', actions: [closeGate, refuseAll, intend('remove'), ...dismiss] },
    { target: '#draining', actions: [refuseAll, intend('remove')] },
  ],
  'REPLACE.DRAINED': [
    { guard: 'idle', target: '#admitting', actions: [closeGate, ...dismiss, nextGeneration] },
    { target: '#draining', actions: intend('replace') },
  ],
} as const;

/** The backoff of a replacement is over: it begins as any other. */
const replaceNow = { target: 'none', actions: base.raise({ type: 'REPLACE' }) } as const;

/** How a plugin without calls to end is loaded or ended. */
const resting = {
  LOAD: { target: '#admitting', actions: [noteLoad, nextGeneration] },
  UNLOAD: { target: '#stopping', actions: [...unload, ...dismiss] },
  REMOVE: { target: '#stopping', actions: [refuseAll, intend('remove'), ...dismiss] },
} as const;

/**
 * One plugin: six states with their phases, and beside them the replacement of its worker and the time that it has been
 * ready. Every generation that was started is held in `workers` until nothing of its process tree is left; the event of
 * a generation that is neither the current one nor the replacement changes nothing else.
 */
export const pluginMachine = base.createMachine({
  id: 'plugin',
  context: ({ input }) => contextOf(input),
  initial: 'alive',
  states: {
    alive: {
      type: 'parallel',
      on: {
        // Of a worker that is on its way out and has calls to end; the current one's are handled below.
        'WORKER.EXITED': { actions: loseLeases },
        'WORKER.HUNG': { actions: loseLeases },
        UNREACHABLE: { actions: [loseLeases, dismissDrained] },
        'WORKER.GONE': { actions: forgetWorker },
        'WORKER.SPAWNED': { actions: notePid },
        CONFIGURED: { actions: noteConfig },
        'MANIFEST.CHANGED': { actions: noteManifest },
        ENABLE: { guard: 'stays', actions: [base.assign({ enabled: true }), admitAll] },
        DISABLE: { actions: [base.assign({ enabled: false }), refuseAll] },
        RELEASE: [{ guard: 'stale' }, { actions: deny }],
        GRANTED: { actions: returnGrant },
      },
      states: {
        lifecycle: {
          initial: 'discovered',
          states: {
            discovered: {
              initial: 'idle',
              states: {
                idle: {
                  entry: [entered('discovered', 'idle'), forgetOversized],
                  always: { guard: 'wanted', target: '#admitting', actions: nextGeneration },
                  on: resting,
                },
                stopping: {
                  id: 'stopping',
                  entry: entered('discovered', 'stopping'),
                  always: [
                    { guard: 'removed', target: '#removed' },
                    { guard: 'treeGone', target: 'idle', actions: intend(undefined) },
                  ],
                  on: {
                    LOAD: {
                      guard: 'stays',
                      target: '#admitting',
                      actions: [noteLoad, intend(undefined), nextGeneration],
                    },
                    REMOVE: { actions: [refuseAll, intend('remove')] },
                  },
                },
              },
            },

            spawning: {
              initial: 'admitting',
              states: {
                admitting: {
                  id: 'admitting',
                  entry: [entered('spawning', 'admitting'), acquire],
                  always: [
                    { guard: 'mayResume', target: 'resuming' },
                    { guard: 'mayLaunch', target: 'launching' },
                  ],
                  on: {
                    GRANTED: { guard: 'ofAsked', actions: [noteGpus, base.assign({ granted: true })] },
                    START_COLD: {
                      guard: 'askedToResume',
                      target: '#admitting',
                      reenter: true,
                      actions: [...dismiss, nextGeneration],
                    },
                    REFUSED: [
                      { guard: 'askedToResume', target: '#warm', actions: [noteFailure, refuseWaiting] },
                      { guard: 'ofAskedAndWished', target: '#cold', actions: [noteFailure, refuseWaiting] },
                      { guard: 'ofAsked', target: '#stopping', actions: [noteFailure, refuseWaiting] },
                    ],
                    CALL: { actions: updateAcquire },
                    'CALLERS.GONE': [
                      { guard: 'wished' },
                      { guard: 'warm', target: '#warm', actions: withdraw },
                      { target: '#stopping', actions: withdraw },
                    ],
                    LOAD: { actions: noteLoad },
                    'WORKER.GONE': { actions: [forgetWorker, acquire] },
                    // The warm worker that was to come back is gone: ask for room for a new one.
                    'WORKER.EXITED': {
                      guard: 'ofCurrent',
                      target: '#admitting',
                      reenter: true,
                      actions: [withdraw, noteGone, nextGeneration],
                    },
                    REPLACE: { target: '#admitting', reenter: true, actions: [withdraw, ...dismiss, nextGeneration] },
                    UNLOAD: { target: '#stopping', actions: [withdraw, refuseWaiting, ...unload, ...dismiss] },
                    REMOVE: { target: '#stopping', actions: [withdraw, refuseAll, intend('remove'), ...dismiss] },
                  },
                },
                launching: {
                  entry: [entered('spawning', 'launching'), spawnWorker],
                  on: { ...starting, 'WORKER.CONNECTED': { guard: 'ofCurrent', target: 'initializing' } },
                },
                initializing: {
                  entry: entered('spawning', 'initializing'),
                  on: { ...starting, 'WORKER.READY': { guard: 'ofCurrent', target: '#ready', actions: noteReady } },
                },
                resuming: {
                  entry: [entered('spawning', 'resuming'), forgetKept],
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
            },

            ready: {
              id: 'ready',
              entry: [noteServing, openGate, entered('ready', 'ready'), tellIdle, startIdleTime],
              exit: endIdleTime,
              always: { guard: 'leased', target: 'busy' },
              on: {
                ...serving,
                LEASED: { guard: 'leased', target: 'busy' },
                'IDLE.LIMIT': [{ guard: 'evictable', target: '#releasing' }, { actions: startIdleTime }],
              },
            },

            busy: {
              id: 'busy',
              initial: 'serving',
              entry: tellScheduler('BUSY'),
              states: {
                serving: {
                  id: 'serving',
                  entry: entered('busy', 'serving'),
                  on: { ...serving, IDLE: { guard: 'idle', target: '#ready' } },
                },
                draining: {
                  id: 'draining',
                  entry: [
                    entered('busy', 'draining'),
                    closeGate,
                    stillToReplace,
                    base.raise({ type: 'REPLACEMENT.ABANDONED' }),
                  ],
                  always: [
                    { guard: 'drainedToYield', target: '#releasing' },
                    {
                      guard: 'drainedToReplace',
                      target: '#admitting',
                      actions: [intend(undefined), ...dismiss, nextGeneration],
                    },
                    { guard: 'drainedToGiveUp', target: '#failed', actions: [intend(undefined), ...dismiss] },
                    { guard: 'idle', target: '#stopping', actions: dismiss },
                  ],
                  after: {
                    drain: [
                      {
                        guard: 'yielding',
                        target: 'serving',
                        actions: [intend(undefined), openGate, tellScheduler('DENIED')],
                      },
                      { actions: endLeases },
                    ],
                  },
                  on: {
                    'WORKER.EXITED': lostInDrain,
                    'WORKER.HUNG': lostInDrain,
                    UNREACHABLE: unreachableInDrain,
                    STUCK: [
                      // It is still at the calls that it did not give up, so it must not come back warm.
                      { guard: 'stuckWhileYielding', target: '#releasing', actions: [endLeases, ...kill] },
                      { guard: 'ofCurrent', actions: endLeases },
                    ],
                    REPLACE: [
                      { guard: 'yielding', actions: intend('replace') },
                      { guard: 'givingUp', actions: [...forgive, intend('replace')] },
                    ],
                    LOAD: [
                      { guard: 'givingUp', actions: [noteLoad, ...forgive, intend('replace')] },
                      { actions: noteLoad },
                    ],
                    UNLOAD: [
                      { guard: 'givingUp', actions: [clearFailure, intend('unload'), ...unload] },
                      { guard: 'stays', actions: [intend('unload'), ...unload] },
                    ],
                    REMOVE: { actions: [refuseAll, intend('remove')] },
                  },
                },
              },
            },

            released: {
              initial: 'cold',
              states: {
                releasing: {
                  id: 'releasing',
                  entry: [entered('released', 'releasing'), closeGate, intend(undefined)],
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
                      { actions: dismiss },
                    ],
                    onError: { actions: dismiss },
                  },
                  after: { release: { actions: dismiss } },
                  always: { guard: 'treeGone', target: 'cold' },
                  on: {
                    LOAD: { actions: noteLoad },
                    // It is going already.
                    RELEASE: {},
                    UNLOAD: resting.UNLOAD,
                    REMOVE: resting.REMOVE,
                    REPLACE: { actions: dismiss },
                    'WORKER.EXITED': { guard: 'ofCurrent', actions: noteGone },
                  },
                },
                warm: {
                  id: 'warm',
                  entry: [entered('released', 'warm'), forgetOversized],
                  always: [
                    // The same generation asks for its room back, so it gets no new number.
                    { guard: 'wantedWarm', target: '#admitting', actions: base.assign({ granted: false }) },
                    { guard: 'treeGone', target: 'cold' },
                  ],
                  on: {
                    LOAD: [
                      { guard: 'warm', target: '#admitting', actions: [noteLoad, base.assign({ granted: false })] },
                      resting.LOAD,
                    ],
                    UNLOAD: resting.UNLOAD,
                    REMOVE: resting.REMOVE,
                    RELEASE: [{ guard: 'stale' }, { actions: dismiss }],
                    REPLACE: { actions: dismiss },
                    'WORKER.EXITED': { guard: 'ofCurrent', actions: noteGone },
                    'WORKER.HUNG': { guard: 'ofCurrent', actions: noteGone },
                  },
                },
                cold: {
                  id: 'cold',
                  entry: [entered('released', 'cold'), forgetOversized],
                  always: { guard: 'wanted', target: '#admitting', actions: nextGeneration },
                  on: resting,
                },
              },
            },

            crashed: {
              id: 'crashed',
              initial: 'deciding',
              on: {
                UNLOAD: { target: '#stopping', actions: [refuseWaiting, ...unload, clearFailure] },
                REMOVE: { target: '#stopping', actions: [refuseAll, intend('remove')] },
              },
              states: {
                deciding: {
                  entry: [entered('crashed', 'deciding'), askSupervisor],
                  on: {
                    RESTART: { target: 'backoff', actions: noteBackoff },
                    STOPPED: '#stopping',
                    GIVE_UP: { target: 'failed', actions: noteFailure },
                    LOAD: { actions: noteLoad },
                  },
                },
                backoff: {
                  entry: entered('crashed', 'backoff'),
                  after: {
                    backoff: [
                      {
                        guard: 'restartWanted',
                        target: '#admitting',
                        actions: [noteRestart, nextGeneration, noteUnasked],
                      },
                      // It never came up, and nobody waits for it any more.
                      { target: '#stopping' },
                    ],
                  },
                  on: {
                    LOAD: { target: '#admitting', actions: [noteRestart, noteLoad, nextGeneration] },
                    REPLACE: { target: '#admitting', actions: [noteRestart, nextGeneration] },
                    DISABLE: { target: '#stopping', actions: [base.assign({ enabled: false }), refuseAll] },
                  },
                },
                failed: {
                  id: 'failed',
                  entry: [entered('crashed', 'failed'), refuseGivenUp],
                  on: {
                    LOAD: {
                      target: '#admitting',
                      actions: [noteLoad, ...forgive, nextGeneration],
                    },
                    REPLACE: { target: '#stopping', actions: [...forgive] },
                    UNLOAD: { target: '#stopping', actions: [clearFailure, ...unload] },
                    ENABLE: { actions: [base.assign({ enabled: true }), refuseGivenUp] },
                  },
                },
              },
            },
          },
        },

        replacement: {
          initial: 'none',
          states: {
            none: {
              always: { guard: 'askedAgain', target: 'asking' },
              on: {
                REPLACE: [
                  { guard: 'mayReplace', target: 'asking' },
                  { guard: 'serving', actions: replaceAgain },
                ],
                'WORKER.OVERSIZED': [
                  { guard: 'oversizedTooOften', actions: giveUpOversized },
                  { guard: 'oversized', target: 'backoff', actions: [noteFailure, noteOversized] },
                ],
              },
            },
            // The worker is over its memory limit and goes on serving.
            backoff: {
              always: { guard: 'notServing', target: 'none' },
              after: { backoff: replaceNow },
              on: { REPLACE: replaceNow, 'REPLACEMENT.ABANDONED': 'none' },
            },
            asking: {
              entry: [nextReplacement, reserveExtra],
              on: {
                GRANTED: { guard: 'ofReplacement', target: 'starting', actions: noteGpus },
                REFUSED: {
                  guard: 'ofReplacement',
                  target: 'none',
                  actions: [dropReplacement, base.raise({ type: 'REPLACE.DRAINED' })],
                },
                'REPLACEMENT.ABANDONED': { target: 'none', actions: dropReplacement },
              },
            },
            starting: {
              entry: spawnReplacement,
              on: {
                'WORKER.READY': { guard: 'ofReplacement', target: 'swapping', actions: [noteReady, adoptReplacement] },
                // The old worker goes on serving.
                'WORKER.FAILED': {
                  guard: 'ofReplacement',
                  target: 'none',
                  actions: [noteFailure, dropReplacement, reportReplacement],
                },
                // The manifest has changed once more: what is being started is out of date.
                REPLACE: { target: 'none', actions: [dropReplacement, replaceAgain] },
                'REPLACEMENT.ABANDONED': { target: 'none', actions: dropReplacement },
              },
            },
            swapping: {
              entry: [reportReplacement, dismissDrained],
              always: { guard: 'oldGone', target: 'none' },
              after: { drain: { actions: [loseOldLeases, dismissDrained] } },
              on: {
                DRAINED: { actions: dismissDrained },
                REPLACE: { guard: 'serving', actions: replaceAgain },
              },
            },
          },
        },

        // How long a worker has been ready, calls or no calls.
        stability: {
          initial: 'none',
          states: {
            none: { always: { guard: 'up', target: 'counting' } },
            counting: {
              always: { guard: 'down', target: 'none' },
              after: { stable: { actions: report('PLUGIN.STABLE') } },
              on: { 'WORKER.READY': { guard: 'ofReplacement', target: 'counting', reenter: true } },
            },
          },
        },
      },
    },
    removed: { id: 'removed', type: 'final', entry: report('PLUGIN.REMOVED') },
  },
});
