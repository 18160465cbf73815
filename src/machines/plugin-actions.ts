import { isDeepStrictEqual } from 'node:util';
import { and, fromPromise, not, or, setup, stateIn } from 'xstate';
import type { Residency } from '../calls/lease-gate.ts';
import { GreenroomError } from '../errors.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { Resources } from '../scheduler/need.ts';
import { NO_OVERSIZED, planReplacement, type ReplacementPlan } from '../scheduler/replacement-plan.ts';
import { refusalError } from '../scheduler/refusal-error.ts';
import type {
  DrainIntent,
  PluginContext,
  PluginEvent,
  PluginInput,
  PluginPhase,
  PluginReport,
  PluginState,
  WithGeneration,
  WorkerSlot,
} from './plugin-events.ts';
import { type WorkerCommand, workerMachine } from './worker.ts';

export const slotOf = (context: PluginContext, generation: number | undefined): WorkerSlot | undefined =>
  context.workers.find((slot) => slot.generation === generation);

export const residencyOf = (context: PluginContext): Residency | undefined =>
  slotOf(context, context.current)?.residency;

/** The generation for which room is asked: that of the warm worker that is to come back, else a new one. */
const askedOf = (context: PluginContext): number => residencyOf(context)?.generation ?? context.generation;

/** The generations that are on their way out. */
const oldSlots = (context: PluginContext): readonly WorkerSlot[] =>
  context.workers.filter((slot) => slot.generation !== context.current && slot.generation !== context.replacement);

const isOf = (event: PluginEvent, generation: number | undefined): boolean =>
  generation !== undefined && (event as WithGeneration).generation === generation;

/** Whether a worker has failed for want of memory. */
const isShortage = (event: PluginEvent): boolean =>
  (event.type === 'WORKER.FAILED' && event.error.remote?.category === 'resource') ||
  ((event.type === 'WORKER.FAILED' || event.type === 'WORKER.EXITED') && event.exit?.outOfMemory === true);

/** What follows from the report of a worker that is over its memory limit. */
const replacementOf = ({ oversized, settings }: PluginContext, event: PluginEvent): ReplacementPlan | undefined =>
  event.type !== 'WORKER.OVERSIZED'
    ? undefined
    : planReplacement({
        row: oversized,
        settings: settings.restart,
        generation: event.generation,
        withinMs: event.withinMs,
      });

