import type { Progress } from '../../calls/call-options.ts';
import { readJson } from '../../json/read-json.ts';
import { type Attempt, type AttemptEnd, type Backoff, isFinal, type Job, type JobState } from '../job.ts';
import { blockerFailed, expired, interrupted, interruptedTooOften, removedFromQueue } from '../job-errors.ts';
import type { Caller } from '../job-store.ts';
import { errorText, readError, type StoredError } from '../stored-error.ts';

/** The record of a job, by field, as the scripts write it. Numbers are text. */
export type JobRecord = Readonly<Partial<Record<string, string>>>;

/** The fields of a hash, as a script answers with them; undefined where there is none. */
export function recordOf(flat: readonly (Buffer | string)[]): JobRecord | undefined {
  if (flat.length === 0) return undefined;
  const record: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) record[String(flat[at])] = String(flat[at + 1]);
  return record;
}

/** The program that waits for what the call of a job says; undefined: none. */
export function callerOf({ caller, wants }: JobRecord): Caller | undefined {
  return caller === undefined ? undefined : { node: caller, wants: wants as Caller['wants'] };
}

/** A job, of its record. */
export function jobOfRecord(id: string, record: JobRecord): Job {
  const plugin = record['plugin'] ?? '';
  const state = record['state'] === 'taken' ? 'waiting' : (record['state'] as JobState);
  const { error, progress } = record;
  return {
    id,
    plugin,
    tool: record['tool'],
    state,
    priority: Number(record['priority']),
    key: record['key'],
    after: [...new Set(afterOf(record).map(([blocker]) => blocker))],
    once: record['once'] === '1',
    stream: record['stream'] === '1',
    addedAt: Number(record['addedAt']),
    dueAt: state === 'delayed' ? numberOf(record['dueAt']) : undefined,
    startedAt: numberOf(record['startedAt']),
    endedAt: isFinal(state) ? numberOf(record['endedAt']) : undefined,
    attempt: Number(record['attempt']),
    attempts: Number(record['attempts']),
    interruptions: Number(record['interruptions'] ?? 0),
    progress: progress === undefined ? undefined : (readJson(progress) as Progress),
    error: error === undefined ? undefined : errorOfRecord(plugin, error),
  };
}

/** An attempt, as its script wrote it. */
export function attemptOfRecord(plugin: string, text: string): Attempt {
  const { number, startedAt, endedAt, end, error, generation } = JSON.parse(text) as {
    readonly number: number;
    readonly startedAt: number;
    readonly endedAt?: number;
    readonly end?: AttemptEnd;
    readonly error?: string;
    readonly generation?: number;
  };
  return {
    number,
    startedAt,
    endedAt,
    end,
    error: error === undefined ? undefined : errorOfRecord(plugin, error),
    generation,
  };
}

/** The jobs that a job comes after, and what its input calls them. */
export function afterOf(record: JobRecord): readonly (readonly [id: string, name: string])[] {
  const { after } = record;
  return after === undefined ? [] : (JSON.parse(after) as [string, string][]);
}

/** How long a failed attempt is waited after. */
export function backoffOf(record: JobRecord): Backoff {
  return JSON.parse(record['backoff'] ?? '') as Backoff;
}

/** A number of a record. */
export function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** An error of a record: as it was stored, or in words where a script has only named its cause. */
function errorOfRecord(plugin: string, said: string): StoredError {
  if (!said.startsWith('@')) return readError(said);
  const [cause, first = '', second] = said.split(' ');
  return readError(errorText(errorOfCause(plugin, cause, first, second)));
}

function errorOfCause(plugin: string, cause: string | undefined, first: string, second: string | undefined): Error {
  switch (cause) {
    case '@blocker':
      return blockerFailed(plugin, first, second as JobState);
    case '@expired':
      return expired(plugin, Number(first));
    case '@removed':
      return removedFromQueue(plugin);
    case '@often':
      return interruptedTooOften(plugin, Number(first));
    default:
      return interrupted(plugin, first === 'once');
  }
}
