import { join } from 'node:path';
import { checkOptions, isOptions, wrongArgument } from '../argument-checks.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { EmbeddedStore } from './embedded/embedded-store.ts';
import { JobChanges } from './job-changes.ts';
import { Jobs } from './jobs.ts';
import { JobRunner } from './runner/job-runner.ts';

/** What `openJobs` takes. */
export interface OpenJobsOptions {
  /** The supervisor whose plugins run the jobs. */
  readonly supervisor: Supervisor;
  /** The folder of the store; by default `jobs` in the supervisor's data directory. One program uses it at a time. */
  readonly folder?: string | undefined;
  /** How much of what has ended is kept: at most `maxJobs`, 10,000 by default, and for `maxAgeMs`, 30 days by default. */
  readonly history?: { readonly maxJobs?: number | undefined; readonly maxAgeMs?: number | undefined } | undefined;
}

const MAX_JOBS = 10_000;
const MAX_AGE_MS = 30 * 86_400_000;

const HISTORY = {
  maxJobs: {
    expected: 'a whole number from 0',
    fits: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  maxAgeMs: {
    expected: 'a number of milliseconds from 0',
    fits: (value: unknown) => typeof value === 'number' && value >= 0,
  },
};

const KINDS = {
  supervisor: {
    expected: 'what createSupervisor() returned',
    fits: (value: unknown) => value instanceof Supervisor,
  },
  folder: { expected: 'the path of a folder', fits: (value: unknown) => typeof value === 'string' && value !== '' },
  history: { expected: 'an object with maxJobs and maxAgeMs', fits: isOptions },
};

/**
 * Opens the jobs of a supervisor: those of the store that wait begin to run. Close them before the supervisor stops.
 * Rejects with `E_OPTIONS`, and with `E_JOB_STORE` where the store cannot be used: another program has it, it is damaged or
 * of a later version, or Node has no SQLite (before 22.13) and the package for it is missing.
 */
export async function openJobs(options: OpenJobsOptions): Promise<Jobs> {
  checkOptions('openJobs()', options, KINDS);
  const { supervisor, history = {} } = options;
  if (supervisor === undefined)
    throw wrongArgument('The option "supervisor" of openJobs()', KINDS.supervisor.expected, undefined);
  checkOptions('the history of openJobs()', history, HISTORY);
  const { maxJobs = MAX_JOBS, maxAgeMs = MAX_AGE_MS } = history;
  const { jobPort } = supervisor;
  const { siteOf, clock, onListenerError, onError } = jobPort;
  const folder = options.folder ?? join(jobPort.dataDir, 'jobs');
  const { store, waiting } = await EmbeddedStore.open(folder, { maxJobs, maxAgeMs }, onListenerError);
  const changes = new JobChanges();
  const runner = new JobRunner({ store, clock, siteOf, onError, onChange: (id) => changes.notify(id) });
  const offHint = store.onHint((hint) => {
    if (hint.kind === 'waiting') runner.wake([hint.plugin]);
    else changes.notify(hint.id, true);
  });
  const offThread = store.onThread((change) => {
    if (change.kind === 'ended') return onError(change.error);
    runner.wake(change.waiting);
    // That a job has ended may have been said and not heard.
    changes.notifyAll();
  });
  const offChange = supervisor.onChange(() => runner.look());
  const onClose = (): void => {
    offHint();
    offThread();
    offChange();
  };
  runner.wake(waiting);
  return new Jobs({ store, runner, siteOf, changes, onClose });
}