const unprovided = (): never => {
  throw new Error('The plugin machine needs its actors to be provided.');
};

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
    wanted: ({ context }) => context.enabled && context.intent !== 'remove' && context.gate.waiting > 0,
    wantedWarm: ({ context }) => context.enabled && context.gate.waiting > 0 && residencyOf(context) !== undefined,
    restartWanted: ({ context }) =>
      context.enabled &&
      (context.wished || context.gate.waiting > 0 || context.settings.restart.policy === 'permanent'),
    wished: ({ context }) => context.wished,
    leased: ({ context }) => context.gate.leases > 0,
    idle: ({ context }) => context.gate.leases === 0,
    treeGone: ({ context }) => context.workers.length === 0,
    removed: ({ context }) => context.intent === 'remove' && context.workers.length === 0,
    warm: ({ context }) => residencyOf(context) !== undefined,
    ofCurrent: ({ context, event }) => isOf(event, context.current),
    // Of a generation that is on its way out: its end is the answer.
    stale: ({ context, event }) => (event as WithGeneration).generation !== undefined && !isOf(event, context.current),
    shortOfMemory: ({ context, event }) => isOf(event, context.current) && !context.starved && isShortage(event),
    ofReplacement: ({ context, event }) => isOf(event, context.replacement),
    ofAsked: ({ context, event }) => isOf(event, askedOf(context)),
    ofAskedAndWished: ({ context, event }) => isOf(event, askedOf(context)) && context.wished,
    askedToResume: ({ context, event }) => isOf(event, residencyOf(context)?.generation),
    mayLaunch: ({ context }) => context.granted,
    mayResume: ({ context }) => context.granted && residencyOf(context) !== undefined,
    // One that was to be replaced would come back as what it should be no longer.
    mayStayWarm: ({ context }) => residencyOf(context) !== undefined && !context.replaceAgain,
    evictable: ({ context }) => context.gate.leases === 0 && context.replacement === undefined,
    // From a removal there is no way back.
    stays: ({ context }) => context.intent !== 'remove',
    yielding: ({ context }) => context.intent === 'yield',
    stuckWhileYielding: and(['ofCurrent', 'yielding']),
    drainedToYield: ({ context }) => context.gate.leases === 0 && context.intent === 'yield',
    givingUp: ({ context }) => context.intent === 'give-up',
    drainedToGiveUp: ({ context }) => context.gate.leases === 0 && context.intent === 'give-up',
    lostWhileGivingUp: and(['ofCurrent', 'givingUp']),
    drainedToReplace: ({ context }) => context.gate.leases === 0 && context.intent === 'replace',
    lostWhileLeaving: ({ context, event }) =>
      isOf(event, context.current) && (context.intent === 'unload' || context.intent === 'remove'),
    notServing: not('serving'),
    oversized: and(['ofCurrent', 'serving']),
    oversizedTooOften: and(['oversized', ({ context, event }) => replacementOf(context, event)?.action === 'give-up']),
    serving: or([stateIn('#ready'), stateIn('#serving')]),
    up: or([stateIn('#ready'), stateIn('#busy')]),
    down: not(or([stateIn('#ready'), stateIn('#busy')])),
    oldGone: ({ context }) => oldSlots(context).length === 0,
    // One worker beside the one that serves, and no more.
    mayReplace: and(['serving', 'oldGone']),
    askedAgain: and([({ context }) => context.replaceAgain, 'serving', 'oldGone']),
  },
  delays: {
    drain: ({ context }) => context.settings.drainMs,
    release: ({ context }) => context.settings.stopMs,
    stable: ({ context }) => context.settings.restart.stableMs,
    backoff: ({ context }) => context.backoffMs,
  },
});

/* ---- What leaves for the scheduler ---- */

/**
 * Asks for room, once nothing is left of former workers: what they hold is free then. A restart that nobody waits for
 * is answered at once, so that nobody has to go for it.
 */
export const acquire = base.enqueueActions(({ context, enqueue, self }) => {
  if (oldSlots(context).length > 0) return;
  const { name: plugin, gate, host } = context;
  const asking = { plugin, generation: askedOf(context), ref: self, need: host.need(context) };
  if (context.unasked && gate.waiting === 0) {
    enqueue.sendTo(context.scheduler, { type: 'RESERVE_EXTRA', ...asking });
  } else {
    enqueue.sendTo(context.scheduler, {
      type: 'ACQUIRE',
      ...asking,
      ...urgencyOf(context),
      at: host.clock.monotonic(),
    });
  }
});

const urgencyOf = ({ gate, settings }: PluginContext) => ({
  priority: settings.priority + gate.priority,
  deadline: gate.deadline,
});

export const updateAcquire = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context }) => ({
    type: 'ACQUIRE.UPDATE',
    plugin: context.name,
    ...urgencyOf(context),
  }),
);

/** Room is wanted no more. */
export const withdraw = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context }) => ({ type: 'WITHDRAW', plugin: context.name }),
);

/** Remembers on which GPUs the granted generation is to run. */
export const noteGpus = base.assign(({ event }) => (event.type === 'GRANTED' ? { gpus: event.gpus } : {}));

/** A grant that nobody can use goes back. What a warm worker keeps is still taken. */
export const returnGrant = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'GRANTED') return;
  const { generation } = event;
  const { name: plugin, scheduler } = context;
  const slot = slotOf(context, generation);
  if (slot === undefined) enqueue.sendTo(scheduler, { type: 'RETURNED', plugin, generation });
  else if (slot.kept !== undefined) {
    enqueue.sendTo(scheduler, { type: 'RELEASED', plugin, generation, kept: slot.kept });
  }
});

