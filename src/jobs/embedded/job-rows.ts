import type { Progress } from '../../calls/call-options.ts';
import { readJson } from '../../json/read-json.ts';
import type { Attempt, AttemptEnd, Job, JobState } from '../job.ts';
import { readError } from '../stored-error.ts';
import type { Row } from './database.ts';

/** A job's state in its row; `taken`: in the hands of a runner, and not begun. */
export type RowState = JobState | 'taken';

/** The state that users see. */
export function shownState(state: RowState): JobState {
  return state === 'taken' ? 'waiting' : state;
}

/** The columns of {@link jobOfRow}, with the jobs that it comes after as JSON. */
export const JOB_COLUMNS =
  '(SELECT json_group_array(DISTINCT blocker) FROM blockers WHERE job = jobs.id) AS after, seq, id, plugin, tool, state, priority, key, once, due_at, added_at, started_at, ended_at, attempt, attempts, interruptions, progress, error';

/** A job, of its row. */
export function jobOfRow(row: Row): Job {
  return {
    id: row['id'] as string,
    plugin: row['plugin'] as string,
    tool: (row['tool'] ?? undefined) as string | undefined,
    state: shownState(row['state'] as RowState),
    priority: row['priority'] as number,
    key: (row['key'] ?? undefined) as string | undefined,
    after: JSON.parse(row['after'] as string) as string[],
    once: row['once'] === 1,
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
