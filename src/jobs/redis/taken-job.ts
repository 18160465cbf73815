import type { Claim, TakenJob } from '../job-store.ts';
import { backoffOf, callerOf, type JobRecord, numberOf } from './job-record.ts';
import type { SharedValues } from './shared-values.ts';

/** The fields of its record that a program needs of a job that it takes, in the order in which the script gives them. */
export const TAKEN_FIELDS = [
  ...([
    'plugin',
    'claim',
    'tool',
    'priority',
    'attempt',
    'attempts',
    'backoff',
    'timeoutMs',
    'expiresAt',
    'once',
  ] as const),
  ...(['caller', 'wants', 'inputFile', 'stream'] as const),
] as const;

/** A job as the script gives it: of each result its name, its file or nothing, and itself where it has no file. */
export type GivenJob = readonly [
  id: Buffer,
  fields: readonly (Buffer | null)[],
  input: Buffer,
  results: readonly Buffer[],
];

/** What is to be said of a job that was given. */
export function claimOf([id, fields]: GivenJob): Claim {
  return { id: String(id), claim: Number(recordOf(fields)['claim']) };
}

/** A job that was given, with its values. Rejects with `E_JOB_STORE` where a value is in a file that cannot be read here. */
export async function readTakenJob([id, fields, input, given]: GivenJob, values: SharedValues): Promise<TakenJob> {
  const record = recordOf(fields);
  const results = new Map<string, Uint8Array>();
  for (let at = 0; at < given.length; at += 3) {
    const [name, file, value] = given.slice(at, at + 3) as [Buffer, Buffer, Buffer];
    results.set(String(name), file.length === 0 ? value : await values.read(String(file)));
  }
  return {
    id: String(id),
    claim: Number(record['claim']),
    plugin: record['plugin'] ?? '',
    tool: record['tool'],
    priority: Number(record['priority']),
    attempt: Number(record['attempt']) + 1,
    attempts: Number(record['attempts']),
    backoff: backoffOf(record),
    timeoutMs: numberOf(record['timeoutMs']),
    expiresAt: numberOf(record['expiresAt']),
    once: record['once'] === '1',
    stream: record['stream'] === '1',
    caller: callerOf(record),
    input: record['inputFile'] === undefined ? input : await values.read(record['inputFile']),
    results,
  };
}

function recordOf(fields: readonly (Buffer | null)[]): JobRecord {
  const record: Partial<Record<string, string>> = {};
  for (const [index, field] of TAKEN_FIELDS.entries()) {
    const value = fields[index];
    if (value !== null && value !== undefined) record[field] = String(value);
  }
  return record;
}
