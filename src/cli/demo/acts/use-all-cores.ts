import { doJob, jobsOf } from '../jobs.ts';
import type { Stage } from '../stage.ts';
import { DUPLICATES } from '../workshop.ts';

/** Calls wait for a plugin, so it gets more workers. Adds what comes of it to the results by plugin. */
export async function useAllCores(stage: Stage, results: Map<string, unknown>): Promise<void> {
  const job = jobsOf(stage).find(({ plugin }) => plugin === DUPLICATES);
  // Where others cannot be shown, it was done before.
  if (job === undefined || results.has(DUPLICATES)) return;
  stage.act(
    'One plugin uses all cores',
    'A worker computes on one core. While calls for parts of the files wait, the plugin gets more workers, up to one for each core as its manifest allows; those that are not needed any more end.',
    DUPLICATES,
  );
  results.set(DUPLICATES, await doJob(stage, job));
}
