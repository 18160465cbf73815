import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JobState } from '../job.ts';
import { type Database, openDatabase } from './database.ts';
import { type RowState, shownState } from './job-rows.ts';
import { isInUse, storeFault } from './store-fault.ts';

/** A store as it is found by somebody who does not open it. */
export type StoreLook =
  | { readonly kind: 'none' }
  /** Another program has it. */
  | { readonly kind: 'in use' }
  | { readonly kind: 'read'; readonly counts: Readonly<Partial<Record<JobState, number>>> };

/** Looks into a store without changing it, or keeping others from it. Rejects with `E_JOB_STORE` where it cannot be read. */
export async function lookAtStore(folder: string): Promise<StoreLook> {
  const file = join(folder, 'jobs.db');
  if (!existsSync(file)) return { kind: 'none' };
  try {
    return { kind: 'read', counts: await countsIn(file, !existsSync(join(folder, 'in-use'))) };
  } catch (error) {
    if (isInUse(error)) return { kind: 'in use' };
    throw storeFault(error, file);
  }
}

async function countsIn(file: string, isClean: boolean): Promise<Partial<Record<JobState, number>>> {
  // All of a store that was closed in good order is in its file. To be told so, SQLite leaves no files of its own beside it.
  const uri = `${pathToFileURL(file).href}?immutable=1`;
  const asItIs = (): Promise<Database> => openDatabase(file, { readOnly: true });
  // Node takes no such addresses before 22.15.
  const database = await (isClean ? openDatabase(uri, { readOnly: true }).catch(asItIs) : asItIs());
  try {
    const counts: Partial<Record<JobState, number>> = {};
    for (const row of database.prepare('SELECT state, count(*) AS count FROM jobs GROUP BY state').all()) {
      const state = shownState(row['state'] as RowState);
      counts[state] = (counts[state] ?? 0) + Number(row['count']);
    }
    return counts;
  } finally {
    database.close();
  }
}
