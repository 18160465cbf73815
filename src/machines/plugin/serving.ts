import { noteFailure, noteStarvedCall } from './failure-actions.ts';
import {
  denyInstance,
  dropOutOfReach,
  dropSiblings,
  releaseInstance,
  shrink,
  yieldInstance,
} from './fewer-instances.ts';
import { closeGate, endLeases, loseLeases, refuseAll, refuseGivenUp } from './gate-actions.ts';
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
import { enable, intend, noteConfig, noteLoad, noteUnload } from './plugin-actions.ts';
import { leaveToOthers } from './roll.ts';
import { deny, denyAsLast, noteGpus, tellChanges } from './scheduler-messages.ts';
import { base } from './setup.ts';
import { forgetWorker, killWorker, nextGeneration, noteGone, stopWorker } from './worker-actions.ts';

/*
 * What can happen to workers that serve. It leads to states of the slot, and to `#stopping`, `#crashed` and `#failed`,
 * which are the plugin's.
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
export const lostInDrain = [
  { guard: 'lostWhileGivingUp', target: '#failed', actions: [loseLeases, noteGone] },
  { guard: 'lostWhileLeaving', target: '#stopping', actions: [noteFailure, loseLeases, noteGone] },
  crash,
] as const;

/** The same of one that lives and cannot be reached. */
export const unreachableInDrain = [
  { guard: 'lostWhileGivingUp', target: '#failed', actions: [loseLeases, ...killWorker, noteGone] },
  { guard: 'lostWhileLeaving', target: '#stopping', actions: [noteFailure, loseLeases, ...killWorker, noteGone] },
  unreachable,
] as const;

/** How a worker that serves is lost or taken away: at once if it is idle, else after a drain. */
export const serving = {
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
