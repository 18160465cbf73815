import type { FinalState } from '../job.ts';
import { blockerFailed } from '../job-errors.ts';
import type { Hint } from '../job-store.ts';
import { errorText } from '../stored-error.ts';
import type { Row } from './database.ts';
import type { Statements } from './statements.ts';
import type { ValueFiles, ValueInRow } from './value-files.ts';

/** What ends jobs. */
export interface JobEndsParts {
  readonly statements: Statements;
  readonly files: ValueFiles;
  /** The time of day, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Told what has ended, and what may be taken since. */
  readonly hint: (hint: Hint) => void;
}

/** Ends jobs, with what follows from that for those that come after them. */
export class JobEnds {
  readonly #statements: Statements;
  readonly #files: ValueFiles;
  readonly #now: () => number;
  readonly #hint: (hint: Hint) => void;

  constructor({ statements, files, now, hint }: JobEndsParts) {
    this.#statements = statements;
    this.#files = files;
    this.#now = now;
    this.#hint = hint;
  }

  /** Ends a job, and what follows from that: jobs that come after it are ready, or fail with it, and so on. */
  end(id: string, state: FinalState, error: string | null, result?: Uint8Array): void {
    const kept = result === undefined ? null : this.#files.keep(id, 'result', result);
    this.#markEnded(id, state, error, kept);
    if (state === 'done') return this.#unblockAfter(id);
    const failed: (readonly [blocker: string, state: FinalState])[] = [[id, state]];
    // A chain may be longer than the stack is deep.
    for (const [blocker, blockerState] of failed)
      for (const row of this.#blockedBy(blocker)) {
        const job = row['id'] as string;
        const cause = blockerFailed(row['plugin'] as string, blocker, blockerState);
        this.#markEnded(job, 'failed', errorText(cause), null);
        failed.push([job, 'failed']);
      }
    return undefined;
  }

  #markEnded(id: string, state: FinalState, error: string | null, result: ValueInRow): void {
    this.#statements.run(
      'UPDATE jobs SET state = ?, claim = claim + 1, error = ?, result = ?, ended_at = ?, expires_at = NULL WHERE id = ?',
      ...[state, error, result, this.#now(), id],
    );
    this.#hint({ kind: 'ended', id, end: state });
  }

  #blockedBy(id: string): readonly Row[] {
    return this.#statements.all(
      "SELECT id, plugin, delay_ms FROM blockers JOIN jobs ON jobs.id = job WHERE blocker = ? AND state = 'blocked'",
      id,
    );
  }

  #unblockAfter(id: string): void {
    for (const row of this.#blockedBy(id)) {
      const job = row['id'] as string;
      if (this.openBlocker(job) !== undefined) continue;
      // Its delay begins when nothing else keeps it.
      const delayMs = row['delay_ms'] as number;
      const state = delayMs > 0 ? 'delayed' : 'waiting';
      this.#statements.run('UPDATE jobs SET state = ?, due_at = ? WHERE id = ?', state, this.#now() + delayMs, job);
      if (state === 'waiting') this.#hint({ kind: 'waiting', plugin: row['plugin'] as string });
    }
  }

  /** A job before this one that is not done, one that has failed before others. */
  openBlocker(id: string): Row | undefined {
    return this.#statements.get(
      `SELECT jobs.id AS id, state FROM blockers JOIN jobs ON jobs.id = blocker WHERE job = ? AND state != 'done'
       ORDER BY state IN ('failed', 'cancelled') DESC LIMIT 1`,
      id,
    );
  }
}
