import { isFinal, type Job } from '../../jobs/job.ts';
import type { JobHandle } from '../../jobs/job-handle.ts';
import { createProgressBar } from '../terminal/progress-bar.ts';
import { detailText } from './job-text.ts';

/** Where a job is shown while it is followed. */
export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Shows a bar on standard error, where that is a terminal. */
  readonly bar: boolean;
  /** Told of each change. */
  readonly onChange?: ((job: Job) => Promise<void>) | undefined;
}

/** Follows a job to its end; resolves to it as it is then. */
export async function followToEnd(job: JobHandle, { signal, bar, onChange }: FollowOptions): Promise<Job> {
  const shown = bar ? createProgressBar(process.stderr) : undefined;
  try {
    for await (const now of job.watch({ signal })) {
      const { state, progress } = now;
      const text = [state === 'running' ? '' : state, detailText(now, Date.now())].filter((part) => part !== '');
      if (isFinal(state)) shown?.end();
      else shown?.update(state === 'running' ? (progress?.progress ?? -1) : -1, progress?.message ?? text.join(': '));
      await onChange?.(now);
      if (isFinal(state)) return now;
    }
  } finally {
    shown?.end();
  }
  return job.read();
}
