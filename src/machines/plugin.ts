import { announced } from './plugin/announced.ts';
import { contextOf } from './plugin/context.ts';
import {
  askSupervisor,
  forgetOversized,
  forgive,
  noteBackoff,
  noteFailure,
  noteRestart,
  report,
} from './plugin/failure-actions.ts';
import { endRetired, stopRetired } from './plugin/fewer-instances.ts';
import { admitUnlessDisabled, loseLeases, refuseAll, refuseGivenUp, refuseWaiting } from './plugin/gate-actions.ts';
import { noteVerdict } from './plugin/lost-instances.ts';
import { askForNoMore, waitNoMore } from './plugin/more-instances.ts';
import { enable, intend, noteConfig, noteLoad, noteManifest, noteUnload } from './plugin/plugin-actions.ts';
import { replacement } from './plugin/replacement.ts';
import { stopDrainedWorkers } from './plugin/replacement-actions.ts';
import { deny, returnGrant } from './plugin/scheduler-messages.ts';
import { base } from './plugin/setup.ts';
import { busy, ready, released, resting, spawning } from './plugin/slot.ts';
import { forgetWorker, nextGeneration, notePid, startedByRestart } from './plugin/worker-actions.ts';

export type { PluginContext, PluginHost } from './plugin/context.ts';
export type { PluginEvent, PluginReport, RestartVerdict } from './plugin/events.ts';
export type { PluginPhase, PluginState } from './plugin/phases.ts';

/** The plugin has no worker and needs none. */
const discovered = base.createStateConfig({
  initial: 'idle',
  states: {
    idle: {
      entry: forgetOversized,
      always: { guard: 'wanted', target: '#admitting', actions: nextGeneration },
      on: resting,
    },
    stopping: {
      id: 'stopping',
      always: [
        { guard: 'removed', target: '#removed' },
        { guard: 'treeGone', target: 'idle', actions: intend(undefined) },
      ],
      on: {
        LOAD: { guard: 'stays', target: '#admitting', actions: [noteLoad, intend(undefined), nextGeneration] },
        REMOVE: { actions: [refuseAll, intend('remove')] },
      },
    },
  },
});

/** The worker has failed. The supervisor decides what follows. */
const crashed = base.createStateConfig({
  id: 'crashed',
  initial: 'deciding',
  on: {
    UNLOAD: { target: '#stopping', actions: [refuseWaiting, ...noteUnload, admitUnlessDisabled] },
    REMOVE: { target: '#stopping', actions: [refuseAll, intend('remove')] },
  },
  states: {
    deciding: {
      entry: askSupervisor,
      on: {
        RESTART: { target: 'backoff', actions: noteBackoff },
        STOPPED: '#stopping',
        GIVE_UP: { target: 'failed', actions: noteFailure },
        LOAD: { actions: noteLoad },
      },
    },
    backoff: {
      after: {
        backoff: [
          { guard: 'restartWanted', target: '#admitting', actions: [noteRestart, nextGeneration, startedByRestart] },
          // It never came up, and no call waits for it any more.
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
      entry: refuseGivenUp,
      on: {
        LOAD: { target: '#admitting', actions: [noteLoad, ...forgive, nextGeneration] },
        REPLACE: { target: '#stopping', actions: [...forgive] },
        UNLOAD: { target: '#stopping', actions: [admitUnlessDisabled, ...noteUnload] },
        ENABLE: { actions: [base.assign({ enabled: true }), refuseGivenUp] },
      },
    },
  },
});

/** How long a worker has been ready, with calls or without, and none was lost. */
const stability = base.createStateConfig({
  initial: 'none',
  states: {
    none: { always: { guard: 'up', target: 'counting' } },
    counting: {
      always: { guard: 'down', target: 'none' },
      after: { stable: { actions: report('PLUGIN.STABLE') } },
      on: {
        'WORKER.READY': { guard: 'ofReplacement', target: 'counting', reenter: true },
        'INSTANCE.LOST': { target: 'counting', reenter: true },
      },
    },
  },
});

/**
 * One plugin: six states with their phases, and beside them the replacement of its worker and the time that it has been
 * ready. `plugin/slot.ts` has the states in which it gets or has a worker. Every generation that was started is held in
 * `workers` until nothing of its process tree is left; the event of a generation that is neither the current one nor the
 * replacement changes nothing else.
 */
export const pluginMachine = base.createMachine({
  id: 'plugin',
  context: ({ input }) => contextOf(input),
  initial: 'alive',
  states: {
    alive: {
      type: 'parallel',
      on: {
        // Of a worker that is on its way out and has calls to end; those of the current one are handled in its states.
        'WORKER.EXITED': { actions: loseLeases },
        'WORKER.HUNG': { actions: loseLeases },
        UNREACHABLE: { actions: [loseLeases, stopDrainedWorkers] },
        DRAINED: { actions: stopRetired },
        'RETIRED.LATE': { actions: endRetired },
        'GROWTH.AGAIN': { actions: waitNoMore },
        // About one of several instances; of a plugin that has crashed they are handled in its states.
        RESTART: { guard: 'aboutInstance', actions: noteVerdict },
        STOPPED: { guard: 'aboutInstance', actions: noteVerdict },
        GIVE_UP: { guard: 'aboutInstance', actions: noteVerdict },
        'WORKER.GONE': { actions: forgetWorker },
        'WORKER.SPAWNED': { actions: notePid },
        CONFIGURED: { actions: noteConfig },
        'MANIFEST.CHANGED': { actions: noteManifest },
        ENABLE: { guard: 'stays', actions: enable },
        DISABLE: { actions: [base.assign({ enabled: false }), refuseAll, askForNoMore] },
        RELEASE: [{ guard: 'stale' }, { actions: deny }],
        GRANTED: { actions: returnGrant },
      },
      states: {
        lifecycle: {
          initial: 'discovered',
          states: announced({ discovered, spawning, ready, busy, released, crashed }),
        },
        replacement,
        stability,
      },
    },
    removed: { id: 'removed', type: 'final', entry: report('PLUGIN.REMOVED') },
  },
});
