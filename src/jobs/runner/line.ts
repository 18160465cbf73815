import type { Clock } from '../../time/clock.ts';
import type { JobRun } from './job-run.ts';
import type { JobSite } from './job-site.ts';

/** The jobs of one plugin, as its runner knows them. */
export class Line {
  readonly runs = new Map<string, JobRun>();
  /** Those that have ended, of which the store is still to be told: the next ones are taken meanwhile. */
  readonly ending = new Map<string, JobRun>();
  /** Whether the store may have jobs of it that can be taken. */
  mayHaveMore = false;
  /** How long its jobs took, in milliseconds. */
  meanMs: number | undefined;
  /** Why its jobs wait. */
  obstacle: string | undefined;
  /** Until when none is taken, by the monotonic clock: the last was refused for a reason that passes. */
  restsUntil = 0;
  /** Tell those that may run only once, and wait for a place, that there may be one. */
  readonly #waiting = new Set<() => void>();

  /** How many jobs it has. */
  get inHand(): number {
    return this.runs.size + this.ending.size;
  }

  /** Whether one that may run only once waits for a place. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** A job has ended: its place is free, before the store knows. */
  ended(run: JobRun): void {
    this.runs.delete(run.job.id);
    this.ending.set(run.job.id, run);
    for (const tell of this.#waiting) tell();
  }

  /** Resolves once a worker would take the call of this job at once, as far as other jobs go; from then on it has begun. */
  async untilPlace(run: JobRun, site: () => JobSite, signal: AbortSignal, clock: Clock): Promise<void> {
    let next: () => void = () => {};
    const tell = (): void => next();
    this.#waiting.add(tell);
    try {
      await site().load();
      while (!signal.aborted && this.#atWorkers() >= Math.max(site().places, 1))
        await new Promise<void>((resolve) => (next = resolve));
      // At once, before the next one looks whether there is a place.
      if (!signal.aborted) run.begunAt = clock.monotonic();
    } finally {
      this.#waiting.delete(tell);
    }
  }

  /** How many calls of jobs are at workers, or wait there. */
  #atWorkers(): number {
    let count = 0;
    for (const { job, begunAt } of this.runs.values()) if (!job.once || begunAt !== undefined) count += 1;
    return count;
  }
}
