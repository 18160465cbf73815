import type { CommandGroup } from '../command.ts';

/** `greenroom jobs`: calls that are kept on the disk of the daemon until they are done. */
export const command: CommandGroup = {
  usage: 'jobs COMMAND',
  about:
    'Jobs are calls that the daemon keeps on its disk: they outlive the program that added them, and the daemon, and run\nwhen their plugin can take them. A job is named by its identifier, or by the beginning of it.',
  commands: {
    add: { summary: 'add jobs; starts a daemon if none runs', load: () => import('./jobs/add.ts') },
    list: { summary: 'list jobs, newest first', load: () => import('./jobs/list.ts') },
    show: { summary: 'show a job with its attempts', load: () => import('./jobs/show.ts') },
    cancel: { summary: 'cancel jobs, and their calls where they run', load: () => import('./jobs/cancel.ts') },
    retry: { summary: 'run jobs again that have ended', load: () => import('./jobs/retry.ts') },
    remove: { summary: 'remove jobs that have ended', load: () => import('./jobs/remove.ts') },
    watch: { summary: 'follow a job, or all, to the end', load: () => import('./jobs/watch.ts') },
    move: { summary: 'take the jobs in the data directory into the fleet', load: () => import('./jobs/move.ts') },
    pause: { summary: 'take no jobs of a plugin, or of any', load: () => import('./jobs/pause.ts') },
    resume: { summary: 'take jobs again', load: () => import('./jobs/resume.ts') },
  },
  examples: [
    [`greenroom jobs add whisper '{"file":"talk.wav"}'`, 'hand it over and go on'],
    ['greenroom jobs list --state failed', 'what went wrong'],
    ['greenroom jobs watch', 'what runs, until all is done'],
  ],
  statuses: [0, 1, 2, 3, 4, 5, 6, 7, 8, 130],
};
