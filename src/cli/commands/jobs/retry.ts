import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { actOnJobs } from '../../jobs/act-on-jobs.ts';

/** `greenroom jobs retry`: runs jobs again that have ended. */
export const command = defineCommand({
  usage: 'jobs retry ID…',
  about: 'Has jobs run again that have ended, each with as many attempts as at first.',
  options: DATA_DIR_OPTIONS,
  operands: [1, Infinity],
  examples: [['greenroom jobs retry 019ae2c4-1f3b', 'what its plugin is fixed for']],
  statuses: [0, 2, 4, 5, 6, 130],
  run: ({ values, operands, terminal }) =>
    actOnJobs(operands, values, terminal, async (jobs, id) => {
      await jobs.retry(id);
      return (await jobs.read(id)).state;
    }),
});
