import { unpackValue } from '../../api/packed-value.ts';
import { withOutputs } from '../job-output.ts';
import type { NewJob } from '../job-store.ts';
import { packJobValue } from '../pack-job-value.ts';
import type { Database } from './database.ts';
import type { ValueFiles, ValueInRow } from './value-files.ts';

/** About how many bytes of inputs are read at once, and how many jobs. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_JOBS = 100;

/** A store of several programs gives each job its place as it comes; one that is blocked comes after those before it. */
const IN_ORDER = "ORDER BY state = 'blocked', iif(state = 'blocked', seq, place), seq";

type Row = Readonly<Record<string, unknown>>;

/** What the database of jobs is read with. */
interface Parts {
  readonly database: Database;
  readonly files: ValueFiles;
  readonly now: () => number;
}

/** The jobs of a store that have not ended, as they are added to another one. */
export class JobsToMove {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The identifiers of all of them: those that others come after first, then by their places. */
  openInOrder(): string[] {
    const rows = this.#all(`SELECT id FROM jobs WHERE state NOT IN ('done', 'failed', 'cancelled') ${IN_ORDER}`);
    return rows.map(({ id }) => id as string);
  }

  /**
   * The first ones of these jobs, and how many of them were looked at. An input has the results of jobs that are done
   * already in it; a job whose input takes what no result has is left out.
   */
  toMove(ids: readonly string[]): { readonly jobs: readonly NewJob[]; readonly looked: number } {
    const jobs: NewJob[] = [];
    let [looked, length] = [0, 0];
    for (const id of ids.slice(0, MAX_JOBS)) {
      if (length > MAX_BYTES) break;
      looked += 1;
      const [row] = this.#all('SELECT * FROM jobs WHERE id = ?', id);
      const job = row && this.#jobOf(row);
      if (job === undefined) continue;
      jobs.push(job);
      length += job.input.byteLength;
    }
    return { jobs, looked };
  }

  /** Forgets jobs that another store has. Those that come after them know it by their missing here. */
  moved(ids: readonly string[]): void {
    const { database } = this.#parts;
    for (const table of ['jobs WHERE id', 'attempts WHERE job', 'blockers WHERE job'])
      for (const id of ids) database.prepare(`DELETE FROM ${table} = ?`).run(id);
  }

  #jobOf(row: Row): NewJob | undefined {
    const { files, now } = this.#parts;
    const id = row['id'] as string;
    const plugin = row['plugin'] as string;
    const before = this.#all(
      'SELECT blocker, name, state, result FROM blockers LEFT JOIN jobs ON jobs.id = blocker WHERE job = ?',
      id,
    );
    const done = before.filter(({ state }) => state === 'done');
    let input = files.read(id, 'input', row['input'] as ValueInRow);
    if (done.length > 0) {
      const results = new Map(
        done.map(({ blocker, name, result }) => {
          const packed = files.read(blocker as string, 'result', result as ValueInRow);
          return [name as string, unpackValue(Buffer.from(packed))] as const;
        }),
      );
      try {
        input = packJobValue(plugin, withOutputs(plugin, unpackValue(Buffer.from(input)), results), 'input');
      } catch {
        return undefined;
      }
    }
    const dueIn = (row['due_at'] as number) - now();
    const expiresAt = row['expires_at'] as number | null;
    return {
      ...{ id, plugin, input, tool: (row['tool'] as string | null) ?? undefined },
      ...{ priority: row['priority'] as number, key: (row['key'] as string | null) ?? undefined },
      attempts: Math.max(1, (row['attempts'] as number) - (row['attempt'] as number)),
      backoff: JSON.parse(row['backoff'] as string) as NewJob['backoff'],
      delayMs:
        row['state'] === 'delayed' ? Math.max(0, dueIn) : row['state'] === 'blocked' ? (row['delay_ms'] as number) : 0,
      timeoutMs: (row['timeout_ms'] as number | null) ?? undefined,
      ttlMs: expiresAt === null ? undefined : Math.max(1, expiresAt - now()),
      once: row['once'] === 1,
      stream: row['stream'] === 1,
      after: before
        .filter(({ state }) => state !== 'done')
        .map(({ blocker, name }) => ({ id: blocker as string, name: name as string })),
    };
  }

  #all(sql: string, ...values: (string | number)[]): readonly Row[] {
    return this.#parts.database.prepare(sql).all(...values);
  }
}
