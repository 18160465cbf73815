import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedStore } from '../jobs/embedded/embedded-store.ts';
import type { JobStore } from '../jobs/job-store.ts';

/** What became of the jobs of a folder. */
export interface Moved {
  /** How many are in the fleet now. */
  readonly moved: number;
  /** How many have not ended and are in the folder yet, as their input takes what the result of another job has not. */
  readonly left: number;
}

/**
 * Moves the jobs in a folder that have not ended into another store, with their identifiers, keys, priorities and what
 * they come after. A job is removed from the folder once the other store has it; where this is cut off, the next time goes
 * on. Rejects with `E_JOB_STORE` where one of the stores cannot be used, and with `E_JOB` for a key that the other store
 * has with another input.
 */
export async function moveJobs(
  folder: string,
  to: Pick<JobStore, 'add'>,
  onListenerError: (error: unknown) => void,
): Promise<Moved> {
  if (!existsSync(join(folder, 'jobs.db'))) return { moved: 0, left: 0 };
  // What has ended is kept as it is.
  const history = { maxJobs: Number.MAX_SAFE_INTEGER, maxAgeMs: Number.MAX_SAFE_INTEGER };
  const { store } = await EmbeddedStore.open(folder, history, onListenerError);
  try {
    let moved = 0;
    for (let seq: number | undefined = 0; seq !== undefined; ) {
      const { jobs, next } = await store.toMove(seq);
      if (jobs.length > 0) {
        await to.add(jobs);
        await store.moved(jobs.map(({ id }) => id));
        moved += jobs.length;
      }
      seq = next;
    }
    const counts = await store.counts();
    const open = counts.filter(({ state }) => state !== 'done' && state !== 'failed' && state !== 'cancelled');
    return { moved, left: open.reduce((sum, { count }) => sum + count, 0) };
  } finally {
    await store.close();
  }
}
