import type { JobRow, JobState } from '../../wire-jobs.ts';

/** Which jobs are listed. */
export interface JobFilter {
  /** Undefined: those of all plugins. */
  readonly plugin: string | undefined;
  /** Undefined: those in any state. */
  readonly state: JobState | undefined;
  /** What their identifiers begin with; '' for all. */
  readonly prefix: string;
}

/** What has become of jobs, by their identifiers; undefined: removed. */
export type JobChanges = ReadonlyMap<string, JobRow | undefined>;

/**
 * The rows after changes, newest first. A job that is not among them is added where it fits the filter and its place is
 * known: one that is older than the last row comes with the rows that follow it.
 *
 * @param isAll whether no rows follow the last
 */
export function withChanges(
  rows: readonly JobRow[],
  changes: JobChanges,
  filter: JobFilter,
  isAll: boolean,
): readonly JobRow[] {
  if (changes.size === 0) return rows;
  const known = new Set<string>();
  const kept = rows.flatMap((row) => {
    known.add(row.id);
    if (!changes.has(row.id)) return row;
    const changed = changes.get(row.id);
    return changed !== undefined && isWanted(changed, filter) ? changed : [];
  });
  const last = rows.at(-1);
  const added = [...changes.values()].filter(
    (row): row is JobRow =>
      row !== undefined &&
      !known.has(row.id) &&
      isWanted(row, filter) &&
      (isAll || (last !== undefined && newestFirst(row, last) < 0)),
  );
  return added.length === 0 ? kept : [...kept, ...added].toSorted(newestFirst);
}

function isWanted({ id, plugin, state }: JobRow, filter: JobFilter): boolean {
  if (filter.plugin !== undefined && plugin !== filter.plugin) return false;
  return (filter.state === undefined || state === filter.state) && id.startsWith(filter.prefix);
}

const newestFirst = (a: JobRow, b: JobRow): number => b.addedAt - a.addedAt || (a.id < b.id ? 1 : -1);
