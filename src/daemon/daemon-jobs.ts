import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { GreenroomError, messageOf } from '../errors.ts';
import type { FleetNode } from '../fleet/fleet-node.ts';
import type { FleetOptions } from '../fleet/fleet-options.ts';
import { isFinal, JOB_STATES } from '../jobs/job.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { systemClock } from '../time/clock.ts';

/** How long to wait before it is tried again to join a fleet, in milliseconds. */
const JOIN_AGAIN_MS = 5_000;

/** The jobs of a daemon, and the node of the fleet by which it has them, if it is in one. */
interface OpenedJobs {
  readonly jobs: Jobs;
  readonly node: FleetNode | undefined;
}

/**
 * The jobs of a daemon. Those in its data directory are opened with its start where there are any, else with the first
 * request that needs them; those of a fleet with its start.
 */
export class DaemonJobs {
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #onOpened: (jobs: Jobs) => void;
  readonly #fleet: FleetOptions | undefined;
  #opened: Promise<OpenedJobs> | undefined;
  #node: FleetNode | undefined;
  #joinTimer: unknown;
  /** Why the fleet could not be joined, as it was logged. */
  #told: string | undefined;
  #isClosed = false;

  /** @param onOpened is told once they are open */
  constructor(supervisor: Supervisor, log: Logger, onOpened: (jobs: Jobs) => void, fleet?: FleetOptions) {
    this.#supervisor = supervisor;
    this.#log = log;
    this.#onOpened = onOpened;
    this.#fleet = fleet;
  }

  /** The node of the fleet; undefined: the daemon is in none, or has not joined it yet. */
  get node(): FleetNode | undefined {
    return this.#node;
  }

  /**
   * Has the jobs of a former daemon go on, if there are any, or joins the fleet, which is tried until it works. Where they
   * cannot be opened, the log says why, and so does {@link open}. Resolves when that was tried once.
   */
  async begin(): Promise<void> {
    const isStored = existsSync(join(this.#supervisor.jobPort.dataDir, 'jobs', 'jobs.db'));
    if (this.#fleet === undefined && !isStored) return;
    try {
      await this.open();
      if (this.#fleet !== undefined && isStored)
        this.#log.warn(
          'The jobs in the data directory are left alone while the daemon is in a fleet. To move them there: greenroom jobs move',
        );
    } catch (error) {
      const message = this.#fleet === undefined ? 'The jobs cannot be opened.' : 'The fleet cannot be joined yet.';
      // What is the same each time is told once.
      if (messageOf(error) !== this.#told) this.#log.error({ err: error }, message);
      this.#told = messageOf(error);
      if (this.#fleet !== undefined && !this.#isClosed)
        this.#joinTimer = systemClock.setTimeout(() => void this.begin(), JOIN_AGAIN_MS);
    }
  }

  /**
   * The jobs. Rejects with `E_JOB_STORE` where they cannot be opened, which is tried again the next time, and with
   * `E_STOPPING` once the daemon stops.
   */
  async open(): Promise<Jobs> {
    if (this.#isClosed)
      throw new GreenroomError('E_STOPPING', 'The daemon is stopping. Its jobs go on with the next daemon.');
    if (this.#opened === undefined) {
      const opened = this.#open();
      this.#opened = opened;
      opened.then(
        ({ jobs }) => this.#onOpened(jobs),
        () => (this.#opened = undefined),
      );
    }
    return (await this.#opened).jobs;
  }

  /** Whether a job has not ended. Of a fleet only one that runs here counts, as others have the rest. Never rejects. */
  async haveWork(): Promise<boolean> {
    try {
      const opened = await this.#opened;
      if (opened?.node !== undefined) return opened.node.isAtWork;
      const counts = Object.values((await opened?.jobs.counts()) ?? {});
      return JOB_STATES.some((state) => !isFinal(state) && counts.some((ofPlugin) => (ofPlugin[state] ?? 0) > 0));
    } catch {
      // What cannot be asked does no work.
      return false;
    }
  }

  /** Takes no more jobs, and closes them once those that run have ended. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    systemClock.clearTimeout(this.#joinTimer);
    try {
      await (await this.#opened)?.jobs.close();
    } catch (error) {
      this.#log.error({ err: error }, 'The jobs did not close.');
    }
  }

  /** Read from disk only where there are jobs. */
  async #open(): Promise<OpenedJobs> {
    if (this.#fleet === undefined) {
      const { openJobs } = await import('../jobs/open-jobs.ts');
      return { jobs: await openJobs({ supervisor: this.#supervisor }), node: undefined };
    }
    const { joinFleet } = await import('../fleet/open-fleet-jobs.ts');
    const { DEFAULT_HISTORY } = await import('../jobs/open-jobs.ts');
    const { jobs, node } = await joinFleet(this.#supervisor, this.#fleet, DEFAULT_HISTORY);
    this.#node = node;
    this.#log.info({ redis: node.address, prefix: node.prefix, node: node.name }, 'The daemon is in the fleet.');
    return { jobs, node };
  }
}
