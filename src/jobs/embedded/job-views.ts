import type { JobState, JobWithAttempts } from '../job.ts';
import type { JobFilter } from '../job-store.ts';
import type { SqlValue } from './database.ts';
import { asText, attemptOfRow, JOB_COLUMNS, jobOfRow } from './job-rows.ts';
import type { Statements } from './statements.ts';
import type { ValueFiles, ValueInRow } from './value-files.ts';

/** The jobs of a database to be looked at, as the methods of these names of `JobStore` say. Nothing here changes a row. */
export class JobViews {
  readonly #statements: Statements;
  readonly #files: ValueFiles;

  constructor(statements: Statements, files: ValueFiles) {
    this.#statements = statements;
    this.#files = files;
  }

  get(ids: readonly string[]): (JobWithAttempts | undefined)[] {
    return ids.map((id) => {
      const row = this.#statements.get(`SELECT ${JOB_COLUMNS} FROM jobs WHERE id = ?`, id);
      if (row === undefined) return undefined;
      const attempts = this.#statements.all('SELECT * FROM attempts WHERE job = ? ORDER BY number', id);
      return { ...jobOfRow(row), history: attempts.map(attemptOfRow) };
    });
  }

  /** The jobs of a page, to be read by `pageOfText`. */
  list({ plugin, state, prefix }: JobFilter, limit: number, cursor: string | undefined): string {
    const wheres = ['seq < ?'];
    const values: SqlValue[] = [cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)];
    if (plugin !== undefined) {
      wheres.push('plugin = ?');
      values.push(plugin);
    }
    if (state !== undefined) {
      wheres.push(state === 'waiting' ? "state IN (?, 'taken')" : 'state = ?');
      values.push(state);
    }
    if (prefix !== undefined) {
      // No digit of an identifier sorts after this.
      wheres.push('id >= ? AND id < ?');
      values.push(prefix, `${prefix}g`);
    }
    const rows = `SELECT ${JOB_COLUMNS} FROM jobs WHERE ${wheres.join(' AND ')} ORDER BY seq DESC LIMIT ?`;
    return this.#statements.get(asText(rows), ...values, limit)?.['text'] as string;
  }

  values(id: string): { input: Uint8Array; result: Uint8Array | undefined } | undefined {
    const row = this.#statements.get('SELECT state, input, result FROM jobs WHERE id = ?', id);
    if (row === undefined) return undefined;
    return {
      input: this.#files.read(id, 'input', row['input'] as ValueInRow),
      result: row['state'] === 'done' ? this.#files.read(id, 'result', row['result'] as ValueInRow) : undefined,
    };
  }

  counts(): { plugin: string; state: JobState; count: number }[] {
    const rows = this.#statements.all(
      "SELECT plugin, iif(state = 'taken', 'waiting', state) AS state, count(*) AS count FROM jobs GROUP BY 1, 2 ORDER BY 1, 2",
    );
    return rows.map((row) => ({
      plugin: row['plugin'] as string,
      state: row['state'] as JobState,
      count: row['count'] as number,
    }));
  }
}
