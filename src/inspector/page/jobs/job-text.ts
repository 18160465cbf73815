import type { JobRow, JobState } from '../../wire-jobs.ts';
import { countText, durationText, timeText } from '../store/format.ts';

/** The sign of each state, and the state of plugins whose colour it has. */
export const JOB_MARKS: Readonly<Record<JobState, { readonly sign: string; readonly color: string }>> = {
  running: { sign: '▸', color: 'busy' },
  waiting: { sign: '○', color: 'discovered' },
  delayed: { sign: '◔', color: 'spawning' },
  blocked: { sign: '◇', color: 'released' },
  failed: { sign: '✕', color: 'crashed' },
  cancelled: { sign: '–', color: 'discovered' },
  done: { sign: '✓', color: 'ready' },
};

/** The states as they are listed: those of jobs that have not ended first. */
export const JOB_STATES = Object.keys(JOB_MARKS) as readonly JobState[];

/** Whether a job in this state has ended. */
export const hasEnded = (state: JobState): boolean => state === 'done' || state === 'failed' || state === 'cancelled';

/** So much of an identifier is listed: it says in which millisecond the job was added. */
export const shortId = (id: string): string => id.slice(0, 13);

/** A time with its day where that is another than today, to the second. */
export function dayTimeText(at: number, now = Date.now()): string {
  const [date, today] = [new Date(at), new Date(now)];
  const clock = timeText(at).slice(0, 8);
  if (date.toDateString() === today.toDateString()) return clock;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

/** How far a job has come: "42 % · page 3"; '' where it has said nothing. */
export function progressText({ progress, message }: Pick<JobRow, 'progress' | 'message'>): string {
  const percent = progress !== undefined && progress >= 0 && `${Math.round(Math.min(1, progress) * 100)} %`;
  return [percent, message].filter(Boolean).join(' · ');
}

/**
 * What there is to say of a job in its state.
 *
 * @param waitsFor why jobs of its plugin wait, beyond that others are before them
 */
export function noteText(job: JobRow, waitsFor: string | undefined, now = Date.now()): string {
  const { state, error, dueAt, blockers, startedAt, endedAt, attempt, attempts } = job;
  const why = error && `${error.code}: ${error.message}`;
  switch (state) {
    case 'waiting':
      return waitsFor ?? '';
    case 'delayed':
      return [
        dueAt !== undefined && `due ${dayTimeText(dueAt, now)}`,
        attempt > 0 && `attempt ${attempt} of ${attempts}`,
        why,
      ]
        .filter(Boolean)
        .join(' · ');
    case 'blocked':
      return `after ${countText(blockers, 'job')}`;
    case 'running':
      return progressText(job);
    case 'done':
      return startedAt === undefined || endedAt === undefined ? '' : `took ${durationText(endedAt - startedAt)}`;
    case 'failed':
    case 'cancelled':
      return why ?? '';
  }
}
