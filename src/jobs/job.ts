import type { Progress } from '../calls/call-options.ts';
import type { StoredError } from './stored-error.ts';

/**
 * Where a job is: `waiting` for its turn, `delayed` until its time, `blocked` on other jobs, `running`, or at its end:
 * `done`, `failed` or `cancelled`.
 */
export type JobState = 'waiting' | 'delayed' | 'blocked' | 'running' | FinalState;

/** The states that a job leaves only by `retry`. */
export type FinalState = 'done' | 'failed' | 'cancelled';

/** All states, in the order in which a job may pass them. */
export const JOB_STATES: readonly JobState[] = [
  'waiting',
  'delayed',
  'blocked',
  'running',
  'done',
  'failed',
  'cancelled',
];

/** Whether a job in this state has ended. */
export function isFinal(state: JobState): state is FinalState {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** How long a failed attempt is waited after: `delayMs`, then each time `factor` as long, at most `maxMs`. */
export interface Backoff {
  readonly delayMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** A job at one moment, as plain data. Times are milliseconds since the epoch. */
export interface Job {
  /** A UUID of version 7, which begins with the time at which the job was added. */
  readonly id: string;
  readonly plugin: string;
  /** The tool that is called; undefined: the plugin's `execute`. */
  readonly tool: string | undefined;
  readonly state: JobState;
  /** Higher goes first among the waiting jobs of a plugin. */
  readonly priority: number;
  readonly key: string | undefined;
  /** The jobs that must be done before it. */
  readonly after: readonly string[];
  readonly once: boolean;
  /** Whether its result is the list of the chunks that its call streams. */
  readonly stream: boolean;
  readonly addedAt: number;
  /** When a delayed job is due. */
  readonly dueAt: number | undefined;
  /** When its last attempt began. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** How many attempts it has had, and how many it may have. */
  readonly attempt: number;
  readonly attempts: number;
  /** How often its program ended while it ran. */
  readonly interruptions: number;
  readonly progress: Progress | undefined;
  /** Why its last attempt failed. */
  readonly error: StoredError | undefined;
  /** Why it is not running although it waits, where there is more to say than that others are before it. */
  readonly waitsFor?: string | undefined;
}

/** How an attempt ended: `interrupted` where the program ended first. */
export type AttemptEnd = FinalState | 'interrupted';

/** One attempt at a job. Times are milliseconds since the epoch. */
export interface Attempt {
  readonly number: number;
  readonly startedAt: number;
  /** Undefined while it runs. */
  readonly endedAt: number | undefined;
  readonly end: AttemptEnd | undefined;
  readonly error: StoredError | undefined;
  /** Which of the plugin's workers ran it, as in the plugin's snapshot. */
  readonly generation: number | undefined;
}

/** A job with its attempts, oldest first; of very many the last 20. */
export interface JobWithAttempts extends Job {
  readonly history: readonly Attempt[];
}
