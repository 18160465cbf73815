import type { PluginPhase, PluginState } from '../machines/plugin/phases.ts';
import type { Decision } from '../scheduler/decision.ts';
import type { Need, Resources } from '../scheduler/need.ts';
import type { Standing } from '../scheduler/resident.ts';

/** What is reserved for one worker of a plugin. Times are milliseconds since the epoch. */
export interface Holding {
  readonly generation: number;
  readonly standing: Standing;
  /** Whether it was told to go. */
  readonly leaving: boolean;
  readonly holds: Resources;
  /** The UUIDs of the GPUs that its worker may use; `undefined` where Greenroom has not placed it. */
  readonly gpus: readonly string[] | undefined;
  /** What its processes were last measured to use; `undefined` where that is not known. */
  readonly uses: Resources | undefined;
  /** When it was granted. */
  readonly since: number;
  readonly lastUsedAt: number;
  /** Its figure in the eviction order; the lowest goes first. */
  readonly rank: number;
}

/** A call that runs at a worker of the plugin. */
export interface RunningCall {
  readonly generation: number;
  /** The tool; of a request that calls none, its kind or method. */
  readonly tool: string;
  /** Who calls, where that is a client of MCP: the name and version that it gave. */
  readonly client: string | undefined;
}

/** Streams at one worker whose readers ask for nothing, though items wait. */
export interface IdleStreams {
  readonly plugin: string;
  readonly generation: number;
  /** Calls at the worker, these streams among them. */
  readonly calls: number;
  /** How many of them are such streams; those that were read within the last second do not count. */
  readonly streams: number;
  /** Since when the first of their readers has asked for nothing. */
  readonly since: number;
}

/** Whether a plugin that may have several instances gets more of them. */
export interface Growth {
  /** How many there are now that take calls or are being started. */
  readonly instances: number;
  /** The fewest and the most that its manifest allows. */
  readonly min: number;
  readonly max: number;
  /** Whether calls, or `min`, ask for more than there are. */
  readonly wanted: boolean;
  /**
   * `free`: nothing is in the way; `waiting`: one was lost or refused a short while ago; `stopped`: they were given up, can
   * never fit, or a new one did not start, until the plugin is changed, loaded or started anew.
   */
  readonly state: 'free' | 'waiting' | 'stopped';
}

/** Why a plugin is where it is, as plain data. Times are milliseconds since the epoch. */
export interface Explanation {
  readonly plugin: string;
  readonly state: PluginState;
  readonly phase: PluginPhase;
  readonly since: number;
  /** What it last failed with, until it is started anew by hand or changed; `undefined` where it has not failed. */
  readonly lastError: { readonly code: string; readonly message: string } | undefined;
  /** When that was. */
  readonly lastErrorAt: number | undefined;
  /** Why its code as it is on the disk is not run; `undefined` where it is, and where it is not followed (`watchCode`). */
  readonly codeFault: string | undefined;
  readonly policy: string;
  /** What it takes up when it resides. */
  readonly need: Need;
  /** What is free, less what is kept back for others; `Infinity` where nothing limits it. */
  readonly free: Resources;
  /** What it holds now, for each of its workers. */
  readonly holdings: readonly Holding[];
  /** Undefined where its manifest allows one instance only. */
  readonly growth: Growth | undefined;
  /** Set while it waits for an answer. */
  readonly asking: { readonly since: number; readonly deadline: number; readonly priority: number } | undefined;
  /** The last decision about it. */
  readonly decision: Decision | undefined;
  /** The last decision by which it was told to go. */
  readonly eviction: Decision | undefined;
  /** The calls that run; of many the first 100. */
  readonly calls: readonly RunningCall[];
  /** Streams that nobody reads, at its own workers and, while it waits, at those in its way. */
  readonly idleStreams: readonly IdleStreams[];
  /** All of it for people, line by line. */
  readonly lines: readonly string[];
}
