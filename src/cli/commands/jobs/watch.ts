import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { atJobs } from '../../jobs/at-jobs.ts';
import { findJob } from '../../jobs/find-job.ts';
import { watchAll } from '../../jobs/watch-all.ts';
import { watchOne } from '../../jobs/watch-one.ts';

/** `greenroom jobs watch`: follows a job, or all that have not ended. */
export const command = defineCommand({
  usage: 'jobs watch [ID]',
  about:
    'Follows a job to its end, also over a restart of the daemon: on a terminal as a bar, else a line for each change. Without\nID it follows all jobs that have not ended, until all have. Ctrl-C ends the watching alone.',
  options: DATA_DIR_OPTIONS,
  operands: [0, 1],
  examples: [
    ['greenroom jobs watch 019ae2c4-1f3b', 'the status says how the job ended'],
    ['greenroom jobs watch && notify-send done', 'once nothing is left to do'],
  ],
  statuses: [0, 1, 2, 4, 5, 6, 7, 8, 130],
  run: ({ values, operands: [given], terminal }) =>
    atJobs(values, terminal, async ({ daemon: { jobs }, signal }) => {
      const ended = AbortSignal.any([signal, terminal.left]);
      try {
        if (given === undefined) return await watchAll(jobs, terminal, ended);
        return await watchOne(await jobs.get(await findJob(jobs, given)), terminal, ended);
      } catch (error) {
        // Nobody reads any more: that is an end like any other.
        if (!terminal.left.aborted || signal.aborted) throw error;
        return 0;
      }
    }),
});
