import { readFileSync } from 'node:fs';
import { readRecords } from '../orphans/supervisor-record.ts';
import { fateOf } from '../process/process-identity.ts';

/** A program with a supervisor of its own on a data directory. */
export interface EmbeddingProgram {
  readonly pid: number;
  /** Its command line; undefined where the system does not tell. */
  readonly command: string | undefined;
}

/** The programs that have workers on a data directory, but for one: the daemon. Those of other containers are not seen. */
export function embeddingPrograms(dataDir: string, daemon: number | undefined): EmbeddingProgram[] {
  const pids = readRecords(dataDir).filter((record) => record.pid !== daemon && fateOf(record) === 'alive');
  return [...new Set(pids.map(({ pid }) => pid))].map((pid) => ({ pid, command: commandOf(pid) }));
}

function commandOf(pid: number): string | undefined {
  try {
    const parts = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return parts.join(' ').trim() || undefined;
  } catch {
    return undefined;
  }
}
