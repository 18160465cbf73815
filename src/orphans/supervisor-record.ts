import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readText } from '../files/file-text.ts';
import { removeWhole, writeWhole } from '../files/whole-file.ts';
import type { ProcessIdentity } from '../process/process-identity.ts';

/** What a supervisor leaves in its data directory while it has workers, for the one that comes after a sudden death. */
export interface SupervisorRecord extends ProcessIdentity {
  /** The first part of its workers' marks. */
  readonly id: string;
  /** The control group of its workers, where there is one. */
  readonly cgroup: string | null;
  /** The folders of its workers' sockets. */
  readonly folders: readonly string[];
}

const schema = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  pid: z.number().int().positive(),
  startTime: z.string().nullable(),
  bootId: z.string().nullable(),
  pidNamespace: z.string().nullable(),
  // Whatever the file says: nothing but what a supervisor makes is ever ended or removed.
  cgroup: z.string().nullable(),
  folders: z.array(z.string().refine((folder) => basename(folder).startsWith('greenroom-'))),
});

const folderOf = (dataDir: string): string => join(dataDir, 'supervisors');

/** Where the record of a supervisor is. */
export function recordFile(dataDir: string, id: string): string {
  return join(folderOf(dataDir), `${id}.json`);
}

/** Writes a record in place of the one before. Throws what the file system throws. */
export function writeRecord(dataDir: string, record: SupervisorRecord): void {
  mkdirSync(folderOf(dataDir), { recursive: true, mode: 0o700 });
  writeWhole(recordFile(dataDir, record.id), `${JSON.stringify(record)}\n`);
}

/** The records in a data directory; those that are not readable are left out. */
export function readRecords(dataDir: string): SupervisorRecord[] {
  let names: string[];
  try {
    names = readdirSync(folderOf(dataDir));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const found = readText(join(folderOf(dataDir), name));
      if (found === null || 'reason' in found) return [];
      try {
        const record = schema.parse(JSON.parse(found.text));
        const isOwn = name === `${record.id}.json` && [null, `greenroom-${record.id}`].includes(groupOf(record));
        return isOwn ? [record] : [];
      } catch {
        return [];
      }
    });
}

/** Removes a record. Does nothing where there is none; one that cannot be removed is found dead later. Never throws. */
export function removeRecord(dataDir: string, id: string): void {
  removeWhole(recordFile(dataDir, id));
}

function groupOf({ cgroup }: { readonly cgroup: string | null }): string | null {
  return cgroup === null ? null : basename(cgroup);
}
