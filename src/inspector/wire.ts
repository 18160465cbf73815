/**
 * Longer than others because the records of a session are one vocabulary; `wire-calls.ts`, `wire-jobs.ts` and `wire-logs.ts`
 * have what is asked for beside them.
 *
 * What the inspector's server and its page say to each other: types only, so that the page takes no code of the server
 * with them. What the runtime has a type for is derived from it. Times are milliseconds since the epoch. Everything is
 * plain JSON and is redacted where it is recorded; JSON says null for an amount without a limit.
 *
 * `GET /api/stream` answers with server-sent events, each with the highest `seq` it brings as its `id`:
 * `sync` ({@link Sync}) first, then `batch` ({@link Batch}) every 50 ms or 256 KB; after a gap `drop` ({@link Drop}) and
 * another `sync`. A reader that comes back says with `Last-Event-ID` what it has, and gets no `sync` if nothing is lost.
 */

import type { CallPart } from '../calls/plugin-loads.ts';
import type { CodeNews } from '../code/code-news.ts';
import type { PluginState } from '../machines/plugin.ts';
import type { InstanceSnapshot as InstanceSnapshotOfRuntime } from '../runtime/instance-snapshot.ts';
import type { PluginSnapshot as PluginSnapshotOfRuntime } from '../runtime/plugin-snapshot.ts';
import type { SupervisorStatus } from '../runtime/supervisor-status.ts';
import type { Decision } from '../scheduler/decision.ts';
import type { JobAction, QueueAction } from './wire-jobs.ts';

export type { CallPart, PluginState, SupervisorStatus };

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** The same after JSON, which leaves out what is undefined. */
type AsJson<T> = Omit<T, UndefinedIn<T>> & Partial<Pick<T, UndefinedIn<T>>>;
type UndefinedIn<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T];

/** The machines of which there are charts. */
export type MachineName = 'supervisor' | 'scheduler' | 'plugin' | 'worker';

/**
 * One actor: `supervisor`, `scheduler`, `plugin:NAME`, or `worker:NAME#GENERATION`. What is inside no actor of ours is
 * named as XState does.
 */
export type ActorId = string;

/* ---- The charts ---- */

/** A machine as it is drawn. */
export interface ChartDefinition {
  readonly id: string;
  readonly root: ChartState;
}

/** A state of a machine. */
export interface ChartState {
  /** Unique in its machine, for example `ready` or `plugin.alive.lifecycle.busy`. Transitions name their targets by it. */
  readonly id: string;
  /** Its name in its parent. */
  readonly key: string;
  /** The keys from the root down, with dots, without the root's; `''` for the root. Actors' `active` states are paths. */
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** The id of the substate it starts in. */
  readonly initial?: string | undefined;
  /** The names of what it does when it is entered, and left. */
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** The actors that live as long as the state. */
  readonly invokes: readonly ChartInvoke[];
  readonly transitions: readonly ChartTransition[];
  /** Its substates; the regions of a parallel one. */
  readonly states: readonly ChartState[];
}

/** An actor that lives as long as a state. */
export interface ChartInvoke {
  readonly id: string;
  /** The name of its logic. */
  readonly source: string;
}

/** A way out of a state, or something done in it. */
export interface ChartTransition {
  /** `event`: by an event; `always`: at once when the guard holds; `after`: by time; `done`, `error`: of an invoke or the state itself. */
  readonly kind: 'event' | 'always' | 'after' | 'done' | 'error';
  /** The event's type; for `done` and `error` the id of the invoke or the state; for `always` and `after` `''`. */
  readonly event: string;
  /** For `after`: milliseconds, or the name of the delay. */
  readonly delay?: number | string | undefined;
  /** The ids of the states that are entered; empty where the state stays. */
  readonly targets: readonly string[];
  /** The name of the condition, for example `wanted` or `and(wanted, warm)`. */
  readonly guard?: string | undefined;
  /** The names of what is done on the way. */
  readonly actions: readonly string[];
  /** Whether the state is left and entered again though it stays active. */
  readonly reenter: boolean;
}

/* ---- The state at one moment ---- */

/** Everything at one moment: what a page starts from. The first line of an exported session has it without `records`. */
export interface Sync {
  /** The `seq` of the last record that is in it. */
  readonly seq: number;
  /**
   * After this `seq` no record of what actors are at is missing. Before it, those of quick calls may be, which are
   * forgotten first. Absent in sessions of earlier versions.
   */
  readonly complete?: number | undefined;
  readonly at: number;
  /** Whether `POST /api/control` is open. */
  readonly control: boolean;
  readonly supervisor: SupervisorStatus;
  readonly machines: Readonly<Record<MachineName, ChartDefinition>>;
  readonly plugins: readonly PluginSnapshot[];
  /** The actors there are, plugins among them. */
  readonly actors: readonly ActorSnapshot[];
  /** The milestones that are remembered, the oldest first. `event` records are not among them. */
  readonly records: readonly MilestoneRecord[];
}

