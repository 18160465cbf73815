import type { ClientJobs } from '../../client/client-jobs.ts';
import { GreenroomError } from '../../errors.ts';
import { isJobId } from '../../jobs/job-id.ts';
import { UsageError } from '../usage-error.ts';

/** The identifier of the job that was named by it or by its beginning. Rejects with `E_JOB` where that is none, or several. */
export async function findJob(jobs: ClientJobs, given: string): Promise<string> {
  const prefix = given.toLowerCase();
  if (isJobId(prefix)) return prefix;
  if (!/^[0-9a-f-]{1,36}$/.test(prefix))
    throw new UsageError(`"${given}" is not the identifier of a job.`, 'Run "greenroom jobs list" for the jobs.');
  const { jobs: found } = await jobs.list({ prefix, limit: 2 });
  const [job, other] = found;
  if (job === undefined)
    throw new GreenroomError('E_JOB', `There is no job "${given}". Run "greenroom jobs list" for the jobs.`);
  if (other !== undefined)
    throw new GreenroomError(
      'E_JOB',
      `"${given}" is the beginning of several jobs, such as ${job.id} and ${other.id}. Give more of it.`,
    );
  return job.id;
}