export const reserveExtra = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context, self }) => ({
    type: 'RESERVE_EXTRA',
    plugin: context.name,
    generation: context.replacement,
    ref: self,
    need: context.host.need(context),
  }),
);

export const tellScheduler = (type: 'IDLE' | 'BUSY' | 'DENIED' | 'RELEASED') =>
  base.sendTo(
    ({ context }) => context.scheduler,
    ({ context }) => ({
      type,
      plugin: context.name,
      generation: context.current,
      ...(type === 'RELEASED'
        ? { kept: slotOf(context, context.current)?.kept }
        : { at: context.host.clock.monotonic() }),
    }),
  );

/**
 * Tells the scheduler that the plugin is idle, unless calls that waited at its gate have taken leases in this very step:
 * the state `busy`, entered next, tells of those. Told idle in between, it would be evicted as it is about to be called.
 */
export const tellIdle = base.enqueueActions(({ context, enqueue }) => {
  if (context.gate.leases === 0) enqueue(tellScheduler('IDLE'));
});

/** It cannot go now. Where no lease is out, the scheduler is told when it can. */
export const deny = base.enqueueActions(({ context, enqueue }) => {
  enqueue(tellScheduler('DENIED'));
  enqueue.assign({ denied: context.gate.leases === 0 });
});

/** Remembers what a worker that has released its resources still takes up. */
export const noteKept = base.assign(({ context, event }) => {
  const kept = (event as unknown as { readonly output: Resources | undefined }).output;
  return { workers: withCurrent(context, { kept }) };
});

/** It is resident again. */
export const forgetKept = base.assign(({ context }) => ({ workers: withCurrent(context, { kept: undefined }) }));

const withCurrent = ({ workers, current }: PluginContext, change: Partial<WorkerSlot>): readonly WorkerSlot[] =>
  workers.map((slot) => (slot.generation === current ? { ...slot, ...change } : slot));

/** Lets the time begin after which an idle plugin gives up its resources, if its manifest says so. */
export const startIdleTime = base.enqueueActions(({ context, enqueue }) => {
  const { idleReleaseMs } = context.settings;
  if (idleReleaseMs !== undefined) enqueue.raise({ type: 'IDLE.LIMIT' }, { id: 'idle', delay: idleReleaseMs });
});
export const endIdleTime = base.cancel('idle');

/* ---- Errors ---- */

const errorOf = ({ host }: PluginContext, event: PluginEvent): GreenroomError | undefined => {
  if (event.type === 'REFUSED') return refusalError(event.error, host.clock);
  return 'error' in event ? event.error : undefined;
};

const drainError = (context: PluginContext): GreenroomError =>
  new GreenroomError(
    'E_STOPPING',
    `The call to "${context.name}" was ended with its worker: it did not finish within ${context.settings.drainMs} ms. Raise drain_timeout_ms in its manifest if it needs longer.`,
    { plugin: context.name },
  );

/* ---- Workers ---- */

/** Sends a command to the current worker; a worker that is gone hears nothing. */
const command = (type: WorkerCommand['type']) =>
  base.enqueueActions(({ context, enqueue }) => {
    const ref = slotOf(context, context.current)?.ref;
    if (ref !== undefined) enqueue.sendTo(ref, { type });
  });

const launch = (which: 'current' | 'replacement') =>
  base.assign(({ context, spawn }) => {
    const generation = which === 'current' ? context.generation : (context.replacement ?? context.generation);
    const ref = spawn('worker', {
      id: `worker-${generation}`,
      input: {
        name: context.name,
        generation,
        launch: context.host.plan(context),
        config: context.config,
        timeouts: { startMs: context.settings.startMs, stopMs: context.settings.stopMs },
        liveness: context.settings.liveness,
        maxRssMb: context.settings.maxRssMb,
      },
    });
    return {
      [which]: generation,
      workers: [...context.workers, { generation, ref, pid: undefined, residency: undefined }],
    };
  });

/** Starts the generation that was granted. */
export const spawnWorker = launch('current');
/** Starts the generation that is to replace the current one. */
export const spawnReplacement = launch('replacement');

