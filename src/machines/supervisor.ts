import { fromPromise, setup } from 'xstate';
import { GreenroomError } from '../errors.ts';
import type { ManifestChange } from '../manifest/source.ts';
import { EXIT_DO_NOT_RESTART } from '../protocol.ts';
import {
  type GiveUpCause,
  NO_RESTARTS,
  planRestart,
  type RestartHistory,
  resetHistory,
} from '../supervision/restart-plan.ts';
import { shortageIn } from '../system-error.ts';
import { type Clock, wallTime } from '../time/clock.ts';
import type { PluginReport } from './plugin.ts';
import { type SchedulerInput, schedulerMachine } from './scheduler.ts';

/** What the supervisor machine needs of the runtime around it. Its methods must not throw. */
export interface SupervisorHost {
  readonly clock: Clock;
  /** What the scheduler is started with. */
  readonly schedulerInput: Omit<SchedulerInput, 'clock'>;
  /** A number in [0, 1). */
  random(): number;
  readonly plugins: PluginSet;
}

/** The plugin actors. */
export interface PluginSet {
  /** How many there are. */
  readonly size: number;
  /** Adds, changes and removes them as the manifests on disk have changed. */
  apply(changes: readonly ManifestChange[]): void;
  /** Tells every one to end. */
  endAll(): void;
  /** Forgets one that has ended. */
  forget(plugin: string): void;
}

/** What the supervisor actor is made for. */
export interface SupervisorInput {
  readonly host: SupervisorHost;
}

/** What the supervisor is told. */
export type SupervisorEvent =
  | PluginReport
  | { readonly type: 'MANIFESTS.CHANGED'; readonly changes: readonly ManifestChange[] }
  | { readonly type: 'STOP' };

interface Context extends SupervisorInput {
  /** Per plugin, the crashes that still count against it. Changed in place: copying it would cost with every crash. */
  readonly histories: Map<string, RestartHistory>;
  /**
   * The same for instances that were lost while others served. They count by themselves, so that a plugin with several
   * instances is never given up sooner than one with one, nor waits longer.
   */
  readonly losses: Map<string, RestartHistory>;
}

const unprovided = (): never => {
  throw new Error('The supervisor machine needs its actor to be provided.');
};

const base = setup({
  types: {
    children: {} as { scheduler: 'scheduler' },
    input: {} as SupervisorInput,
    context: {} as Context,
    events: {} as SupervisorEvent,
  },
  actors: {
    scheduler: schedulerMachine,
    /** The first discovery; resolves to the manifests that it found. */
    discover: fromPromise<ManifestChange[]>(unprovided),
  },
  guards: {
    empty: ({ context }) => context.host.plugins.size === 0,
  },
});

/** Decides by the plugin's policy whether its crashed worker comes back, and when, and tells the plugin. */
const decideRestart = base.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'PLUGIN.CRASHED') return;
  const { plugin, error, exit, settings, ref, retryable, wasReady, generation } = event;
  const histories = generation === undefined ? context.histories : context.losses;
  const plan = planRestart({
    history: histories.get(plugin) ?? NO_RESTARTS,
    settings: settings.restart,
    end: {
      code: exit?.code ?? null,
      signal: exit?.signal ?? null,
      ready: wasReady,
      retryable,
      shortage: !wasReady && shortageIn(error) !== undefined,
    },
    now: context.host.clock.monotonic(),
    random: context.host.random(),
  });
  histories.set(plugin, plan.history);
  switch (plan.action) {
    case 'restart':
      enqueue.sendTo(ref, { type: 'RESTART', delayMs: plan.delayMs, generation });
      break;
    case 'stopped':
      enqueue.sendTo(ref, { type: 'STOPPED', generation });
      break;
    case 'give-up': {
      const times = plan.cause.times.map((time) => wallTime(context.host.clock, time));
      enqueue.sendTo(ref, {
        type: 'GIVE_UP',
        generation,
        error: new GreenroomError(
          'E_GIVEN_UP',
          `${generation === undefined ? `"${plugin}" was` : `Further instances of "${plugin}" are`} given up${describeCause(plan.cause)}. Last error: ${ended(error.message)} Fix it, then call load("${plugin}").`,
          { plugin, cause: error, details: { ...plan.cause, times } },
        ),
      });
      break;
    }
  }
});

/** With a full stop: what a worker said last may have none. */
function ended(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

function describeCause({ kind, limit, times }: GiveUpCause): string {
  switch (kind) {
    case 'not-retryable':
      return ': another start would fail in the same way';
    case 'do-not-restart':
      return `: its worker exited with status ${EXIT_DO_NOT_RESTART}, which asks for no restart`;
    case 'temporary':
      return ': its restart policy is "temporary"';
    case 'too-many-restarts':
      return ` after ${times.length} ${times.length === 1 ? 'restart' : 'restarts'} in ${(limit?.periodMs ?? 0) / 1_000} s`;
  }
}

/** It has been ready for its stable period: the backoff starts anew. */
const resetBackoff = ({ context, event }: { context: Context; event: SupervisorEvent }): void => {
  if (event.type !== 'PLUGIN.STABLE') return;
  for (const histories of [context.histories, context.losses]) {
    const history = histories.get(event.plugin);
    if (history !== undefined) histories.set(event.plugin, resetHistory(history));
  }
};

const forgetCrashes = ({ context, event }: { context: Context; event: SupervisorEvent }): void => {
  if (!('plugin' in event)) return;
  context.histories.delete(event.plugin);
  context.losses.delete(event.plugin);
};

const forgetPlugin = ({ context, event }: { context: Context; event: SupervisorEvent }): void => {
  if (event.type === 'PLUGIN.REMOVED') context.host.plugins.forget(event.plugin);
};

/** The root: booting (the first discovery), running, draining, stopped. */
export const supervisorMachine = base.createMachine({
  id: 'supervisor',
  context: ({ input }) => ({ ...input, histories: new Map(), losses: new Map() }),
  invoke: {
    id: 'scheduler',
    src: 'scheduler',
    input: ({ context: { host } }) => ({ ...host.schedulerInput, clock: host.clock }),
  },
  initial: 'booting',
  on: {
    'PLUGIN.REMOVED': { actions: [forgetCrashes, forgetPlugin] },
    'PLUGIN.STABLE': { actions: resetBackoff },
    'PLUGIN.CLEARED': { actions: forgetCrashes },
    'PLUGIN.CRASHED': { actions: decideRestart },
  },
  states: {
    booting: {
      invoke: {
        id: 'discover',
        src: 'discover',
        onDone: { target: 'running', actions: ({ context, event }) => context.host.plugins.apply(event.output) },
        // A search path that cannot be read is reported by the discovery; the supervisor runs all the same.
        onError: 'running',
      },
      on: { STOP: 'draining' },
    },
    running: {
      on: {
        'MANIFESTS.CHANGED': { actions: ({ context, event }) => context.host.plugins.apply(event.changes) },
        STOP: 'draining',
      },
    },
    draining: {
      entry: ({ context }) => context.host.plugins.endAll(),
      always: { guard: 'empty', target: 'stopped' },
    },
    stopped: { type: 'final' },
  },
});
