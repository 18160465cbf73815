import { and, fromPromise, not, or, setup, stateIn } from 'xstate';
import type { Residency } from '../../calls/lease-request.ts';
import type { ManifestEntry } from '../../manifest/read.ts';
import type { WorkerExit } from '../../process/worker-process.ts';
import type { Resources } from '../../scheduler/need.ts';
import { outlastsStart } from '../../supervision/killed-start.ts';
import { planReplacement, type ReplacementPlan } from '../../supervision/replacement-plan.ts';
import { workerMachine } from '../worker.ts';
import { askedOf, oldWorkers, type PluginContext, type PluginInput, residencyOf } from './context.ts';
import type { PluginEvent, WithGeneration } from './events.ts';
import { isSettled, outdatedInstance, servingSiblings, startingSiblings, workerOfEvent } from './siblings.ts';

/** Whether an event is of this generation. */
export const isOf = (event: PluginEvent, generation: number | undefined): boolean =>
  generation !== undefined && (event as WithGeneration).generation === generation;

/** Whether a worker has failed because it had too little memory. */
export const isShortage = (event: PluginEvent): boolean =>
  (event.type === 'WORKER.FAILED' && event.error.remote?.category === 'resource') ||
  ((event.type === 'WORKER.FAILED' || event.type === 'WORKER.EXITED') && event.exit?.outOfMemory === true);

/** What follows from the report of a worker that is over its memory limit. */
export const replacementPlanOf = (
  { oversized, settings }: PluginContext,
  event: PluginEvent,
): ReplacementPlan | undefined =>
  event.type !== 'WORKER.OVERSIZED'
    ? undefined
    : planReplacement({
        row: oversized,
        settings: settings.restart,
        generation: event.generation,
        withinMs: event.withinMs,
      });

const isOfSibling = (context: PluginContext, event: PluginEvent): boolean =>
  context.siblings.length > 0 && context.siblings.includes((event as WithGeneration).generation);

const isRelieved = (context: PluginContext, event: PluginEvent): boolean =>
  isOfSibling(context, event) || (isOf(event, context.current) && servingSiblings(context).length > 0);

const unprovided = (): never => {
  throw new Error('The plugin machine needs its actors to be provided.');
};

