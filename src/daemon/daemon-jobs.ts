import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { GreenroomError } from '../errors.ts';
import { isFinal, JOB_STATES } from '../jobs/job.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Supervisor } from '../runtime/supervisor.ts';

/** The jobs of a daemon. They are opened with its start where there are any, else with the first request that needs them. */
export class DaemonJobs {
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #onOpened: (jobs: Jobs) => void;
  #opened: Promise<Jobs> | undefined;
  #isClosed = false;

  /** @param onOpened is told once they are open */
  constructor(supervisor: Supervisor, log: Logger, onOpened: (jobs: Jobs) => void) {
    this.#supervisor = supervisor;
    this.#log = log;
    this.#onOpened = onOpened;
  }

  /** Has the jobs of a former daemon go on, if there are any. Where they cannot, the log says why, and so does {@link open}. */
  openIfStored(): void {
    if (!existsSync(join(this.#supervisor.jobPort.dataDir, 'jobs', 'jobs.db'))) return;
    this.open().catch((error: unknown) => this.#log.error({ err: error }, 'The jobs cannot be opened.'));
  }

  /**
   * The jobs. Rejects with `E_JOB_STORE` where they cannot be opened, which is tried again the next time, and with
   * `E_STOPPING` once the daemon stops.
   */
  open(): Promise<Jobs> {
    if (this.#isClosed)
      return Promise.reject(
        new GreenroomError('E_STOPPING', 'The daemon is stopping. Its jobs go on with the next daemon.'),
      );
    if (this.#opened !== undefined) return this.#opened;
    const opened = openJobsOf(this.#supervisor);
    this.#opened = opened;
    opened.then(this.#onOpened, () => (this.#opened = undefined));
    return opened;
  }

  /** Whether a job has not ended. Never rejects. */
  async haveWork(): Promise<boolean> {
    try {
      const jobs = await this.#opened;
      const counts = Object.values((await jobs?.counts()) ?? {});
      return JOB_STATES.some((state) => !isFinal(state) && counts.some((ofPlugin) => (ofPlugin[state] ?? 0) > 0));
    } catch {
      // What cannot be asked does no work.
      return false;
    }
  }

  /** Takes no more jobs, and closes them once those that run have ended. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await (await this.#opened)?.close();
    } catch (error) {
      this.#log.error({ err: error }, 'The jobs did not close.');
    }
  }
}

/** Read from disk only where there are jobs. */
async function openJobsOf(supervisor: Supervisor): Promise<Jobs> {
  const { openJobs } = await import('../jobs/open-jobs.ts');
  return openJobs({ supervisor });
}
