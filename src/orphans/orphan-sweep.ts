import { rm } from 'node:fs/promises';
import { fateOf } from '../process/process-identity.ts';
import { endMarked } from './spawn-mark.ts';
import { readRecords, removeRecord } from './supervisor-record.ts';
import { endSupervisorCgroup } from './worker-cgroup.ts';

/**
 * Ends what earlier supervisors of this data directory have left because they were killed, and only that: one that
 * lives keeps its workers, and so does one in another container, of which nothing can be known. Resolves to how many
 * dead supervisors were cleaned up after. Never rejects.
 */
export async function sweepOrphans(dataDir: string): Promise<number> {
  const swept = await Promise.all(
    readRecords(dataDir).map(async (record) => {
      const fate = fateOf(record);
      if (fate === 'alive' || fate === 'elsewhere') return 0;
      if (fate === 'dead') {
        await Promise.all([
          endMarked({ supervisor: record.id }),
          record.cgroup === null ? undefined : endSupervisorCgroup(record.cgroup),
        ]);
      }
      await Promise.all(record.folders.map((folder) => rm(folder, { recursive: true, force: true }).catch(() => {})));
      removeRecord(dataDir, record.id);
      return 1;
    }),
  );
  return swept.filter((count) => count === 1).length;
}
