import type { ActorRefFrom, AnyActorRef } from 'xstate';
import type { Clock } from '../time/clock.ts';
import type { GateEvent, LeaseGate, Residency } from '../calls/lease-gate.ts';
import type { PluginSettings } from '../settings/plugin-settings.ts';
import type { GreenroomError } from '../errors.ts';
import type { LaunchRequest } from './worker.ts';
import type { WorkerExit } from '../process/worker-process.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { SchedulerRefusal } from '../scheduler/decision.ts';
import type { Need, Resources } from '../scheduler/need.ts';
import type { OversizedRow } from '../scheduler/replacement-plan.ts';
import type { WorkerEvent, workerMachine } from './worker.ts';

/** The six states of a plugin. */
export type PluginState = 'discovered' | 'spawning' | 'ready' | 'busy' | 'released' | 'crashed';

/** What goes on inside a state. */
export type PluginPhase =
  | 'idle'
  | 'stopping'
  | 'admitting'
  | 'launching'
  | 'initializing'
  | 'resuming'
  | 'ready'
  | 'serving'
  | 'draining'
  | 'releasing'
  | 'warm'
  | 'cold'
  | 'deciding'
  | 'backoff'
  | 'failed';

/** One worker whose process tree is not gone yet. */
export interface WorkerSlot {
  readonly generation: number;
  readonly ref: ActorRefFrom<typeof workerMachine>;
  readonly pid: number | undefined;
  /** Set once it is ready. */
  readonly residency: Residency | undefined;
  /** What it still takes up while it is warm. */
  readonly kept?: Resources | undefined;
}

/** What the plugin machine needs of the runtime around it. Its methods must not throw. */
export interface PluginHost {
  /** Turns the manifest in force into a program to start, on the GPUs that were granted. */
  plan(context: PluginContext): LaunchRequest;
  /** What the plugin takes up when it resides: what was measured before, else what its manifest says. */
  need(context: PluginContext): Need;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** A state was entered, by this event. */
  entered(context: PluginContext, state: PluginState, phase: PluginPhase, event: { readonly type: string }): void;
  /** A replacement of the worker has ended: with a new generation, or with the error for which the old one stays. */
  replaced(context: PluginContext, error: GreenroomError | undefined): void;
  /** The plugin must be given its config anew, because the defaults in its manifest have changed. */
  reconfigure(context: PluginContext): void;
}

/** Why leases are being drained. */
export type DrainIntent = 'yield' | 'unload' | 'replace' | 'give-up' | 'remove';

/** What a plugin actor is made for. */
export interface PluginInput {
  readonly entry: ManifestEntry;
  readonly settings: PluginSettings;
  readonly gate: LeaseGate;
  readonly host: PluginHost;
  readonly scheduler: AnyActorRef;
  readonly supervisor: AnyActorRef;
}

/** What a plugin machine remembers. */
export interface PluginContext extends PluginInput {
  readonly name: string;
  /** The highest generation handed out. */
  readonly generation: number;
  /** The generation that is started, serves or is kept warm. */
  readonly current: number | undefined;
  /** The generation that is to replace the current one. */
  readonly replacement: number | undefined;
  /** Whether another replacement was asked for while one was under way. */
  readonly replaceAgain: boolean;
  /** Every generation that is held: its process tree is not gone. */
  readonly workers: readonly WorkerSlot[];
  /** Whether the scheduler has granted the generation that is asked for. */
  readonly granted: boolean;
  /** The UUIDs of the GPUs that were granted last; `undefined`: those that the manifest and the host say. */
  readonly gpus: readonly string[] | undefined;
  /** Whether room is asked for a restart that nobody waits for: nobody has to go for that. */
  readonly unasked: boolean;
  /** Whether it ran out of memory with what it was granted, and is to ask for more. */
  readonly starved: boolean;
  /** Whether the scheduler was told that it cannot go, though no lease is out. */
  readonly denied: boolean;
  /** The config that was given; `undefined`: the defaults of the schema. */
  readonly config: unknown;
  readonly enabled: boolean;
  /** Whether it is to stay loaded without anybody calling. */
  readonly wished: boolean;
  readonly intent: DrainIntent | undefined;
  readonly restarts: number;
  readonly lastError: GreenroomError | undefined;
  readonly lastExit: WorkerExit | undefined;
  /** How long the restart or replacement that was decided waits, in milliseconds. */
  readonly backoffMs: number;
  /** The workers that were over their memory limit soon after they were ready. */
  readonly oversized: OversizedRow;
  /** Whether the failure that is being decided about can be helped by another start. */
  readonly retryable: boolean;
  /** Whether the worker that failed had been ready. */
  readonly wasReady: boolean;
  /** Whether any generation has ever been ready. */
  readonly everReady: boolean;
}

