import type { ActorRefFrom, AnyActorRef } from 'xstate';
import type { LeaseGate } from '../../calls/lease-gate.ts';
import type { Residency } from '../../calls/lease-request.ts';
import type { GreenroomError } from '../../errors.ts';
import type { ManifestEntry } from '../../manifest/read.ts';
import type { WorkerExit } from '../../process/worker-process.ts';
import type { Need, Resources } from '../../scheduler/need.ts';
import type { PluginSettings } from '../../settings/plugin-settings.ts';
import { NO_OVERSIZED, type OversizedRow } from '../../supervision/replacement-plan.ts';
import type { Clock } from '../../time/clock.ts';
import type { LaunchRequest, workerMachine } from '../worker.ts';
import type { PluginPhase, PluginState } from './phases.ts';

/** One worker whose process tree is not gone yet. */
export interface HeldWorker {
  readonly generation: number;
  readonly ref: ActorRefFrom<typeof workerMachine>;
  readonly pid: number | undefined;
  /** Set once it is ready. */
  readonly residency: Residency | undefined;
  /** What it still uses while it is warm. */
  readonly kept?: Resources | undefined;
  /** Whether it has shown who it is. */
  readonly connected?: boolean | undefined;
  /** One of several that takes no new calls and ends when it has none: for good, or unless its calls take too long. */
  readonly leaving?: 'retired' | 'yielding' | undefined;
}

/** What the plugin machine needs of the runtime around it. Its methods must not throw. */
export interface PluginHost {
  /** Turns the manifest in force into a program to start, on the GPUs that were granted. */
  plan(context: PluginContext): LaunchRequest;
  /** What the plugin needs while it is resident: what was measured before, else what its manifest says. */
  need(context: PluginContext): Need;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Has every plugin tell the scheduler whether it is in use, as far as it has not yet. */
  tellLeases(): void;
  /** A state was entered, by this event. */
  entered(context: PluginContext, state: PluginState, phase: PluginPhase, event: { readonly type: string }): void;
  /** A replacement of the worker has ended: with a new generation, or with the error for which the old one stays. */
  replaced(context: PluginContext, error: GreenroomError | undefined): void;
  /** One of several instances is lost, and the others go on. */
  lost(context: PluginContext, generation: number, error: GreenroomError): void;
  /** No further instance is started; the others go on. */
  growthStopped(context: PluginContext, error: GreenroomError): void;
  /** The plugin must be given its config anew, because the defaults in its manifest have changed. */
  reconfigure(context: PluginContext): void;
}

/** Why leases are being drained, or why the worker is stopped. */
export type DrainIntent = 'yield' | 'unload' | 'replace' | 'give-up' | 'remove';

/** The last failure of a worker, as the supervisor needs it to decide on a restart. */
export interface WorkerFailure {
  readonly exit: WorkerExit | undefined;
  /** Whether another start can help. */
  readonly retryable: boolean;
  /** Whether the worker had been ready. */
  readonly wasReady: boolean;
}

/**
 * Whether further instances may be started: `waiting` after one was lost or refused, until that may do better; `stopped`
 * once they are given up or a new one did not start, until the plugin is changed, loaded or started anew.
 */
export type Growth = 'free' | 'waiting' | 'stopped';

/** What a plugin actor is made for. */
export interface PluginInput {
  readonly entry: ManifestEntry;
  readonly settings: PluginSettings;
  readonly gate: LeaseGate;
  readonly host: PluginHost;
  readonly scheduler: AnyActorRef;
  readonly supervisor: AnyActorRef;
}

/** What the worker slot remembers: the workers that are held, and which of them does what. */
export interface SlotContext {
  /** The highest generation handed out. */
  readonly generation: number;
  /** The generation that is started, serves or is kept warm. */
  readonly current: number | undefined;
  /** The generation that is to replace the current one. */
  readonly replacement: number | undefined;
  /** The instances beside the current one, oldest first: they serve as it does, or are being started. */
  readonly siblings: readonly number[];
  /** The generation of a further instance that the scheduler was asked about. */
  readonly asked: number | undefined;
  readonly growth: Growth;
  /** Why it is `stopped`, where it is. */
  readonly growthError: GreenroomError | undefined;
  /** How many instances were lost since further ones were last started. */
  readonly losses: number;
  /** How many instances there are to be again: there were so many before some were lost, or left to be replaced. */
  readonly restore: number;
  /** Instances up to this generation are to be replaced, one after the other; 0: none. */
  readonly outdated: number;
  /** Every generation that is held: its process tree is not gone. */
  readonly workers: readonly HeldWorker[];
  /** The UUIDs of the GPUs that were granted last; `undefined`: those that the manifest and the host say. */
  readonly gpus: readonly string[] | undefined;
  /** Why the generation is started. Nothing is evicted for a restart that no call waits for. */
  readonly startedFor: 'calls' | 'restart';
  readonly intent: DrainIntent | undefined;
  /**
   * Whether the current worker is to be replaced once more. It outlives the replacement under way, and a drain that
   * cuts it short.
   */
  readonly replaceAgain: boolean;
  /** Whether the scheduler was told that the plugin cannot leave because a replacement is under way, with no lease out. */
  readonly denied: boolean;
}

