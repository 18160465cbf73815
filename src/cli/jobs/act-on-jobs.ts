import type { ClientJobs } from '../../client/client-jobs.ts';
import type { DATA_DIR_OPTIONS, Values } from '../command.ts';
import { reportError } from '../report-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { atJobs } from './at-jobs.ts';
import { findJob } from './find-job.ts';

/**
 * Acts on each of the jobs that are named, and tells how each stands then. One that is refused does not keep the others;
 * the exit status is that of the first refusal.
 *
 * @param act resolves to what has become of the job, in a word
 */
export function actOnJobs(
  given: readonly string[],
  values: Values<typeof DATA_DIR_OPTIONS>,
  terminal: Terminal,
  act: (jobs: ClientJobs, id: string) => Promise<string>,
): Promise<number> {
  return atJobs(values, terminal, async ({ daemon: { jobs }, signal }) => {
    // Nothing is done where one of them is not clear.
    const ids: string[] = [];
    for (const each of given) ids.push(await findJob(jobs, each));
    let status = 0;
    for (const id of new Set(ids)) {
      try {
        const state = await act(jobs, id);
        await terminal.print(terminal.json ? JSON.stringify({ id, state }) : `${id} ${state}`);
      } catch (error) {
        signal.throwIfAborted();
        status ||= await reportError(error, terminal);
      }
    }
    return status;
  });
}
