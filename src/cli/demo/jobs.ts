import type { Stage } from './stage.ts';
import { countOf } from './words.ts';
import { DUPLICATES, INDEX } from './workshop.ts';

/** Groups of files that are alike, as `near-duplicates` gives them. */
export interface Duplicates {
  readonly groups: readonly { readonly files: readonly { readonly path: string; readonly similarity: number }[] }[];
  readonly compared: number;
  readonly skipped: number;
}

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
  /** What the long call has come to, in words. */
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
      describe: (result) => {
        const { groups, compared } = result as Duplicates;
        return `${countOf(groups.length, 'group')} of near-duplicates among ${countOf(compared, 'file')}`;
      },
    },
  ];
  return jobs.filter(({ plugin }) => !missing.has(plugin));
}

/** Calls the plugin with all documents and tells what came of it. */
export async function doJob(stage: Stage, job: Job): Promise<unknown> {
  const startedAt = stage.now();
  const result = await stage.call(job.plugin, job.all);
  const ms = stage.now() - startedAt;
  stage.result(job.plugin, job.action, ms, job.describe(result), result);
  return result;
}