/** What a plugin machine remembers. Its booleans are facts that outlive any one state. */
export interface PluginContext extends PluginInput, SlotContext {
  readonly name: string;
  /** Whether it ran out of memory with what it was granted, and is to ask for more. */
  readonly starved: boolean;
  /** How many starts in a row were killed while calls waited for them. */
  readonly killedStarts: number;
  /** The config that was given; `undefined`: the defaults of the schema. */
  readonly config: unknown;
  readonly enabled: boolean;
  /** Whether it is to stay loaded without any call. */
  readonly keepLoaded: boolean;
  /** Whether any generation has ever been ready. */
  readonly everReady: boolean;
  readonly restarts: number;
  readonly lastError: GreenroomError | undefined;
  readonly failure: WorkerFailure;
  /** How long the restart or replacement that was decided waits, in milliseconds. */
  readonly backoffMs: number;
  /** The workers that were over their memory limit soon after they were ready. */
  readonly oversized: OversizedRow;
}

const NO_SIBLINGS: readonly number[] = Object.freeze([]);
const NO_FAILURE: WorkerFailure = { exit: undefined, retryable: true, wasReady: false };

/**
 * What a plugin machine remembers at first. Set field by field: from an object literal of so many fields V8 makes
 * XState's copy, one for every `assign`, a hash table, which costs five times as much; and a literal that begins with a
 * spread takes 40 µs, half of what a new actor costs.
 */
export function contextOf({ entry, settings, gate, host, scheduler, supervisor }: PluginInput): PluginContext {
  const context = {} as { -readonly [Field in keyof PluginContext]: PluginContext[Field] };
  context.entry = entry;
  context.settings = settings;
  context.gate = gate;
  context.host = host;
  context.scheduler = scheduler;
  context.supervisor = supervisor;
  context.name = entry.manifest.name;
  context.generation = 0;
  context.current = undefined;
  context.replacement = undefined;
  context.replaceAgain = false;
  context.siblings = NO_SIBLINGS;
  context.asked = undefined;
  context.growth = 'free';
  context.growthError = undefined;
  context.losses = 0;
  context.restore = 0;
  context.outdated = 0;
  context.workers = [];
  context.gpus = undefined;
  context.startedFor = 'calls';
  context.starved = false;
  context.killedStarts = 0;
  context.denied = false;
  context.config = undefined;
  context.enabled = true;
  context.keepLoaded = false;
  context.intent = undefined;
  context.restarts = 0;
  context.lastError = undefined;
  context.failure = NO_FAILURE;
  context.backoffMs = 0;
  context.oversized = NO_OVERSIZED;
  context.everReady = false;
  return context;
}

/** The worker of a generation, while it is held. */
export const workerOf = (context: PluginContext, generation: number | undefined): HeldWorker | undefined =>
  context.workers.find((worker) => worker.generation === generation);

/** The workers with what has changed of one of them. */
export const changed = (
  { workers }: PluginContext,
  generation: number | undefined,
  change: Partial<HeldWorker>,
): readonly HeldWorker[] =>
  workers.map((worker) => (worker.generation === generation ? { ...worker, ...change } : worker));

/** The connection of the current worker, once it is ready and until it ends. */
export const residencyOf = (context: PluginContext): Residency | undefined =>
  workerOf(context, context.current)?.residency;

/** The generation that memory is asked for: that of the warm worker that is to come back, else a new one. */
export const askedOf = (context: PluginContext): number => residencyOf(context)?.generation ?? context.generation;

/** The workers that are on their way out: neither instances nor the replacement. */
export const oldWorkers = ({ workers, current, replacement, siblings }: PluginContext): readonly HeldWorker[] =>
  workers.filter(
    ({ generation }) => generation !== current && generation !== replacement && !siblings.includes(generation),
  );
