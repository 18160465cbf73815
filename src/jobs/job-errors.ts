import { GreenroomError } from '../errors.ts';
import { durationText } from '../text/duration-text.ts';
import { quoted } from '../text/shown.ts';
import type { JobState } from './job.ts';

/** The program ended while the job ran. */
export function interrupted(plugin: string, once: boolean): GreenroomError {
  const next = once
    ? 'It may run only once, and may have done its work: look, then call retry() to run it again.'
    : 'It runs again.';
  return new GreenroomError(
    'E_INTERRUPTED',
    `The program that ran a job of "${plugin}" ended before the job did. ${next}`,
    {
      plugin,
    },
  );
}

/** The program ended so often while the job ran that it is not tried again by itself. */
export function interruptedTooOften(plugin: string, times: number): GreenroomError {
  return new GreenroomError(
    'E_INTERRUPTED',
    `The program that ran a job of "${plugin}" ended before the job did, ${times} times. ` +
      'The job may be the cause: look at its input, then call retry() to run it again.',
    { plugin },
  );
}

/** A job that it comes after did not do its work. */
export function blockerFailed(plugin: string, blocker: string, state: JobState): GreenroomError {
  const what = state === 'cancelled' ? 'was cancelled' : 'failed';
  return new GreenroomError(
    'E_JOB',
    `A job of "${plugin}" was not run: the job ${blocker}, which it comes after, ${what}. Call retry() for both, that one first.`,
    { plugin },
  );
}

/** The job was not begun within its time. */
export function expired(plugin: string, ttlMs: number): GreenroomError {
  return new GreenroomError(
    'E_TIMEOUT',
    `A job of "${plugin}" was not begun within ${durationText(ttlMs)} (ttlMs) and was given up.`,
    { plugin, details: undefined },
  );
}

/** Another program, as a dashboard does, has removed the job from the queue of its plugin. */
export function removedFromQueue(plugin: string): GreenroomError {
  return new GreenroomError(
    'E_CANCELLED',
    `A job of "${plugin}" was removed from its queue in Redis by another program, such as a dashboard. Call retry() to run it after all.`,
    { plugin },
  );
}

/** The key belongs to other work. */
export function otherInput({ plugin, key }: { plugin: string; key: string | undefined }, id: string): GreenroomError {
  return new GreenroomError(
    'E_JOB',
    `The key ${JSON.stringify(key)} is that of the job ${id}, which has another plugin, tool, input or "stream". ` +
      'Nothing was added: use another key, or remove() that job once it has ended.',
    { plugin },
  );
}

/** A job that another is to come after is not there. */
export function unknownBlocker(plugin: string, id: string): GreenroomError {
  return new GreenroomError(
    'E_JOB',
    `A job of "${plugin}" cannot come after ${JSON.stringify(id)}: there is no such job. Nothing was added.`,
    { plugin },
  );
}

/** There is no job of this identifier. */
export function unknownJob(id: unknown): GreenroomError {
  return new GreenroomError(
    'E_JOB',
    `There is no job ${quoted(id)}. It may have been removed from the history; list() shows the jobs there are.`,
  );
}

/** What was asked can be done only with jobs in another state. */
export function wrongState(id: string, state: JobState, what: string, next: string): GreenroomError {
  return new GreenroomError('E_JOB', `The job ${id} is ${state} and cannot be ${what}. ${next}`);
}

const undone = new WeakSet<object>();

/** Notes of the error with which a store refuses something that it has not done for certain. Returns it. */
export function withNothingDone<Refusal extends Error>(error: Refusal): Refusal {
  undone.add(error);
  return error;
}

/** Whether what a store has refused with this error was not done for certain; false: it may have been. */
export function hasDoneNothing(error: unknown): boolean {
  return error instanceof Error && undone.has(error);
}
