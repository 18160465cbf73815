import { join } from 'node:path';
import { checkOptions, isOptions, wrongArgument } from '../argument-checks.ts';
import { GreenroomError } from '../errors.ts';
import type { FleetOptions } from '../fleet/fleet-options.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { EmbeddedStore } from './embedded/embedded-store.ts';
import type { History } from './history.ts';
import type { Jobs } from './jobs.ts';
import { runJobs } from './run-jobs.ts';

/** What `openJobs` takes. */
export interface OpenJobsOptions {
  /** The supervisor whose plugins run the jobs. */
  readonly supervisor: Supervisor;
  /** The folder of the store; by default `jobs` in the supervisor's data directory. One program uses it at a time. */
  readonly folder?: string | undefined;
  /** The fleet with which the jobs are shared; undefined: they are in the folder, for this program alone. */
  readonly fleet?: FleetOptions | undefined;
  /** How much of what has ended is kept: at most `maxJobs`, 10,000 by default, and for `maxAgeMs`, 30 days by default. */
  readonly history?: { readonly maxJobs?: number | undefined; readonly maxAgeMs?: number | undefined } | undefined;
}

/** How much of what has ended is kept unless it is said. */
export const DEFAULT_HISTORY = { maxJobs: 10_000, maxAgeMs: 30 * 86_400_000 } as const;

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
  fleet: { expected: 'an object with redis', fits: isOptions },
  history: { expected: 'an object with maxJobs and maxAgeMs', fits: isOptions },
};

/**
 * Opens the jobs of a supervisor: those of the store that wait begin to run. Close them before the supervisor stops.
 * Rejects with `E_OPTIONS`, and with `E_JOB_STORE` where the store cannot be used: another program has it, it is damaged or
 * of a later version, or Node has no SQLite (before 22.13) and the package for it is missing; of a fleet, where its Redis
 * does not answer or does not fit.
 */
export async function openJobs(options: OpenJobsOptions): Promise<Jobs> {
  checkOptions('openJobs()', options, KINDS);
  const { supervisor, fleet, history = {} } = options;
  if (supervisor === undefined)
    throw wrongArgument('The option "supervisor" of openJobs()', KINDS.supervisor.expected, undefined);
  checkOptions('the history of openJobs()', history, HISTORY);
  const { maxJobs = DEFAULT_HISTORY.maxJobs, maxAgeMs = DEFAULT_HISTORY.maxAgeMs } = history;
  if (fleet !== undefined && options.folder !== undefined)
    throw new GreenroomError(
      'E_OPTIONS',
      'openJobs() takes "folder" or "fleet", not both: jobs of a fleet are in its Redis.',
    );
  try {
    return await openStore(options, { maxJobs, maxAgeMs });
  } catch (error) {
    supervisor.jobPort.opened.refuse(error);
    throw error;
  }
}

async function openStore({ supervisor, folder, fleet }: OpenJobsOptions, history: History): Promise<Jobs> {
  if (fleet !== undefined) {
    // Read from disk only where there is a fleet.
    const { openFleetJobs } = await import('../fleet/open-fleet-jobs.ts');
    return openFleetJobs(supervisor, fleet, history);
  }
  const { dataDir, onListenerError, onError } = supervisor.jobPort;
  const { store, waiting } = await EmbeddedStore.open(folder ?? join(dataDir, 'jobs'), history, onListenerError);
  const { jobs, runner, changes } = runJobs({ supervisor, store, onClose: async () => offThread() });
  const offThread = store.onThread((change) => {
    if (change.kind === 'ended') return onError(change.error);
    runner.wake(change.waiting);
    // That a job has ended may have been said and not heard.
    changes.notifyAll();
  });
  runner.wake(waiting);
  return jobs;
}
