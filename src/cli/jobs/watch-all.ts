import type { ClientJobs } from '../../client/client-jobs.ts';
import { isFinal, JOB_STATES, type Job } from '../../jobs/job.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ChangeLines } from './change-lines.ts';

/**
 * Follows all jobs that have not ended, also those that are added meanwhile, until all have. Resolves to 0 where all are
 * done, else to 1.
 */
export async function watchAll(jobs: ClientJobs, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const lines = new ChangeLines(terminal);
  const open = new Set<string>();
  const over = new AbortController();
  let isListed = false;
  let allDone = true;
  const note = async (job: Job): Promise<void> => {
    await lines.tell(job);
    if (!isFinal(job.state)) return void open.add(job.id);
    allDone &&= job.state === 'done';
    open.delete(job.id);
    if (isListed && open.size === 0) over.abort();
  };
  /** What has happened while nothing was told. */
  const catchUp = async (): Promise<void> => {
    const now = await unfinished(jobs);
    const ended = [...open].filter((id) => !now.some((job) => job.id === id));
    for (const job of now) await note(job);
    isListed = true;
    for (const id of ended) await note(await jobs.read(id));
    if (open.size === 0) over.abort();
  };
  const changed = jobs.changed(AbortSignal.any([signal, over.signal]), () => {
    catchUp().catch((error: unknown) => over.abort(error));
  });
  try {
    for await (const job of changed) await note(job);
  } catch (error) {
    if (!over.signal.aborted || signal.aborted) throw error;
    // Without a reason of our own, all has ended.
    if (error instanceof Error && error.name !== 'AbortError') throw error;
  }
  return allDone ? 0 : 1;
}

async function unfinished(jobs: ClientJobs): Promise<readonly Job[]> {
  const found: Job[] = [];
  for (const state of JOB_STATES) {
    if (isFinal(state)) continue;
    let cursor: string | undefined;
    do {
      const page = await jobs.list({ state, limit: 1_000, cursor });
      found.push(...page.jobs);
      cursor = page.next;
    } while (cursor !== undefined);
  }
  return found;
}
