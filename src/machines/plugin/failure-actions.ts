import { GreenroomError } from '../../errors.ts';
import { NO_OVERSIZED } from '../../supervision/replacement-plan.ts';
import type { PluginContext } from './context.ts';
import type { PluginEvent, PluginReport, WithGeneration } from './events.ts';
import { admitUnlessDisabled, errorOf } from './gate-actions.ts';
import { base, isShortage, replacementPlanOf } from './setup.ts';

/*
 * Failures of workers: what is remembered of them, and what the supervisor is told.
 */

/** A refusal is a fault of nobody, and the decision says it: it does not take the place of what a worker failed with. */
function lastErrorAfter(context: PluginContext, event: PluginEvent): GreenroomError | undefined {
  const { lastError } = context;
  if (event.type === 'REFUSED' && lastError !== undefined && lastError.code !== 'E_REFUSED') return lastError;
  return errorOf(context, event) ?? lastError;
}

/** Remembers why the plugin failed. */
export const noteFailure = base.assign(({ context, event }) => {
  const lastError = lastErrorAfter(context, event);
  switch (event.type) {
    case 'WORKER.FAILED':
      return {
        lastError,
        failure: { exit: event.exit, retryable: event.retryable, wasReady: false },
        starved: false,
      };
    case 'WORKER.EXITED':
      return {
        lastError,
        failure: { exit: event.exit, retryable: event.exit.retryable, wasReady: true },
        starved: isShortage(event),
      };
    case 'WORKER.OVERSIZED':
      // Its worker lives, so no exit goes with it.
      return { lastError, failure: { ...context.failure, exit: undefined } };
    case 'WORKER.HUNG':
    case 'UNREACHABLE':
      return { lastError, failure: { exit: undefined, retryable: true, wasReady: true } };
    default:
      return { lastError };
  }
});

/** It was killed while it started: the calls that wait go on waiting, for the next start. */
export const noteKilledStart = base.assign({ killedStarts: ({ context }) => context.killedStarts + 1 });
/** Nothing waits for the starts that were killed any more. */
export const forgetKilledStarts = base.assign({ killedStarts: 0 });

/** It ran out of memory while it started: the next start asks for more. */
export const noteStarvedStart = base.assign({ current: undefined, replaceAgain: false, starved: true });
/** A call of it ran out of memory: its worker is replaced by one with more. */
export const noteStarvedCall = base.assign({ intent: 'yield', starved: true });

/** Its worker is over its memory limit, and is to be replaced. */
export const noteOversized = base.assign(({ context, event }) => {
  const plan = replacementPlanOf(context, event);
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
      { plugin: name, cause: error, details: { ...error.details, replaced } },
    ),
  };
});

/** A plugin at rest starts a new row. */
export const forgetOversized = base.enqueueActions(({ context, enqueue }) => {
  if (context.oversized !== NO_OVERSIZED) enqueue.assign({ oversized: NO_OVERSIZED });
});

/** Remembers how long to wait before the restart. */
export const noteBackoff = base.assign(({ event }) => (event.type === 'RESTART' ? { backoffMs: event.delayMs } : {}));

/** Counts when it is restarted, not when that is decided: it may be called off meanwhile. */
export const noteRestart = base.assign({ restarts: ({ context }) => context.restarts + 1 });

const reportCrash = (which: 'last' | 'one') =>
  base.sendTo(
    ({ context }) => context.supervisor,
    ({ context, event, self }): PluginReport => ({
      type: 'PLUGIN.CRASHED',
      plugin: context.name,
      ref: self,
      generation: which === 'last' ? undefined : (event as WithGeneration).generation,
      at: context.host.clock.monotonic(),
      error: context.lastError as GreenroomError,
      exit: context.failure.exit,
      retryable: context.failure.retryable,
      wasReady: context.failure.wasReady,
      settings: context.settings,
    }),
  );

/** Asks the supervisor whether the plugin is restarted. */
export const askSupervisor = reportCrash('last');
/** Tells the supervisor that one of several instances is lost, and asks when another may be started. */
export const askAboutInstance = reportCrash('one');

/** Tells the supervisor. */
export const report = (type: 'PLUGIN.STABLE' | 'PLUGIN.CLEARED' | 'PLUGIN.REMOVED') =>
  base.sendTo(
    ({ context }) => context.supervisor,
    ({ context }): PluginReport => ({ type, plugin: context.name }),
  );

/** The user asked for it anew: its earlier crashes no longer count, and it takes calls again. */
export const forgive = [admitUnlessDisabled, forgetOversized, report('PLUGIN.CLEARED')] as const;