/** One plugin at one moment. What may change is in its actor's context too, where records tell of the changes. */
export interface PluginSnapshot extends Omit<AsJson<PluginSnapshotOfRuntime>, 'instances'> {
  /**
   * Each of its workers, oldest first, where `instance` records tell of them: absent of a plugin that may have one only,
   * and in sessions of earlier versions.
   */
  readonly instances?: readonly AsJson<InstanceSnapshotOfRuntime>[] | undefined;
  /** What its workers' process trees took when they were last measured, in MiB; absent before that and without a worker. */
  readonly memoryMb?: number | undefined;
  /** The most memory, in MiB, that its manifest allows; absent where it does not say. */
  readonly budgetMb?: number | undefined;
  /** The config it was given, redacted; absent: the defaults of its schema. */
  readonly config?: Json | undefined;
}

/** One actor at one moment. */
export interface ActorSnapshot {
  readonly id: ActorId;
  readonly machine: MachineName;
  /** `supervisor`, `scheduler`, or the plugin's name. */
  readonly name: string;
  /** The paths of the states it is in, one for each parallel region: {@link ChartState.path}. */
  readonly active: readonly string[];
  /**
   * What its machine remembers, redacted. A plugin's has `pid`, `inFlight`, `waiting`, `generation`, `restarts`, `enabled`,
   * `loaded`, `lastError`, `lastExit`, `workers`, `replacement` and more; that of one of several instances has `pid`,
   * `inFlight` and `memoryMb`; the supervisor's has `alerts`: {@link Alert}.
   */
  readonly context: JsonObject;
}

/* ---- What is wrong ---- */

/**
 * What may be wrong, the worst first: a plugin that is given up, whose worker hung or crashed, that was refused its
 * memory, that waits or whose calls wait for longer than half of `maxWaitMs`, whose calls are slow; a manifest that
 * cannot be used.
 */
export type AlertKind = 'given-up' | 'hung' | 'crashed' | 'refused' | 'waiting' | 'slow' | 'manifest';

/** Something that is wrong. The supervisor's context lists them as `alerts`, and says as `moreAlerts` how many others there are. */
export interface Alert {
  readonly kind: AlertKind;
  /** Whom it is about: a plugin, or the supervisor for a manifest. */
  readonly actor: ActorId;
  /** Since when. */
  readonly at: number;
  /** The record that tells of it; absent where no single record does. */
  readonly seq?: number | undefined;
  /** The call that is slow. */
  readonly call?: string | undefined;
  /** What is wrong, in words. */
  readonly text: string;
}

/* ---- The records ---- */

/** What every record has. */
interface RecordBase {
  /** Rises by one with every record, from 1. */
  readonly seq: number;
  readonly at: number;
  /** Whom it is about. */
  readonly actor: ActorId;
  /** Set where there is more of it than is here: `GET /api/payload/SEQ` gives it, as JSON of this many characters. */
  readonly payloadSize?: number | undefined;
}

/**
 * What has changed in an actor's context, by its key: from `before` (absent: there was none) to `after` (absent: there is
 * none). Both are there so that a page can walk back from the present as well as on from the past.
 */
export type ContextChange = Readonly<
  Record<string, { readonly before?: Json | undefined; readonly after?: Json | undefined }>
>;

/** An actor went from one state to another. */
export interface TransitionRecord extends RecordBase {
  readonly kind: 'transition';
  /** For people: a plugin's `state.phase` (`busy.serving`; `ready` alone), others' path. */
  readonly from: string;
  readonly to: string;
  /** The states it is in now: {@link ActorSnapshot.active}. */
  readonly active: readonly string[];
  /** The type of the event that led there; `''` for supervisor and scheduler, where their `event` records tell. */
  readonly event: string;
  /** Why, where there is more to say than the event's type. */
  readonly reason?: string | undefined;
  /** What changed with it; steps that follow one another at once are told of with the last. */
  readonly context?: ContextChange | undefined;
}

/** An actor's context has changed without a transition. */
export interface ContextRecord extends RecordBase {
  readonly kind: 'context';
  readonly context: ContextChange;
}

/**
 * One worker of a plugin that may have several went from one state, or phase of a state, to another. Its actor is the
 * plugin.
 */
export interface InstanceRecord extends RecordBase {
  readonly kind: 'instance';
  readonly generation: number;
  /** `discovered` where it is new. */
  readonly from: PluginState;
  /** As {@link TransitionRecord.to} of a plugin: `discovered.stopping` while it ends, `discovered.idle` when it is gone. */
  readonly to: string;
  /** Why it was lost. */
  readonly reason?: string | undefined;
}