export const notePid = base.assign(({ context, event }) =>
  event.type === 'WORKER.SPAWNED'
    ? {
        workers: context.workers.map((slot) =>
          slot.generation === event.generation ? { ...slot, pid: event.pid } : slot,
        ),
      }
    : {},
);

/** Remembers the connection of a worker that is ready. */
export const noteReady = base.assign(({ context, event }) => {
  if (event.type !== 'WORKER.READY') return {};
  const { channel, concurrency, streams } = event.connection;
  const residency: Residency = { generation: event.generation, channel, concurrency, streams, guests: new Set() };
  return {
    starved: false,
    workers: context.workers.map((slot) => (slot.generation === event.generation ? { ...slot, residency } : slot)),
  };
});

const noCurrent = base.assign({ current: undefined, replaceAgain: false });
const abandonReplacement = base.raise({ type: 'REPLACEMENT.ABANDONED' });

/** Ends the current worker in order. It is held until it is gone, but is nobody's any more. */
export const dismiss = [command('STOP'), noCurrent, abandonReplacement] as const;
/** The same at once. */
export const kill = [command('KILL'), noCurrent, abandonReplacement] as const;

/** The current worker has ended by itself. A plugin that has never been ready is not started again unasked. */
export const noteGone = base.assign(({ context }) => ({
  current: undefined,
  replaceAgain: false,
  wished: context.wished && context.everReady,
  intent: context.intent === 'remove' ? context.intent : undefined,
}));

/* ---- The replacement of a worker ---- */

export const nextReplacement = base.assign(({ context }) => ({
  generation: context.generation + 1,
  replacement: context.generation + 1,
  replaceAgain: false,
}));

/** The replacement takes the calls from here on; the leases of the one before run out. */
export const adoptReplacement = base.enqueueActions(({ context, enqueue }) => {
  enqueue.assign({ current: context.replacement, replacement: undefined });
  enqueue(openGate);
  enqueue(tellScheduler(context.gate.leases > 0 ? 'BUSY' : 'IDLE'));
});

/** What was to replace the current worker is ended. */
export const dropReplacement = base.enqueueActions(({ context, enqueue }) => {
  const ref = slotOf(context, context.replacement)?.ref;
  if (ref !== undefined) enqueue.sendTo(ref, { type: 'STOP' });
  enqueue.assign({ replacement: undefined });
  if (!context.denied) return;
  enqueue.assign({ denied: false });
  if (context.current !== undefined && context.gate.leases === 0) enqueue(tellScheduler('IDLE'));
});

/** Ends the former generations that have returned their last lease. */
export const dismissDrained = base.enqueueActions(({ context, enqueue }) => {
  for (const slot of oldSlots(context)) {
    if ((slot.residency?.guests.size ?? 0) === 0) enqueue.sendTo(slot.ref, { type: 'STOP' });
  }
});

/** The former generations have had their time: their calls are cancelled and their leases end. */
export const loseOldLeases = ({ context }: { context: PluginContext }): void => {
  for (const slot of oldSlots(context)) context.gate.end(slot.generation, slot.residency, drainError(context));
};

export const replaceAgain = base.assign({ replaceAgain: true });

/** A replacement that a drain cuts short remains to be done, should the worker stay after all. */
export const stillToReplace = base.assign(({ context }) => ({
  replaceAgain: context.replaceAgain || context.replacement !== undefined,
}));

/** Tells the runtime how the replacement went. */
export const reportReplacement = ({ context, event }: { context: PluginContext; event: PluginEvent }): void =>
  context.host.replaced(context, errorOf(context, event));

/** Nothing is left of a generation: it is held no longer, and its reservation ends. */
export const forgetWorker = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'WORKER.GONE') return;
  // An actor that has ended stays among its parent's children until it is stopped.
  const ended = slotOf(context, event.generation)?.ref;
  if (ended !== undefined) enqueue.stopChild(ended);
  enqueue.assign({ workers: context.workers.filter((slot) => slot.generation !== event.generation) });
  if (event.generation === context.current) enqueue.assign({ current: undefined });
  enqueue.sendTo(context.scheduler, { type: 'FREED', plugin: context.name, generation: event.generation });
});

