import type { Job, JobState } from '../../jobs/job.ts';
import type { StoredError } from '../../jobs/stored-error.ts';
import { durationText } from '../../text/duration-text.ts';
import type { Style } from '../terminal/style.ts';
import { fitText } from '../terminal/text-width.ts';

/** So much of an identifier says in which millisecond the job was added; jobs of one batch may share it. */
const LEAST_ID = 13;

/** How many characters of their identifiers tell these jobs apart. */
export function idLength(jobs: readonly Pick<Job, 'id'>[]): number {
  const ids = jobs.map(({ id }) => id).toSorted();
  return ids.reduce((length, id, at) => Math.max(length, sharedLength(id, ids[at + 1] ?? '') + 1), LEAST_ID);
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** A job's plugin, with the tool where one is named. */
export function calledText({ plugin, tool }: Pick<Job, 'plugin' | 'tool'>, columns = Infinity): string {
  return fitText(tool === undefined ? plugin : `${plugin} (${tool})`, columns);
}

/** A state in its colour, where there are any. */
export function stateText(state: JobState, style: Style): string {
  switch (state) {
    case 'running':
      return style.cyan(state);
    case 'done':
      return style.green(state);
    case 'failed':
      return style.red(state);
    case 'delayed':
    case 'blocked':
      return style.yellow(state);
    case 'waiting':
    case 'cancelled':
      return style.dim(state);
  }
}

/** What there is to say of a job in its state. */
export function detailText(job: Job, now: number): string {
  const { state, progress, waitsFor, dueAt, after, error, startedAt, endedAt } = job;
  switch (state) {
    case 'waiting':
      return waitsFor ?? '';
    case 'delayed':
      return [`in ${durationText((dueAt ?? now) - now)}`, ...(error === undefined ? [] : [errorLine(error)])].join(
        '; ',
      );
    case 'blocked':
      return `after ${after.length === 1 ? 'another job' : `${after.length} other jobs`}`;
    case 'running':
      return progress === undefined ? '' : progressText(progress);
    case 'done':
      return startedAt === undefined || endedAt === undefined ? '' : `took ${durationText(endedAt - startedAt)}`;
    case 'failed':
    case 'cancelled':
      return error === undefined ? '' : errorLine(error);
  }
}

/** How far a job has come: `42% page 3`. */
function progressText({
  progress,
  message,
}: {
  readonly progress: number;
  readonly message?: string | undefined;
}): string {
  const percent = progress < 0 ? [] : [`${Math.floor(Math.min(1, progress) * 100)}%`];
  return [...percent, message ?? ''].join(' ').trim();
}

/** An error in one line. */
export function errorLine({ code, message }: StoredError): string {
  return `${code}: ${message}`;
}
