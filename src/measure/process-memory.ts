import { readFileSync } from 'node:fs';
import type { ProcessSample } from './process-sample.ts';

/**
 * The resident memory of one process in bytes, from its sample, else from `/proc`; 0 of a process that has ended since.
 *
 * @param isShared whether others of its tree are counted too: then the pages that it shares count by its part (`Pss` of
 *   `smaps_rollup`, see proc_pid_smaps(5)), where the system tells that, so that they are counted once in the sum.
 *   That walks the page tables, about a millisecond for each gigabyte, so a process alone is told by `VmRSS`.
 */
export function residentBytes({ pid, rssBytes }: ProcessSample, isShared: boolean): number {
  return (
    rssBytes ?? (isShared ? kilobytes(pid, 'smaps_rollup', 'Pss') : undefined) ?? kilobytes(pid, 'status', 'VmRSS') ?? 0
  );
}

/** The most that one process has ever had, in bytes: `VmHWM`, see proc_pid_status(5). */
export function peakBytes(pid: number): number {
  return kilobytes(pid, 'status', 'VmHWM') ?? 0;
}

function kilobytes(pid: number, file: string, field: string): number | undefined {
  try {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'));
    return found === null ? undefined : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}