/** The types, actors, guards and delays of the plugin machine, whose parts are made of it. */
export const base = setup({
  types: {
    input: {} as PluginInput,
    context: {} as PluginContext,
    events: {} as PluginEvent,
  },
  actors: {
    worker: workerMachine,
    /** Asks the plugin to give up its resources; resolves to what it keeps, or to nothing if it gave up none. */
    release: fromPromise<Resources | undefined, { context: PluginContext }>(unprovided),
    /** Gives a warm worker its config back; resolves to the config. */
    resume: fromPromise<unknown, { residency: Residency | undefined; config: unknown; entry: ManifestEntry }>(
      unprovided,
    ),
  },
  guards: {
    // What is wanted of the plugin.
    wanted: ({ context }) => context.enabled && context.intent !== 'remove' && context.gate.waiting > 0,
    wantedWarm: ({ context }) => context.enabled && context.gate.waiting > 0 && residencyOf(context) !== undefined,
    restartWanted: ({ context }) =>
      context.enabled &&
      (context.keepLoaded || context.gate.waiting > 0 || context.settings.restart.policy === 'permanent'),
    keptLoaded: ({ context }) => context.keepLoaded,
    // From a removal there is no way back.
    stays: ({ context }) => context.intent !== 'remove',

    // Where it is.
    serving: or([stateIn('#ready'), stateIn('#serving')]),
    notServing: not('serving'),
    up: or([stateIn('#ready'), stateIn('#busy')]),
    down: not(or([stateIn('#ready'), stateIn('#busy')])),

    // Leases.
    leased: ({ context }) => context.gate.leases > 0,
    idle: ({ context }) => context.gate.leases === 0,
    evictable: ({ context }) => context.gate.leases === 0 && context.replacement === undefined,

    // Workers that are held.
    treeGone: ({ context }) => context.workers.length === 0,
    removed: ({ context }) => context.intent === 'remove' && context.workers.length === 0,
    warm: ({ context }) => residencyOf(context) !== undefined,
    // One that was to be replaced would come back out of date.
    mayStayWarm: ({ context }) => residencyOf(context) !== undefined && !context.replaceAgain,
    oldGone: ({ context }) => oldWorkers(context).length === 0,

    // Which generation an event is of.
    ofCurrent: ({ context, event }) => isOf(event, context.current),
    ofReplacement: ({ context, event }) => isOf(event, context.replacement),
    ofAsked: ({ context, event }) => isOf(event, askedOf(context)),
    ofAskedAndKeptLoaded: ({ context, event }) => isOf(event, askedOf(context)) && context.keepLoaded,
    askedToResume: ({ context, event }) => isOf(event, residencyOf(context)?.generation),
    // Of a generation that is on its way out: its end is the answer.
    stale: ({ context, event }) =>
      (event as WithGeneration).generation !== undefined &&
      !isOf(event, context.current) &&
      !isOfSibling(context, event),
    shortOfMemory: ({ context, event }) => isOf(event, context.current) && !context.starved && isShortage(event),

    killed: ({ context, event }) =>
      isOf(event, context.current) &&
      outlastsStart((event as { readonly exit?: WorkerExit }).exit, context.killedStarts),

    held: ({ context, event }) => workerOfEvent(context, event) !== undefined,

    // Several instances. An event is of an instance that others relieve if one of them serves without it.
    ofSibling: ({ context, event }) => isOfSibling(context, event),
    relieved: ({ context, event }) => isRelieved(context, event),
    relievedAndIdle: ({ context, event }) =>
      isRelieved(context, event) && (workerOfEvent(context, event)?.residency?.leases.size ?? 0) === 0,
    // Of the current one, whatever the event is of.
    currentRelieved: ({ context }) => servingSiblings(context).length > 0,
    succeeded: ({ context, event }) => isOf(event, context.current) && startingSiblings(context).length > 0,
    asLast: ({ event }) => (event as { readonly further?: boolean }).further === true,
    ofGrowth: ({ context, event }) => isOf(event, context.asked),
    aboutInstance: ({ event }) => (event as { readonly generation?: number }).generation !== undefined,
    siblingMayBeReplaced: and([
      ({ context, event }) => servingSiblings(context).some(({ generation }) => isOf(event, generation)),
      stateIn('#notReplacing'),
    ]),

    // Why a drain goes on.
    yielding: ({ context }) => context.intent === 'yield',
    givingUp: ({ context }) => context.intent === 'give-up',
    stuckWhileYielding: and(['ofCurrent', 'yielding']),
    lostWhileGivingUp: and(['ofCurrent', 'givingUp']),
    lostWhileLeaving: ({ context, event }) =>
      isOf(event, context.current) && (context.intent === 'unload' || context.intent === 'remove'),
    drainedToYield: and(['idle', 'yielding']),
    drainedToGiveUp: and(['idle', 'givingUp']),
    drainedToReplace: ({ context }) => context.gate.leases === 0 && context.intent === 'replace',

    // Replacement: one worker beside the one that serves, and no more.
    mayReplace: and(['serving', 'oldGone']),
    askedAgain: and([
      ({ context }) => context.replaceAgain || (outdatedInstance(context) !== undefined && isSettled(context)),
      'serving',
      'oldGone',
    ]),
    refusedAndRelieved: ({ context, event }) => isOf(event, context.replacement) && servingSiblings(context).length > 0,
    oversized: and(['ofCurrent', 'serving']),
    oversizedTooOften: and([
      'oversized',
      ({ context, event }) => replacementPlanOf(context, event)?.action === 'give-up',
    ]),
  },
  delays: {
    drain: ({ context }) => context.settings.drainMs,
    release: ({ context }) => context.settings.stopMs,
    stable: ({ context }) => context.settings.restart.stableMs,
    backoff: ({ context }) => context.backoffMs,
  },
});
