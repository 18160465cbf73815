import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { actOnJobs } from '../../jobs/act-on-jobs.ts';

/** `greenroom jobs cancel`: cancels jobs of the daemon. */
export const command = defineCommand({
  usage: 'jobs cancel ID…',
  about:
    'Cancels jobs, and their calls where they run. Prints the state in which each has ended: another than cancelled where it\nhad ended before.',
  options: DATA_DIR_OPTIONS,
  operands: [1, Infinity],
  examples: [['greenroom jobs cancel 019ae2c4-1f3b', 'the job that begins so']],
  statuses: [0, 2, 4, 5, 6, 130],
  run: ({ values, operands, terminal }) => actOnJobs(operands, values, terminal, (jobs, id) => jobs.cancel(id)),
});
