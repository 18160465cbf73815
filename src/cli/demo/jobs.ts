import { type Duplicates, findDuplicates } from './find-duplicates.ts';
import type { Stage } from './stage.ts';
import { countOf } from './words.ts';
import { DUPLICATES, INDEX } from './workshop.ts';

interface Indexed {
  readonly indexed: number;
  readonly unchanged: number;
}

/** Work for a plugin. */
export interface Job {
  readonly plugin: string;
  readonly action: string;
  /** The input of a call that takes a while: all documents. */
  readonly all: object;
  /** The input of a call that takes a moment. */
  readonly some: object;
  /** Does the work on all documents, in one call or several. */
  perform(stage: Stage): Promise<unknown>;
  /** What the work has come to, in words. */
  describe(result: unknown): string;
}

/** What there is to do for the plugins that can be shown; indexing comes first. */
export function jobsOf({ corpus: { files, queries }, missing }: Stage): Job[] {
  const jobs: Job[] = [
    {
      plugin: INDEX,
      action: 'index',
      all: { action: 'index', files },
      some: { action: 'search', query: queries[0] ?? '', limit: 5 },
      perform: (stage) => stage.call(INDEX, { action: 'index', files }),
      describe: (result) => {
        const { indexed, unchanged } = result as Indexed;
        return `${countOf(indexed, 'file')} indexed, ${countOf(unchanged, 'was', 'were')} there already`;
      },
    },
    {
      plugin: DUPLICATES,
      action: 'compare',
      all: { files },
      some: { files: files.slice(0, 10) },
      perform: findDuplicates,
      describe: (result) => {
        const { groups, compared } = result as Duplicates;
        return `${countOf(groups.length, 'group')} of near-duplicates among ${countOf(compared, 'file')}`;
      },
    },
  ];
  return jobs.filter(({ plugin }) => !missing.has(plugin));
}

/** Has the plugin do its work on all documents and tells what came of it. */
export async function doJob(stage: Stage, job: Job): Promise<unknown> {
  const startedAt = stage.now();
  const result = await job.perform(stage);
  const ms = stage.now() - startedAt;
  stage.result(job.plugin, job.action, ms, job.describe(result), result);
  return result;
}
