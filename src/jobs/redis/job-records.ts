import type { JobState, JobWithAttempts } from '../job.ts';
import { isJobId } from '../job-id.ts';
import type { JobFilter, JobPage } from '../job-store.ts';
import { foreignCursor } from '../list-options.ts';
import { attemptOfRecord, jobOfRecord, recordOf } from './job-record.ts';
import type { RedisLink } from './redis-link.ts';
import type { SharedValues } from './shared-values.ts';

/** What a job was given, and what it came to, packed. */
export interface StoredValues {
  readonly input: Uint8Array;
  /** Undefined: it is not done. */
  readonly result: Uint8Array | undefined;
}

/** How many jobs of a plugin are in a state. */
export interface StateCount {
  readonly plugin: string;
  readonly state: JobState;
  readonly count: number;
}

/** What is stored of jobs, to be looked at by plain commands, as the methods of these names of `JobStore` say. Nothing here changes it. */
export class JobRecords {
  readonly #link: RedisLink;
  readonly #values: SharedValues;

  constructor(link: RedisLink, values: SharedValues) {
    this.#link = link;
    this.#values = values;
  }

  async get(ids: readonly string[]): Promise<readonly (JobWithAttempts | undefined)[]> {
    const asked = ids.flatMap((id) => [
      ['HGETALL', this.#link.key('job', id)],
      ['LRANGE', this.#link.key('attempts', id), 0, -1],
    ]);
    const answers = (await this.#link.sendAll(asked)) as string[][];
    return ids.map((id, index) => {
      const record = recordOf(answers[2 * index] ?? []);
      if (record === undefined) return undefined;
      const job = jobOfRecord(id, record);
      return { ...job, history: (answers[2 * index + 1] ?? []).map((text) => attemptOfRecord(job.plugin, text)) };
    });
  }

  async list({ plugin, state, prefix }: JobFilter, limit: number, cursor: string | undefined): Promise<JobPage> {
    if (cursor !== undefined && !isJobId(cursor)) throw foreignCursor(cursor);
    const kind = state === undefined ? (plugin === undefined ? ['all'] : ['of']) : ['in', state];
    const key = this.#link.key(...kind, ...(plugin === undefined ? [] : [plugin]));
    // No digit of an identifier sorts after this.
    const newest = prefix === undefined ? '+' : `(${prefix}g`;
    const oldest = prefix === undefined ? '-' : `[${prefix}`;
    const from = cursor === undefined || (prefix !== undefined && cursor >= `${prefix}g`) ? newest : `(${cursor}`;
    const ids = (await this.#link.send(['ZREVRANGEBYLEX', key, from, oldest, 'LIMIT', 0, limit])) as string[];
    const records = await this.#link.sendAll(ids.map((id) => ['HGETALL', this.#link.key('job', id)]));
    const jobs = ids.flatMap((id, index) => {
      const record = recordOf(records[index] as string[]);
      return record === undefined ? [] : [jobOfRecord(id, record)];
    });
    return { jobs, next: ids.length < limit ? undefined : ids.at(-1) };
  }

  async values(id: string): Promise<StoredValues | undefined> {
    const [flat, input, result] = (await this.#link.sendAllForBytes([
      ['HGETALL', this.#link.key('job', id)],
      ['GET', this.#link.key('input', id)],
      ['GET', this.#link.key('result', id)],
    ])) as [Buffer[], Buffer | null, Buffer | null];
    const record = recordOf(flat);
    if (record === undefined) return undefined;
    const { inputFile, resultFile, state } = record;
    return {
      input: inputFile === undefined ? (input ?? new Uint8Array()) : await this.#values.read(inputFile),
      result:
        state !== 'done'
          ? undefined
          : resultFile === undefined
            ? (result ?? new Uint8Array())
            : await this.#values.read(resultFile),
    };
  }

  async paused(): Promise<readonly string[]> {
    return (await this.#link.send(['SMEMBERS', this.#link.key('paused')])) as string[];
  }

  async counts(): Promise<readonly StateCount[]> {
    const counts = recordOf((await this.#link.send(['HGETALL', this.#link.key('counts')])) as string[]) ?? {};
    return Object.entries(counts)
      .map(([field, count]) => {
        const at = field.indexOf(' ');
        return { plugin: field.slice(at + 1), state: field.slice(0, at) as JobState, count: Number(count) };
      })
      .toSorted((one, other) => order(one.plugin, other.plugin) || order(one.state, other.state));
  }
}

function order(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
