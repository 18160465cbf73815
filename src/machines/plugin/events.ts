import type { AnyActorRef } from 'xstate';
import type { GateEvent } from '../../calls/gate-event.ts';
import type { GreenroomError } from '../../errors.ts';
import type { ManifestEntry } from '../../manifest/read.ts';
import type { WorkerExit } from '../../process/worker-process.ts';
import type { SchedulerRefusal } from '../../scheduler/decision.ts';
import type { PluginSettings } from '../../settings/plugin-settings.ts';
import type { WorkerEvent } from '../worker.ts';

/** What the supervisor decides about a crashed worker; `generation` is that of the report. */
export type RestartVerdict = { readonly generation?: number | undefined } & (
  | { readonly type: 'RESTART'; readonly delayMs: number }
  /** A normal exit that asks for no restart. */
  | { readonly type: 'STOPPED' }
  | { readonly type: 'GIVE_UP'; readonly error: GreenroomError }
);

/** What a plugin tells the supervisor. */
export type PluginReport =
  | {
      readonly type: 'PLUGIN.CRASHED';
      readonly plugin: string;
      readonly ref: AnyActorRef;
      /** Of which instance; `undefined`: of the last one. */
      readonly generation: number | undefined;
      readonly at: number;
      readonly error: GreenroomError;
      readonly exit: WorkerExit | undefined;
      readonly retryable: boolean;
      /** Whether the worker had been ready. */
      readonly wasReady: boolean;
      readonly settings: PluginSettings;
    }
  /** Its worker has been ready, with calls or without, for the stable period: its earlier crashes no longer count. */
  | { readonly type: 'PLUGIN.STABLE'; readonly plugin: string }
  /** The user loaded or unloaded it: its earlier crashes no longer count. */
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
  /** Run a new worker in place of each that there is, or of the `current` one alone. */
  | { readonly type: 'REPLACE'; readonly only?: 'current' | undefined }
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
  /** The warm worker cannot have its GPU back; a new worker would fit. */
  | { readonly type: 'START_COLD'; readonly generation: number }
  | { readonly type: 'REFUSED'; readonly generation: number; readonly error: SchedulerRefusal }
  | { readonly type: 'RELEASE'; readonly generation?: number | undefined; readonly further?: boolean | undefined }
  | { readonly type: 'YIELD'; readonly generation?: number | undefined; readonly further?: boolean | undefined }
  /** To itself: it has been idle for as long as it may. */
  | { readonly type: 'IDLE.LIMIT' }
  /** One of several instances did not take the config that the others have: it is to be replaced. */
  | { readonly type: 'INSTANCE.UNFIT'; readonly generation: number }
  /** To itself: a part of the time that the demand for instances is looked back on has passed. */
  | { readonly type: 'DEMAND.LOOK' }
  /** To itself: further instances may be started again. */
  | { readonly type: 'GROWTH.AGAIN' }
  /** To itself: the bounds of the number of instances have changed. */
  | { readonly type: 'BOUNDS.CHANGED' }
  /** To itself: an instance is lost, and others serve. */
  | { readonly type: 'INSTANCE.LOST' }
  /** To itself: the calls of an instance that takes no more have had their time. */
  | { readonly type: 'RETIRED.LATE'; readonly generation: number }
  /** To itself: the replacement under way is no longer needed. */
  | { readonly type: 'REPLACEMENT.ABANDONED' }
  /** To itself: there is not enough capacity for two workers, so the old one must end first. */
  | { readonly type: 'REPLACE.DRAINED' };

/** The events of one generation of the worker. */
export type WithGeneration = Extract<PluginEvent, { generation: number }>;