/* ---- The gate ---- */

/** At the end of every call it is ready again, and an `assign` that changes nothing costs as much as one that does. */
export const noteServing = base.enqueueActions(({ context: { wished, everReady, intent, denied }, enqueue }) => {
  if (wished && everReady && intent === undefined && !denied) return;
  enqueue.assign({ wished: true, everReady: true, intent: undefined, denied: false });
});

export const openGate = ({ context }: { context: PluginContext }): void => {
  const residency = residencyOf(context);
  if (residency !== undefined) context.gate.open(residency);
};

export const closeGate = ({ context }: { context: PluginContext }): void => context.gate.close();

/** Ends the leases of the generation that the event is of. */
export const loseLeases = ({ context, event }: { context: PluginContext; event: PluginEvent }): void => {
  const error = errorOf(context, event);
  const slot = slotOf(context, (event as WithGeneration).generation);
  if (error !== undefined && slot !== undefined) context.gate.lose(slot.generation, slot.residency, error);
};

/** Cancels the calls of the current generation, whose time is over, and ends its leases. */
export const endLeases = ({ context }: { context: PluginContext }): void => {
  if (context.current !== undefined) context.gate.end(context.current, residencyOf(context), drainError(context));
};

export const refuseWaiting = ({ context, event }: { context: PluginContext; event: PluginEvent }): void => {
  const error = errorOf(context, event);
  if (error !== undefined) context.gate.refuseWaiting(error);
};

export const refuseAll = ({ context, event }: { context: PluginContext; event: PluginEvent }): void => {
  const error = errorOf(context, event);
  if (error !== undefined) context.gate.refuse(error);
};

export const admitAll = ({ context }: { context: PluginContext }): void => context.gate.refuse(undefined);

/* ---- What is remembered ---- */

export const noteFailure = base.assign(({ context, event }) => {
  switch (event.type) {
    case 'WORKER.FAILED':
      return {
        lastError: event.error,
        lastExit: event.exit,
        retryable: event.retryable,
        wasReady: false,
        starved: false,
      };
    case 'WORKER.EXITED':
      return {
        lastError: event.error,
        lastExit: event.exit,
        retryable: event.exit.retryable,
        wasReady: true,
        starved: isShortage(event),
      };
    case 'WORKER.OVERSIZED':
      // Its worker lives, so no exit goes with it.
      return { lastError: event.error, lastExit: undefined };
    case 'WORKER.HUNG':
    case 'UNREACHABLE':
      return { lastError: event.error, lastExit: undefined, retryable: true, wasReady: true };
    case 'GIVE_UP':
      return { lastError: event.error };
    case 'REFUSED':
      return { lastError: errorOf(context, event) };
    default:
      return { lastError: context.lastError };
  }
});

const tellNeed = base.sendTo(
  ({ context }) => context.scheduler,
  ({ context }) => ({ type: 'RECONFIGURED', plugin: context.name, need: context.host.need(context) }),
);

/** It ran out of memory as it started: another start is to have more room. */
export const noteStarvedStart = base.assign({ current: undefined, replaceAgain: false, starved: true });
/** A call of it ran out of memory: it is to come back with more room. */
export const noteStarvedCall = base.assign({ intent: 'yield', starved: true });

export const noteManifest = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'MANIFEST.CHANGED') return;
  const needed = context.settings.need;
  enqueue.assign({ entry: event.entry, settings: event.settings });
  if (event.settings.maxRssMb !== context.settings.maxRssMb) enqueue.assign({ oversized: NO_OVERSIZED });
  if (!isDeepStrictEqual(needed, event.settings.need)) enqueue(tellNeed);
  context.gate.limit(event.settings);
  const isServing = residencyOf(context) !== undefined;
  // A worker that is starting was given what the manifest said before.
  const isStarting = context.replacement !== undefined || (context.current !== undefined && !isServing);
  if (event.effect === 'replace' || (event.effect === 'reconfigure' && isStarting)) enqueue.raise({ type: 'REPLACE' });
  else if (event.effect === 'reconfigure' && isServing) {
    enqueue(({ context: changed }) => changed.host.reconfigure(changed));
  }
});

