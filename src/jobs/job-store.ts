import type { Progress } from '../calls/call-options.ts';
import type { AttemptEnd, Backoff, Job, JobState, JobWithAttempts } from './job.ts';

/** What is said of a job when it is added, beside what it is to do. */
export interface JobTerms {
  readonly tool: string | undefined;
  readonly priority: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly delayMs: number;
  /** Undefined: no limit. */
  readonly timeoutMs: number | undefined;
  /** How long it may wait for its first attempt. */
  readonly ttlMs: number | undefined;
  readonly key: string | undefined;
  readonly once: boolean;
  /** Whether its result is the list of the chunks that its call streams. */
  readonly stream?: boolean | undefined;
}

/** The program that waits for what the call of a job says while it runs: how far it has come, or the chunks of a stream too. */
export interface Caller {
  readonly node: string;
  readonly wants: 'progress' | 'chunks';
}

/** A job to be stored. */
export interface NewJob extends JobTerms {
  readonly id: string;
  readonly plugin: string;
  /** Undefined: nobody. Only a store that several programs share has such jobs. */
  readonly caller?: Caller | undefined;
  /** The jobs before it, and what its input calls them. Those of the same batch stand before it. */
  readonly after: readonly { readonly id: string; readonly name: string }[];
  /** Packed, see `packValue`. */
  readonly input: Uint8Array;
}

/** A job that was added, or with `isNew` false the one that is there with its key. */
export interface Added {
  readonly id: string;
  readonly isNew: boolean;
}

/** A job in the hands of a runner. Nothing can be said of it any more with an older `claim`. */
export interface Claim {
  readonly id: string;
  readonly claim: number;
}

/** A job that was taken, to be run. */
export interface TakenJob extends Claim {
  readonly plugin: string;
  readonly tool: string | undefined;
  readonly priority: number;
  /** Of this attempt, from 1. */
  readonly attempt: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number | undefined;
  /** Until when it must have begun, in milliseconds since the epoch; undefined: at any time, or it has before. */
  readonly expiresAt: number | undefined;
  readonly once: boolean;
  readonly stream?: boolean | undefined;
  readonly caller?: Caller | undefined;
  readonly input: Uint8Array;
  /** The results of the jobs of its `after`, packed, by what its input calls them. */
  readonly results: ReadonlyMap<string, Uint8Array>;
}

/** How an attempt ended. An error is the text of `errorText`. */
export type AttemptOutcome =
  | { readonly end: 'done'; readonly result: Uint8Array }
  | { readonly end: 'failed'; readonly error: string /** Undefined: for good. */; readonly retryAfterMs?: number }
  | { readonly end: 'cancelled'; readonly error: string };

/** An attempt that has ended. */
export interface EndedAttempt extends Claim {
  readonly outcome: AttemptOutcome;
}

/** An attempt that has reached a worker. */
export interface BegunAttempt extends Claim {
  /** Whether the job may run only once. */
  readonly once: boolean;
  readonly generation: number | undefined;
}

/** Which jobs a list has. */
export interface JobFilter {
  readonly plugin?: string | undefined;
  readonly state?: JobState | undefined;
  /** What their identifiers begin with. */
  readonly prefix?: string | undefined;
}

/** A part of a list, newest first, and how to go on; `next` is undefined at its end. */
export interface JobPage {
  readonly jobs: readonly Job[];
  readonly next: string | undefined;
}

/**
 * Tells that jobs of a plugin may be ready to be taken, that a job has ended, or that what is known of it has changed; and
 * that somebody asks for the end of one that runs, with the error that it is to end with. It may be told too often, and
 * of a store that several programs share it may be lost.
 */
export type Hint =
  | { readonly kind: 'waiting'; readonly plugin: string }
  | { readonly kind: 'ended'; readonly id: string; readonly end: AttemptEnd }
  | { readonly kind: 'changed'; readonly id: string }
  | { readonly kind: 'cancel'; readonly plugin: string; readonly id: string; readonly error: string };

/**
 * Where jobs are kept. Each method takes a batch, and resolves when that is durable: `add`, `settle` and `requestCancel`
 * outlast a loss of power, the others the end of the program. Nothing above it may assume an order beyond priority and
 * age within a plugin.
 */
export interface JobStore {
  /** Adds all or none. Rejects with `E_JOB` for a key that is used with another input, and for an unknown job in `after`. */
  add(jobs: readonly NewJob[]): Promise<readonly Added[]>;
  /** Takes up to `count` waiting jobs of each plugin, those of the highest priority first, then the oldest. */
  take(wanted: readonly { readonly plugin: string; readonly count: number }[]): Promise<readonly TakenJob[]>;
  /** Attempts have reached their workers. Of a job that may run only once, that outlasts a loss of power. */
  begin(begun: readonly BegunAttempt[]): Promise<void>;
  progress(updates: readonly (Claim & { readonly progress: Progress })[]): Promise<void>;
  /** Attempts have ended; says of each whether the job was still in these hands. */
  settle(ended: readonly EndedAttempt[]): Promise<readonly ('ok' | 'lost')[]>;
  /** Jobs that were taken go back to their places; one that has begun and may run only once fails. */
  giveBack(claims: readonly Claim[]): Promise<void>;
  /**
   * Ends jobs that are not in anybody's hands. Says what each job was before; undefined: there is none. One that is
   * `running` goes on, and must be cancelled where it runs; where that is another program, the store tells it.
   */
  requestCancel(ids: readonly string[], error: string): Promise<readonly (JobState | undefined)[]>;
  get(ids: readonly string[]): Promise<readonly (JobWithAttempts | undefined)[]>;
  /** Rejects with `E_OPTIONS` for a cursor that cannot be one of this store. */
  list(filter: JobFilter, limit: number, cursor: string | undefined): Promise<JobPage>;
  /** The packed input and result of a job; undefined where there is none (any more). */
  values(id: string): Promise<{ readonly input: Uint8Array; readonly result: Uint8Array | undefined } | undefined>;
  /** Has jobs that have ended run again. Says what each was; undefined: there is none. Only those that had ended are changed. */
  retry(ids: readonly string[]): Promise<readonly (JobState | undefined)[]>;
  /** Removes jobs that have ended. Says what each was, as `retry` does. */
  remove(ids: readonly string[]): Promise<readonly (JobState | undefined)[]>;
  /** Gives a job that has not ended another priority, and with `first` the first place in it. */
  place(id: string, priority: number | undefined, first: boolean): Promise<JobState | undefined>;
  /** Jobs of these plugins, or with no names of all, are not taken until `resume`. */
  pause(plugins: readonly string[]): Promise<void>;
  resume(plugins: readonly string[]): Promise<void>;
  /** The plugins that are paused, `*` for all. */
  paused(): Promise<readonly string[]>;
  /** How many jobs there are in each state, by plugin. */
  counts(): Promise<readonly { readonly plugin: string; readonly state: JobState; readonly count: number }[]>;
  onHint(listener: (hint: Hint) => void): () => void;
  /** Ends. Resolves when nothing of it is left in this process. */
  close(): Promise<void>;
}
