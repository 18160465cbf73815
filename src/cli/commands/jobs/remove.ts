import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { actOnJobs } from '../../jobs/act-on-jobs.ts';

/** `greenroom jobs remove`: removes jobs that have ended. */
export const command = defineCommand({
  usage: 'jobs remove ID…',
  about: 'Removes jobs that have ended, with their inputs and results.',
  options: DATA_DIR_OPTIONS,
  operands: [1, Infinity],
  examples: [['greenroom jobs remove 019ae2c4-1f3b', 'the job that begins so']],
  statuses: [0, 2, 4, 5, 6, 130],
  run: ({ values, operands, terminal }) =>
    actOnJobs(operands, values, terminal, async (jobs, id) => {
      await jobs.remove(id);
      return 'removed';
    }),
});