/** The worker has accepted this config over the defaults of its schema; it survives crash, release and reload. */
export const noteConfig = base.assign(({ event }) => (event.type === 'CONFIGURED' ? { config: event.config } : {}));

export const noteLoad = base.assign(({ context, event }) => ({
  wished: true,
  config: event.type === 'LOAD' && event.config !== undefined ? event.config.value : context.config,
}));

export const intend = (intent: DrainIntent | undefined) => base.assign({ intent });
export const noteBackoff = base.assign(({ event }) => (event.type === 'RESTART' ? { backoffMs: event.delayMs } : {}));

/** Counts when it is started again, not when that is decided: it may be called off meanwhile. */
export const noteRestart = base.assign({ restarts: ({ context }) => context.restarts + 1 });

/** Its worker is over its memory limit, and is to be replaced. */
export const noteOversized = base.assign(({ context, event }) => {
  const plan = replacementOf(context, event);
  return plan?.action === 'replace' ? { oversized: plan.row, backoffMs: plan.delayMs } : {};
});

/** Its workers were over their memory limit too often in a row. */
export const giveUpOversized = base.raise(({ context: { name, oversized }, event }) => {
  const { error } = event as Extract<PluginEvent, { type: 'WORKER.OVERSIZED' }>;
  const { replaced } = oversized;
  const before =
    replaced === 0
      ? ''
      : ` So did the ${replaced === 1 ? 'worker' : `${replaced} workers`} before it, soon after becoming ready.`;
  return {
    type: 'GIVE_UP',
    error: new GreenroomError(
      'E_MEMORY',
      `${error.message}${before} "${name}" was given up. Raise max_rss_mb or make the plugin use less memory, then call load("${name}").`,
      { plugin: name, cause: error, details: { ...(error.details as object), replaced } },
    ),
  };
});

/** A plugin at rest starts a new row. */
export const forgetOversized = base.enqueueActions(({ context, enqueue }) => {
  if (context.oversized !== NO_OVERSIZED) enqueue.assign({ oversized: NO_OVERSIZED });
});

/** Refuses every call with the reason for which the plugin was given up. */
export const refuseGivenUp = ({ context }: { context: PluginContext }): void => context.gate.refuse(context.lastError);

/** A plugin that was given up gets another chance. */
export const clearFailure = ({ context }: { context: PluginContext }): void => {
  if (context.enabled) context.gate.refuse(undefined);
};

export const unwish = base.assign({ wished: false });
export const nextGeneration = base.assign({
  generation: ({ context }) => context.generation + 1,
  granted: false,
  unasked: false,
});
/** A restart by itself, whoever may come to wait for it. */
export const noteUnasked = base.assign({ unasked: true });

export const askSupervisor = base.sendTo(
  ({ context }) => context.supervisor,
  ({ context, self }): PluginReport => ({
    type: 'PLUGIN.CRASHED',
    plugin: context.name,
    ref: self,
    at: context.host.clock.monotonic(),
    error: context.lastError as GreenroomError,
    exit: context.lastExit,
    retryable: context.retryable,
    wasReady: context.wasReady,
    settings: context.settings,
  }),
);

export const report = (type: 'PLUGIN.STABLE' | 'PLUGIN.CLEARED' | 'PLUGIN.REMOVED') =>
  base.sendTo(
    ({ context }) => context.supervisor,
    ({ context }): PluginReport => ({ type, plugin: context.name }),
  );

/** The user asked for it anew: what was counted against it is forgotten, and calls are taken again. */
export const forgive = [clearFailure, forgetOversized, report('PLUGIN.CLEARED')] as const;

export const entered =
  (state: PluginState, phase: PluginPhase) =>
  ({ context, event }: { context: PluginContext; event: { type: string } }): void =>
    context.host.entered(context, state, phase, event);
