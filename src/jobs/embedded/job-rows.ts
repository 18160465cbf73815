import type { Progress } from '../../calls/call-options.ts';
import { readJson } from '../../json/read-json.ts';
import type { Attempt, AttemptEnd, Job, JobState } from '../job.ts';
import type { JobPage } from '../job-store.ts';
import { readError } from '../stored-error.ts';
import type { Row } from './database.ts';

/** A job's state in its row; `taken`: in the hands of a runner, and not begun. */
export type RowState = JobState | 'taken';

/** The state that users see. */
export function shownState(state: RowState): JobState {
  return state === 'taken' ? 'waiting' : state;
}

const COLUMNS = [
  ...[
    'seq',
    'id',
    'plugin',
    'tool',
    'state',
    'priority',
    'key',
    'once',
    'stream',
    'due_at',
    'added_at',
    'started_at',
    'ended_at',
  ],
  ...['attempt', 'attempts', 'interruptions', 'progress', 'error'],
];

/** The columns of {@link jobOfRow}, with the jobs that it comes after as JSON. */
export const JOB_COLUMNS = `(SELECT json_group_array(DISTINCT blocker) FROM blockers WHERE job = jobs.id) AS after, ${COLUMNS.join(', ')}`;

/**
 * Selects rows of these columns as one text, which is read by {@link pageOfText}: rows as objects take four times as long.
 * A number with a fraction is a text in it, as SQLite writes such a number with fewer digits than it has.
 *
 * @param rows what selects them
 */
export function asText(rows: string): string {
  const fields = ['after', ...COLUMNS].map(
    (column) => `'${column}', ${column === 'priority' ? "printf('%!.17g', priority)" : column}`,
  );
  return `SELECT json_group_array(json_object(${fields.join(', ')})) AS text FROM (${rows})`;
}

/** The jobs of a text, and the cursor of the next page, which there is where this one is full. */
export function pageOfText(text: string, limit: number): JobPage {
  const rows = JSON.parse(text) as readonly Row[];
  return {
    jobs: rows.map((row) => jobOfRow(row)),
    next: rows.length < limit ? undefined : String(rows.at(-1)?.['seq']),
  };
}

/** A job, of its row. */
export function jobOfRow(row: Row): Job {
  return {
    id: row['id'] as string,
    plugin: row['plugin'] as string,
    tool: (row['tool'] ?? undefined) as string | undefined,
    state: shownState(row['state'] as RowState),
    priority: Number(row['priority']),
    key: (row['key'] ?? undefined) as string | undefined,
    after: JSON.parse(row['after'] as string) as string[],
    once: row['once'] === 1,
    stream: row['stream'] === 1,
    addedAt: row['added_at'] as number,
    dueAt: row['state'] === 'delayed' ? (row['due_at'] as number) : undefined,
    startedAt: (row['started_at'] ?? undefined) as number | undefined,
    endedAt: (row['ended_at'] ?? undefined) as number | undefined,
    attempt: row['attempt'] as number,
    attempts: row['attempts'] as number,
    interruptions: row['interruptions'] as number,
    progress: optionalOf(row['progress'], (text) => readJson(text) as Progress),
    error: optionalOf(row['error'], readError),
  };
}

/** An attempt, of its row. */
export function attemptOfRow(row: Row): Attempt {
  return {
    number: row['number'] as number,
    startedAt: row['started_at'] as number,
    endedAt: (row['ended_at'] ?? undefined) as number | undefined,
    end: (row['end'] ?? undefined) as AttemptEnd | undefined,
    error: optionalOf(row['error'], readError),
    generation: (row['generation'] ?? undefined) as number | undefined,
  };
}

function optionalOf<Value>(value: Row[string] | undefined, read: (text: string) => Value): Value | undefined {
  return typeof value === 'string' ? read(value) : undefined;
}