/** What the supervisor decides about a crashed worker. */
export type RestartVerdict =
  | { readonly type: 'RESTART'; readonly delayMs: number }
  /** A normal exit that asks for no restart. */
  | { readonly type: 'STOPPED' }
  | { readonly type: 'GIVE_UP'; readonly error: GreenroomError };

/** What a plugin tells the supervisor. */
export type PluginReport =
  | {
      readonly type: 'PLUGIN.CRASHED';
      readonly plugin: string;
      readonly ref: AnyActorRef;
      readonly at: number;
      readonly error: GreenroomError;
      readonly exit: WorkerExit | undefined;
      readonly retryable: boolean;
      /** Whether the worker had been ready. */
      readonly wasReady: boolean;
      readonly settings: PluginSettings;
    }
  /** Its worker has been ready, with calls or without, for the stable period: what was counted against it is forgotten. */
  | { readonly type: 'PLUGIN.STABLE'; readonly plugin: string }
  /** The user asked for it anew: what was counted against it is forgotten. */
  | { readonly type: 'PLUGIN.CLEARED'; readonly plugin: string }
  /** The actor has ended. */
  | { readonly type: 'PLUGIN.REMOVED'; readonly plugin: string };

/** Everything a plugin is told. */
export type PluginEvent =
  | GateEvent
  | WorkerEvent
  | RestartVerdict
  /** Be loaded, with this config where one is given, and stay so. */
  | { readonly type: 'LOAD'; readonly config?: { readonly value: unknown } | undefined }
  | { readonly type: 'UNLOAD'; readonly error: GreenroomError }
  /** Run a new worker in place of the one there is. */
  | { readonly type: 'REPLACE' }
  | { readonly type: 'CONFIGURED'; readonly config: unknown }
  | { readonly type: 'ENABLE' }
  | { readonly type: 'DISABLE'; readonly error: GreenroomError }
  | {
      readonly type: 'MANIFEST.CHANGED';
      readonly entry: ManifestEntry;
      readonly settings: PluginSettings;
      readonly effect: 'none' | 'reconfigure' | 'replace';
    }
  /** The manifest is gone or the supervisor stops: end. */
  | { readonly type: 'REMOVE'; readonly error: GreenroomError }
  /** From the scheduler. */
  | { readonly type: 'GRANTED'; readonly generation: number; readonly gpus?: readonly string[] | undefined }
  /** The warm worker cannot have its GPU back; a new one would have room. */
  | { readonly type: 'START_COLD'; readonly generation: number }
  | { readonly type: 'REFUSED'; readonly generation: number; readonly error: SchedulerRefusal }
  | { readonly type: 'RELEASE'; readonly generation?: number | undefined }
  | { readonly type: 'YIELD'; readonly generation?: number | undefined }
  /** To itself: it has been idle for as long as it may. */
  | { readonly type: 'IDLE.LIMIT' }
  /** To itself: the replacement that was under way has lost its point. */
  | { readonly type: 'REPLACEMENT.ABANDONED' }
  /** To itself: there is no room for two workers, so the old one must go first. */
  | { readonly type: 'REPLACE.DRAINED' };

/** The events of one generation of the worker. */
export type WithGeneration = Extract<PluginEvent, { generation: number }>;
