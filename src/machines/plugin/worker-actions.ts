import type { Residency } from '../../calls/lease-request.ts';
import type { Resources } from '../../scheduler/need.ts';
import type { WorkerCommand } from '../worker.ts';
import { changed, type PluginContext, type SlotContext, workerOf } from './context.ts';
import type { PluginEvent } from './events.ts';
import { dropSiblings } from './fewer-instances.ts';
import { killReason } from './gate-actions.ts';
import { base } from './setup.ts';

/*
 * The workers that the plugin holds: started, ready, kept warm, ended, gone.
 */

/** Sends a command to the current worker; one that is gone is sent nothing. */
const command = (commandOf: (context: PluginContext, event: PluginEvent) => WorkerCommand) =>
  base.enqueueActions(({ context, event, enqueue }) => {
    const ref = workerOf(context, context.current)?.ref;
    if (ref !== undefined) enqueue.sendTo(ref, commandOf(context, event));
  });

const launch = (
  generationOf: (context: PluginContext) => number | undefined,
  role: (generation: number, context: PluginContext) => Partial<SlotContext>,
) =>
  base.assign(({ context, spawn }) => {
    const generation = generationOf(context) ?? context.generation;
    const ref = spawn('worker', {
      id: `worker-${generation}`,
      input: {
        name: context.name,
        generation,
        launch: context.host.plan(context),
        config: context.config,
        timeouts: {
          installMs: context.settings.installMs,
          startMs: context.settings.startMs,
          stopMs: context.settings.stopMs,
        },
        liveness: context.settings.liveness,
        maxRssMb: context.settings.maxRssMb,
      },
    });
    return {
      ...role(generation, context),
      workers: [...context.workers, { generation, ref, pid: undefined, residency: undefined }],
    };
  });

/** Starts the generation that was granted. */
export const spawnWorker = launch(
  ({ generation }) => generation,
  (current) => ({ current }),
);
/** Starts the generation that is to replace the current one. */
export const spawnReplacement = launch(
  ({ replacement }) => replacement,
  (replacement) => ({ replacement }),
);
/** Starts the further instance that was granted. */
export const spawnSibling = launch(
  ({ asked }) => asked,
  (generation, { siblings }) => ({ asked: undefined, siblings: [...siblings, generation] }),
);

/** The next start is of a new generation. */
export const nextGeneration = base.assign({
  generation: ({ context }) => context.generation + 1,
  startedFor: 'calls',
  growth: 'free',
  losses: 0,
  outdated: 0,
});

/** It is a restart after a crash, not asked for by a call. */
export const startedByRestart = base.assign({ startedFor: 'restart' });

/** Remembers the process of a worker. */
export const notePid = base.assign(({ context, event }) =>
  event.type === 'WORKER.SPAWNED' ? { workers: changed(context, event.generation, { pid: event.pid }) } : {},
);

/** Remembers the connection of a worker that is ready. */
export const noteReady = base.assign(({ context, event }) => {
  if (event.type !== 'WORKER.READY') return {};
  const { channel, concurrency } = event.connection;
  const residency: Residency = { generation: event.generation, channel, concurrency, leases: new Set() };
  return { starved: false, killedStarts: 0, workers: changed(context, event.generation, { residency }) };
});

/** Remembers what a worker that has released its resources still uses. */
export const noteKept = base.assign(({ context, event }) => {
  const kept = (event as unknown as { readonly output: Resources | undefined }).output;
  return { workers: changed(context, context.current, { kept }) };
});

/** It is resident again. */
export const forgetKept = base.assign(({ context }) => ({
  workers: changed(context, context.current, { kept: undefined }),
}));

const noCurrent = base.assign({ current: undefined, replaceAgain: false });
const abandonReplacement = base.raise({ type: 'REPLACEMENT.ABANDONED' });

/** Ends the current worker in order, and those beside it. It is held until its process tree is gone, but is not current any more. */
export const stopWorker = [command(() => ({ type: 'STOP' })), dropSiblings, noCurrent, abandonReplacement] as const;
/** Kills the current worker. It is held until its process tree is gone, but is not current any more. */
export const killWorker = [
  command((context, event) => ({ type: 'KILL', reason: killReason(context, event) })),
  dropSiblings,
  noCurrent,
  abandonReplacement,
] as const;

/** The current worker has ended by itself. A plugin that has never been ready is not restarted for `load` alone. */
export const noteGone = base.assign(({ context }) => ({
  current: undefined,
  replaceAgain: false,
  keepLoaded: context.keepLoaded && context.everReady,
  intent: context.intent === 'remove' ? context.intent : undefined,
}));

/** Nothing is left of a generation: it is held no longer, and its reservation ends. */
export const forgetWorker = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'WORKER.GONE') return;
  // An actor that has ended stays among its parent's children until it is stopped.
  const ended = workerOf(context, event.generation)?.ref;
  if (ended !== undefined) enqueue.stopChild(ended);
  enqueue.assign({ workers: context.workers.filter((worker) => worker.generation !== event.generation) });
  if (event.generation === context.current) enqueue.assign({ current: undefined });
  if (context.siblings.includes(event.generation)) {
    enqueue.assign({ siblings: context.siblings.filter((generation) => generation !== event.generation) });
  }
  enqueue.sendTo(context.scheduler, { type: 'FREED', plugin: context.name, generation: event.generation });
});

/** Starts the time after which an idle plugin gives up its resources, if its manifest says so. */
export const startIdleTime = base.enqueueActions(({ context, enqueue }) => {
  const { idleReleaseMs } = context.settings;
  if (idleReleaseMs !== undefined) enqueue.raise({ type: 'IDLE.LIMIT' }, { id: 'idle', delay: idleReleaseMs });
});
/** Ends that time. */
export const endIdleTime = base.cancel('idle');
