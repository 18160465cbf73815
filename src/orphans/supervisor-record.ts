import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readText } from '../files/file-text.ts';
import { makeFolder } from '../files/make-folder.ts';
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

const folderOf = (dataDir: string): string => join(dataDir, 'supervisors');

/** Where the record of a supervisor is. */
export function recordFile(dataDir: string, id: string): string {
  return join(folderOf(dataDir), `${id}.json`);
}

/** Writes a record in place of the one before. Throws what the file system throws. */
export function writeRecord(dataDir: string, record: SupervisorRecord): void {
  makeFolder(folderOf(dataDir), 0o700);
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
        const record: unknown = JSON.parse(found.text);
        return isRecord(record) && name === `${record.id}.json` ? [record] : [];
      } catch {
        return [];
      }
    });
}

/** Removes a record. Does nothing where there is none; one that cannot be removed is found dead later. Never throws. */
export function removeRecord(dataDir: string, id: string): void {
  removeWhole(recordFile(dataDir, id));
}

/** Whatever the file says: nothing but what a supervisor makes is ever ended or removed. Not by zod, which `ps` has no time for. */
function isRecord(value: unknown): value is SupervisorRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { id, pid, startTime, bootId, pidNamespace, cgroup, folders } = value as Partial<Record<string, unknown>>;
  const isFolder = (folder: unknown): boolean =>
    typeof folder === 'string' && basename(folder).startsWith('greenroom-');
  return (
    typeof id === 'string' &&
    /^[0-9a-f]{12}$/.test(id) &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    [startTime, bootId, pidNamespace].every((part) => part === null || typeof part === 'string') &&
    (cgroup === null || (typeof cgroup === 'string' && basename(cgroup) === `greenroom-${id}`)) &&
    Array.isArray(folders) &&
    folders.every(isFolder)
  );
}
