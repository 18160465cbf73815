import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedStore } from '../jobs/embedded/embedded-store.ts';
import { isFinal } from '../jobs/job.ts';
import type { JobStore } from '../jobs/job-store.ts';

/** What became of the jobs of a folder. */
export interface Moved {
  /** How many are in the fleet now. */
  readonly moved: number;
  /** How many have not ended and are in the folder yet, as their input takes what the result of another job has not. */
  readonly left: number;
}

/**
 * Moves the jobs in a folder that have not ended into another store, with their identifiers, keys, priorities, what they
 * come after, and among each other the places of those that wait. A job is removed from the folder once the other store
 * has it; where this is cut off, the next time goes on. Plugins that are paused in the folder are paused in the other store
 * before any job is there. Rejects with `E_JOB_STORE` where one of the stores cannot be used, and with `E_JOB` for a key
 * that the other store has with another input.
 */
export async function moveJobs(
  folder: string,
  to: Pick<JobStore, 'add' | 'pause'>,
  onListenerError: (error: unknown) => void,
): Promise<Moved> {
  if (!existsSync(join(folder, 'jobs.db'))) return { moved: 0, left: 0 };
  // What has ended is kept as it is.
  const history = { maxJobs: Number.MAX_SAFE_INTEGER, maxAgeMs: Number.MAX_SAFE_INTEGER };
  const { store } = await EmbeddedStore.open(folder, history, onListenerError);
  try {
    await pauseAsIn(store, to);
    let moved = 0;
    for (let ids = await store.openInOrder(); ids.length > 0; ) {
      const { jobs, looked } = await store.toMove(ids);
      if (jobs.length > 0) {
        await to.add(jobs);
        await store.moved(jobs.map(({ id }) => id));
        moved += jobs.length;
      }
      ids = ids.slice(looked);
    }
    const left = await countOpen(store);
    // Paused by now is what the other store has, where it may have been resumed before this is asked for again.
    if (left === 0) await store.resume([]);
    return { moved, left };
  } finally {
    await store.close();
  }
}

/**
 * Where all is paused, the plugins that have jobs are: the other store has jobs of other programs, of which nobody has said
 * that they are to wait.
 */
async function pauseAsIn(store: EmbeddedStore, to: Pick<JobStore, 'pause'>): Promise<void> {
  const paused = new Set(await store.paused());
  if (paused.delete('*')) for (const { plugin, state } of await store.counts()) if (!isFinal(state)) paused.add(plugin);
  // No names at all would be everything.
  if (paused.size > 0) await to.pause([...paused]);
}

async function countOpen(store: EmbeddedStore): Promise<number> {
  const open = (await store.counts()).filter(({ state }) => !isFinal(state));
  return open.reduce((sum, { count }) => sum + count, 0);
}