/**
 * A plugin's worker has died, hung or not started. Follows the transition to `crashed`, or the `instance` record of one
 * that was lost while others serve.
 */
export interface CrashRecord extends RecordBase {
  readonly kind: 'crash';
  readonly error: { readonly code: string; readonly message: string };
  /** How the process ended; absent where it has not (it hung) or never was. */
  readonly exit?:
    | {
        readonly code: number | null;
        readonly signal: string | null;
        readonly outOfMemory: boolean;
      }
    | undefined;
  /** The last lines of its output. */
  readonly output: string;
  readonly generation: number;
  readonly restarts: number;
}

/** The scheduler has decided who gets memory. It is about the plugin that asked; its `at` is when it was recorded. */
export interface DecisionRecord extends RecordBase, Omit<AsJson<Decision>, 'plugin' | 'at'> {
  readonly kind: 'decision';
}

/**
 * A call of a plugin has begun or ended, or has run for so long that it is slow. Under load not every call is told of; of
 * one that failed or was slow the end is, which may come without a start. What it was given and what came of it is apart,
 * see `payloadSize`: {@link CallPayload}.
 */
export interface CallRecord extends RecordBase {
  readonly kind: 'call';
  /** Tells calls apart. */
  readonly call: string;
  /** The tool that is called, where it is another than `execute`. */
  readonly tool?: string | undefined;
  /** Who calls, where that is a client of MCP; at the end only where the start was not told. */
  readonly client?: string | undefined;
  /** `slow`: it still runs, and is slow already. */
  readonly edge: 'start' | 'slow' | 'end';
  /** At its end. `ok`, or the code of the error. */
  readonly outcome?: string | undefined;
  /** At its end, where it failed: what the error says, without secrets. */
  readonly message?: string | undefined;
  /** At its end: the class of the plugin's own error. */
  readonly errorType?: string | undefined;
  /** At its end, and where it is slow: how long it took, the wait included, in milliseconds. */
  readonly tookMs?: number | undefined;
  /** Of that: waiting for a worker or for memory, for the worker's start, and running. Absent where it is nothing. */
  readonly queueMs?: number | undefined;
  readonly loadMs?: number | undefined;
  readonly runMs?: number | undefined;
  /** Which worker ran it. */
  readonly generation?: number | undefined;
  /** At its end: whether it ran for longer than a second and ten times what half of the calls of its tool run at most. */
  readonly slow?: boolean | undefined;
  /** Where it is slow: how long half of the calls of its tool run at most, in milliseconds; absent before the first of them. */
  readonly usualMs?: number | undefined;
  /** In session files: what `payloadSize` tells of. */
  readonly payload?: CallPayload | undefined;
  /** How many calls of any plugin have ended since the `call` record before this one and were not told of. */
  readonly skipped?: number | undefined;
}

/** What a call was given and what came of it, redacted, each of at most 4,096 characters. */
export interface CallPayload {
  /** Absent where inputs and outputs are not kept, and of a request. */
  readonly input?: Json | undefined;
  /** The result; of a stream its first chunks. Absent where it failed, too. */
  readonly output?: Json | undefined;
  /** How many chunks came of a stream. */
  readonly chunks?: number | undefined;
  /** Where it failed in the plugin's code: the traceback or stack. */
  readonly stack?: string | undefined;
}

/** What the process trees of a plugin's workers take. Measured only while somebody looks. */
export interface MemoryRecord extends RecordBase {
  readonly kind: 'memory';
  readonly memoryMb: number;
}

/** A fault that is not a crash: a manifest that cannot be used, or something that the scheduler has noticed. */
export interface ProblemRecord extends RecordBase {
  readonly kind: 'problem';
  /** In words. */
  readonly message: string;
  /** For a manifest: the file, and the field where one is to blame. */
  readonly file?: string | undefined;
  readonly field?: string | undefined;
}

/** The code of a plugin has changed, or what has come of that. Only where code is followed. */
export interface CodeRecord extends RecordBase {
  readonly kind: 'code';
  readonly outcome: CodeNews['outcome'];
  readonly files: readonly string[];
  /** What is wrong, where something is. */
  readonly message?: string | undefined;
  /** From the first change until a new worker served, in milliseconds. */
  readonly tookMs?: number | undefined;
}

/** Somebody did something through the inspector. */
export interface ControlRecord extends RecordBase {
  readonly kind: 'control';
  /** `call`: the plugin was called from the page. `retry job` and the like: about the supervisor where the plugin is unknown. */
  readonly action: ControlAction | 'call' | `${JobAction} job` | `${QueueAction} jobs`;
  readonly origin: 'inspector';
  /** `asked` at once; then `done`, or `failed` with `message`. */
  readonly outcome: 'asked' | 'done' | 'failed';
  readonly message?: string | undefined;
}

