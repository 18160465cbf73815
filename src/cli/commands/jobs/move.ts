import { DATA_DIR_OPTIONS, defineCommand } from '../../command.ts';
import { atJobs } from '../../jobs/at-jobs.ts';

/** `greenroom jobs move`: takes the jobs in the data directory into the fleet. */
export const command = defineCommand({
  usage: 'jobs move',
  about:
    'Moves the jobs in the data directory that have not ended into the fleet that the daemon is in. They keep their\nidentifiers, keys, priorities and what they come after; what has ended stays where it is.',
  options: DATA_DIR_OPTIONS,
  operands: [0, 0],
  examples: [['greenroom jobs move', 'after the first greenroom serve --fleet URL']],
  statuses: [0, 2, 4, 5, 6, 130],
  run: ({ values, terminal }) =>
    atJobs(values, terminal, async ({ daemon }) => {
      const { moved, left } = await daemon.jobs.move();
      if (terminal.json) {
        await terminal.printJson({ moved, left });
        return 0;
      }
      terminal.note(
        moved === 0 ? 'There were no jobs to move.' : `Moved ${moved} ${moved === 1 ? 'job' : 'jobs'} into the fleet.`,
      );
      if (left > 0)
        terminal.note(
          `${terminal.err.yellow('warning:')} ${left} ${left === 1 ? 'job stays' : 'jobs stay'} in the data directory: an input takes what the result of another job has not.`,
        );
      return 0;
    }),
});
