import { GreenroomError } from '../../errors.ts';
import { isFinal, type Job } from '../../jobs/job.ts';
import type { JobHandle } from '../../jobs/job-handle.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { ToolJob } from '../../mcp/front-plugin.ts';
import { type Clock, systemClock } from '../../time/clock.ts';
import { MAX_TTL_MS, newTaskKey, ttlOf } from './task-key.ts';

/** How long what a task has come to is kept at least, where its time is over before it ends. In milliseconds. */
const KEPT_AFTER_END_MS = 60_000;

/** How many jobs are looked at in one piece. */
const PAGE = 100;

/** What the tasks of a front need. */
export interface FrontTasksParts {
  /** The jobs, which are opened if need be. Rejects with `E_JOB_STORE`, and with `E_STOPPING`. */
  readonly open: () => Promise<Jobs>;
  readonly clock?: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'> | undefined;
  readonly onError: (error: unknown) => void;
}

/**
 * The tasks of clients of MCP, each of which is a job: it outlives its client, the session and the daemon. One whose time
 * is over is removed once it has ended.
 */
export class FrontTasks {
  readonly open: () => Promise<Jobs>;
  readonly clock: NonNullable<FrontTasksParts['clock']>;
  readonly onError: (error: unknown) => void;
  readonly #removals = new Map<string, unknown>();
  #isClosed = false;

  constructor({ open, clock = systemClock, onError }: FrontTasksParts) {
    this.open = open;
    this.clock = clock;
    this.onError = onError;
  }

  /** Makes a task of a call; resolves once the disk has it. Rejects as `jobs.add` does. */
  async begin(plugin: string, { input, ...terms }: ToolJob, ttlMs: number): Promise<JobHandle> {
    const jobs = await this.open();
    // A direct call is not made again where the tool fails.
    const handle = await jobs.add(plugin, input, { ...terms, attempts: 1, key: newTaskKey(ttlMs) });
    if (ttlMs < MAX_TTL_MS) this.#removeLater(jobs, handle.id, ttlMs);
    return handle;
  }

  /** Looks at the tasks of jobs that were opened, to remove each when its time is over. Never rejects. */
  async note(jobs: Jobs): Promise<void> {
    try {
      let cursor: string | undefined;
      do {
        const page = await jobs.list({ limit: PAGE, cursor });
        for (const job of page.jobs) {
          const ttlMs = ttlOf(job);
          if (ttlMs !== undefined && ttlMs < MAX_TTL_MS) this.#removeLater(jobs, job.id, this.#leftMs(job, ttlMs));
        }
        cursor = page.next;
      } while (cursor !== undefined && !this.#isClosed);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Removes no more. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#removals.values()) this.clock.clearTimeout(timer);
    this.#removals.clear();
  }

  #removeLater(jobs: Jobs, id: string, afterMs: number): void {
    if (this.#isClosed) return;
    this.clock.clearTimeout(this.#removals.get(id));
    const remove = (): void => {
      this.#removals.delete(id);
      this.#removeIfOver(jobs, id).catch((error: unknown) => {
        this.#tell(error);
        if (isOfStore(error)) this.#removeLater(jobs, id, KEPT_AFTER_END_MS);
      });
    };
    this.#removals.set(id, this.clock.setTimeout(remove, Math.max(afterMs, 0)));
  }

  async #removeIfOver(jobs: Jobs, id: string): Promise<void> {
    const job = await jobs.read(id);
    const leftMs = this.#leftMs(job, ttlOf(job) ?? MAX_TTL_MS);
    if (leftMs > 0) this.#removeLater(jobs, id, leftMs);
    else await jobs.remove(id);
  }

  /** When to look whether a task is to be removed, from now; not above 0: it is. */
  #leftMs({ addedAt, endedAt, state }: Job, ttlMs: number): number {
    if (!isFinal(state)) return Math.max(addedAt + ttlMs - this.clock.now(), KEPT_AFTER_END_MS);
    return Math.max(addedAt + ttlMs, (endedAt ?? addedAt) + KEPT_AFTER_END_MS) - this.clock.now();
  }

  #tell(error: unknown): void {
    // It was removed by somebody else, or is looked at again: here, or by the next daemon.
    if (!isOfStore(error) && !(error instanceof GreenroomError && error.code === 'E_JOB')) this.onError(error);
  }
}

function isOfStore(error: unknown): boolean {
  return error instanceof GreenroomError && error.code === 'E_JOB_STORE';
}