/** A plugin has come, or its actor has ended. */
export interface PresenceRecord extends RecordBase {
  readonly kind: 'presence';
  /** The plugin; absent where it is gone. */
  readonly plugin?: PluginSnapshot | undefined;
  /** The actor; absent where it is gone. */
  readonly snapshot?: ActorSnapshot | undefined;
}

/** An actor was sent an event. Recorded only while somebody looks or a session is recorded. */
export interface EventRecord extends RecordBase {
  readonly kind: 'event';
  /** Who sent it, where that is known. */
  readonly source?: ActorId | undefined;
  readonly event: string;
  /** What else it says; absent where it says nothing, or where `payloadSize` tells that it is long. */
  readonly payload?: JsonObject | undefined;
}

/** What is remembered whether somebody looks or not. */
export type MilestoneRecord =
  | TransitionRecord
  | ContextRecord
  | InstanceRecord
  | CrashRecord
  | DecisionRecord
  | CallRecord
  | MemoryRecord
  | ProblemRecord
  | CodeRecord
  | ControlRecord
  | PresenceRecord;

/** Anything that happened. */
export type InspectorRecord = MilestoneRecord | EventRecord;

/** The data of a `batch`: records with rising `seq`. */
export type Batch = readonly InspectorRecord[];

/** The data of a `drop`: the records from `from` to `to` will not come; a `sync` follows. */
export interface Drop {
  readonly from: number;
  readonly to: number;
}

/**
 * The first line of `GET /api/export` and of a recorded session; every other line is an {@link InspectorRecord}. Where a
 * recording could not keep up, another such line stands, and the records between the two are missing.
 */
export interface SessionHeader extends Omit<Sync, 'records'> {
  readonly format: 'greenroom-session';
  readonly version: 1;
  /** The figures of all calls up to then. Absent in sessions of earlier versions. */
  readonly calls?: readonly CallFigures[] | undefined;
}

/** The figures of all calls of a plugin or of one of its tools, since the inspector was opened. */
export interface CallFigures {
  readonly plugin: string;
  /** Absent where they are of the whole plugin. */
  readonly tool?: string | undefined;
  /** How many have ended, and how many of them failed, and were slow. */
  readonly ended: number;
  readonly failed: number;
  readonly slow: number;
  /** How many of those that ended were not told of. */
  readonly leftOut: number;
  /** How many of those failed or were slow. */
  readonly notableLeftOut: number;
  /** What half of the calls that went well took at most, and 95 %, in milliseconds, to within 25 %; absent where none did. */
  readonly p50Ms?: number | undefined;
  readonly p95Ms?: number | undefined;
}

/* ---- Rates ---- */

/** What of a plugin is measured over time: MiB, percent of one processor, calls that ended, and those that failed. */
export type RateName = 'memoryMb' | 'cpuPercent' | 'calls' | 'errors';

/** The figures of a plugin, each for the time up to one of {@link Rates.at}; null where it was not measured. */
export type RateSeries = Readonly<Record<RateName, readonly (number | null)[]>>;

/** The answer of `GET /api/rates?since=AT&plugin=NAME&plugin=…`: what was measured after a time, of these plugins and of all together, and what these are doing. */
export interface Rates {
  /** When it was measured, the earliest first. */
  readonly at: readonly number[];
  /** By the plugin's name; those of which nothing was measured are missing. */
  readonly plugins: Readonly<Record<string, RateSeries>>;
  readonly total: RateSeries;
  /**
   * By the plugin's name, in words: of its call that has run for longest the tool, how far that is (in percent, or how many
   * chunks have come of a stream), `+2` where two more run, and what it last said. Of a plugin that runs no call: missing.
   */
  readonly busy: Readonly<Record<string, string>>;
  /** The memory of each GPU as it was last measured. */
  readonly gpus: readonly {
    readonly index: number;
    readonly name: string;
    readonly totalMb: number | null;
    readonly usedMb: number | null;
  }[];
}

/* ---- Control ---- */

/**
 * What may be asked of a plugin: `load` starts its worker; `release` has it give up its resources; `restart` puts a new
 * worker in the place of the one there is; `cancel` ends the calls that run and wait; `reset` clears a failure and loads.
 */
export type ControlAction = 'load' | 'release' | 'restart' | 'cancel' | 'reset';

/** The body of `POST /api/control`, as `application/json`. */
export interface ControlRequest {
  readonly action: ControlAction;
  /** The plugin's name. */
  readonly plugin: string;
  /** For `cancel`: the only call that is meant. */
  readonly call?: string | undefined;
}

/** Its answer: 202 and `{ ok: true }` once it is asked for, `control` records tell how it went; else `{ ok: false, message }`. */
export type ControlAnswer = { readonly ok: true } | { readonly ok: false; readonly message: string };
