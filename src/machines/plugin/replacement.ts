import { giveUpOversized, noteFailure, noteOversized } from './failure-actions.ts';
import { stopRetired } from './fewer-instances.ts';
import { endOldLeases } from './gate-actions.ts';
import {
  adoptReplacement,
  dropReplacement,
  nextReplacement,
  replaceAgain,
  reportReplacement,
  stopDrainedWorkers,
} from './replacement-actions.ts';
import { beginRoll, replaceInPlace, stopRoll, takeTurn } from './roll.ts';
import { noteGpus, reserveExtra } from './scheduler-messages.ts';
import { base } from './setup.ts';
import { noteReady, spawnReplacement } from './worker-actions.ts';

/** The backoff of a replacement is over: it begins as any other. */
const replaceNow = { target: 'none', actions: base.raise({ type: 'REPLACE', only: 'current' }) } as const;

/** A new worker is started beside the one that serves, and takes its place. */
export const replacement = base.createStateConfig({
  initial: 'none',
  states: {
    none: {
      id: 'notReplacing',
      always: { guard: 'askedAgain', target: 'asking', actions: takeTurn },
      on: {
        REPLACE: [
          { guard: 'mayReplace', target: 'asking', actions: beginRoll },
          { guard: 'serving', actions: [replaceAgain, beginRoll] },
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
      on: {
        REPLACE: { target: 'none', actions: base.raise(({ event }) => event) },
        'REPLACEMENT.ABANDONED': 'none',
      },
    },
    asking: {
      entry: [nextReplacement, reserveExtra],
      on: {
        GRANTED: { guard: 'ofReplacement', target: 'starting', actions: noteGpus },
        // The one that is asked for will run what has changed; the others are out of date once more.
        REPLACE: { actions: beginRoll },
        REFUSED: [
          { guard: 'refusedAndRelieved', target: 'none', actions: [dropReplacement, ...replaceInPlace] },
          {
            guard: 'ofReplacement',
            target: 'none',
            actions: [dropReplacement, base.raise({ type: 'REPLACE.DRAINED' })],
          },
        ],
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
          actions: [noteFailure, dropReplacement, stopRoll, reportReplacement],
        },
        // The manifest has changed once more: the worker being started is out of date.
        REPLACE: { target: 'none', actions: [dropReplacement, replaceAgain, beginRoll] },
        'REPLACEMENT.ABANDONED': { target: 'none', actions: dropReplacement },
      },
    },
    swapping: {
      entry: [reportReplacement, stopDrainedWorkers],
      always: { guard: 'oldGone', target: 'none' },
      after: { drain: { actions: [endOldLeases, stopDrainedWorkers] } },
      on: {
        DRAINED: { actions: [stopDrainedWorkers, stopRetired] },
        REPLACE: { guard: 'serving', actions: [replaceAgain, beginRoll] },
      },
    },
  },
});
