import type { Supervisor } from '../runtime/supervisor.ts';
import { JobChanges } from './job-changes.ts';
import type { JobStore } from './job-store.ts';
import { Jobs, type JobsParts } from './jobs.ts';
import { JobRunner, type JobRunnerParts } from './runner/job-runner.ts';
import { readError, rebuiltError } from './stored-error.ts';

/** What the jobs of a supervisor are run with. */
export interface RunJobsParts
  extends Pick<JobRunnerParts, 'sharing' | 'onLost' | 'replies'>,
    Pick<JobsParts, 'onClose' | 'whyElsewhere'>,
    Partial<Pick<JobsParts, 'onClosed'>> {
  readonly supervisor: Supervisor;
  readonly store: JobStore;
}

/** The jobs of a store, run by a supervisor, with its runner, and what is told when something may have been missed. */
export interface RunningJobs {
  readonly jobs: Jobs;
  readonly runner: JobRunner;
  readonly changes: JobChanges;
}

/**
 * Runs the jobs of a store: those that wait are taken once the runner is woken.
 *
 * @param onWaiting told of plugins whose jobs may be ready; by default the runner is woken
 */
export function runJobs(parts: RunJobsParts, onWaiting?: (plugin: string) => void): RunningJobs {
  const { supervisor, store, sharing, onLost, replies, onClose, onClosed, whyElsewhere } = parts;
  const { siteOf, clock, onError, opened } = supervisor.jobPort;
  const changes = new JobChanges();
  const onChange = (id: string): void => changes.notify(id);
  const runner = new JobRunner({ store, clock, siteOf, onError, onChange, sharing, onLost, replies });
  const offHint = store.onHint((hint) => {
    if (hint.kind === 'waiting') {
      if (onWaiting === undefined) runner.wake([hint.plugin]);
      else onWaiting(hint.plugin);
    } else if (hint.kind === 'cancel') {
      runner.cancel(hint.plugin, hint.id, rebuiltError(readError(hint.error)));
    } else {
      changes.notify(hint.id, hint.kind === 'ended');
    }
  });
  const offChange = supervisor.onChange(() => runner.look());
  const end = async (): Promise<void> => {
    // What that waits for is told by hints.
    await onClose();
    offHint();
    offChange();
  };
  const closed = async (): Promise<void> => {
    leave();
    await onClosed?.();
  };
  const jobs = new Jobs({ store, runner, siteOf, changes, onClose: end, onClosed: closed, whyElsewhere });
  const leave = opened.add(jobs);
  return { jobs, runner, changes };
}
