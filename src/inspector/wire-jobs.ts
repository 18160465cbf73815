// What the inspector's server and its page say to each other of jobs: types only, as in wire.ts.

import type { AttemptEnd, JobState } from '../jobs/job.ts';
import type { Json } from './wire.ts';

export type { AttemptEnd, JobState };

/**
 * What `GET /api/jobs` answers with, newest first. It takes of the query: `plugin`, `state`, `prefix`, which the identifiers
 * begin with, `limit`, at most 1,000, and `cursor`, the `next` of the page before. Refused in words where no
 * jobs are open.
 */
export interface JobRows {
  readonly jobs: readonly JobRow[];
  /** Absent at the end. */
  readonly next?: string | undefined;
}

/** A job as lists have it. Its texts are redacted, and of long ones the beginning. */
export interface JobRow {
  readonly id: string;
  readonly plugin: string;
  /** Absent for `execute`. */
  readonly tool?: string | undefined;
  readonly state: JobState;
  readonly addedAt: number;
  /** Of a delayed one. */
  readonly dueAt?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  /** How many attempts it has had, and how many it may have. */
  readonly attempt: number;
  readonly attempts: number;
  /** How many jobs it comes after. */
  readonly blockers: number;
  /** From 0 to 1, as it last said, negative where it does not know; and what it said with that. */
  readonly progress?: number | undefined;
  readonly message?: string | undefined;
  /** Why its last attempt failed. */
  readonly error?: JobFailure | undefined;
}

/** Why an attempt failed. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** The class of the plugin's own error. */
  readonly type?: string | undefined;
}

/** What `GET /api/jobs/ID` answers with: one job. Refused in words where there is none. */
export interface JobDetails extends JobRow {
  readonly priority: number;
  readonly key?: string | undefined;
  readonly once: boolean;
  readonly interruptions: number;
  /** The jobs that it comes after, as they stand; without plugin and state where one was removed. Of very many the first 100. */
  readonly after: readonly {
    readonly id: string;
    readonly plugin?: string | undefined;
    readonly state?: JobState | undefined;
  }[];
  /** Its attempts, the oldest first; of very many the last. */
  readonly history: readonly JobAttempt[];
  /** Where the last attempt failed in the plugin's code: the traceback or stack. */
  readonly stack?: string | undefined;
  /** What it was given and what came of it, each of at most 4,096 characters. Absent where inputs and outputs are not kept. */
  readonly input?: Json | undefined;
  readonly result?: Json | undefined;
  /** Whether inputs and outputs are shown. */
  readonly payloads: boolean;
}

/** One attempt. */
export interface JobAttempt {
  readonly number: number;
  readonly startedAt: number;
  /** Absent while it runs. */
  readonly endedAt?: number | undefined;
  readonly end?: AttemptEnd | undefined;
  readonly generation?: number | undefined;
  readonly error?: JobFailure | undefined;
}

/**
 * One line of `GET /api/jobs/live`, `application/x-ndjson`: the first at once, then one whenever something has changed, at
 * most every 250 ms. With `plugin` in the query it is about the jobs of that plugin.
 */
export type JobNews =
  | {
      readonly isOpen: false;
      /** Why jobs could not be opened. */
      readonly refusal?: string | undefined;
    }
  | {
      readonly isOpen: true;
      /** Whether this is the first line about these jobs: all plugins follow, and nothing that was known before holds. */
      readonly isFirst: boolean;
      /** Whether none are taken of any plugin. */
      readonly isPaused: boolean;
      /** How many other stores of jobs are open, which are not shown. */
      readonly others: number;
      /** The plugins with jobs of which something has changed. */
      readonly plugins: readonly JobsOfPlugin[];
      /** The jobs that have changed, and those that were removed. */
      readonly jobs: readonly JobRow[];
      readonly gone: readonly string[];
      /** Whether so many have changed that they are not told of: all must be asked for again. */
      readonly isCut: boolean;
    };

/** The jobs of a plugin. */
export interface JobsOfPlugin {
  readonly plugin: string;
  /** How many there are; no state where there are none any more. */
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
  readonly isPaused: boolean;
  /** Why those that wait do, beyond that others are before them. */
  readonly waitsFor?: string | undefined;
}

/** What may be asked of one job: `first` makes one that waits the next of its plugin. */
export type JobAction = 'cancel' | 'retry' | 'remove' | 'first';

/** What may be asked of the jobs of a plugin, or of all. */
export type QueueAction = 'pause' | 'resume';

/** The body of `POST /api/jobs`, as `application/json`. */
export type JobRequest =
  | { readonly action: 'cancel'; readonly job: string }
  | { readonly action: Exclude<JobAction, 'cancel'>; readonly job: string }
  /** Without a plugin: of all. */
  | { readonly action: QueueAction; readonly plugin?: string | undefined };

/** Its answer, once it is done: 200, or with a message the status that the fault has. */
export type JobAnswer =
  /** Of `cancel`: the state in which the job has ended, which it may have before. */
  { readonly ok: true; readonly state?: JobState | undefined } | { readonly ok: false; readonly message: string };
