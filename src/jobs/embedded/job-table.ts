// Longer than others because it is the one place where the rows of jobs change, each change beside those that it causes.

import type { Progress } from '../../calls/call-options.ts';
import { writeJson } from '../../json/exact-json.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { History } from '../history.ts';
import { type Backoff, isFinal, type JobState } from '../job.ts';
import { blockerFailed, expired, interrupted, interruptedTooOften, otherInput, unknownBlocker } from '../job-errors.ts';
import type { Added, AttemptOutcome, BegunAttempt, Claim, EndedAttempt, Hint, NewJob, TakenJob } from '../job-store.ts';
import { errorText } from '../stored-error.ts';
import type { Row } from './database.ts';
import { JobEnds } from './job-ends.ts';
import { type RowState, shownState } from './job-rows.ts';
import type { Statements } from './statements.ts';
import type { ValueFiles, ValueInRow } from './value-files.ts';

/** How many attempts of a job are kept. */
const MAX_ATTEMPTS_KEPT = 20;

/** A job whose program ended so often while it ran is probably why. */
const MAX_INTERRUPTIONS = 10;

/** When so many bytes of inputs are on the way to a runner, no more are taken for a plugin. */
const MAX_TAKEN_BYTES = 16 * 1024 * 1024;

/** What a table is made of. */
export interface JobTableParts {
  readonly statements: Statements;
  readonly files: ValueFiles;
  readonly history: History;
  /** The time of day, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Told what may have become ready to be taken, and what has ended. */
  readonly hint: (hint: Hint) => void;
}

/** Says that all plugins are paused. */
const ALL = '*';

/** The jobs of one database, whose transactions are its owner's. Each method throws what SQLite and the file system throw. */
export class JobTable {
  readonly #statements: Statements;
  readonly #ends: JobEnds;
  readonly #files: ValueFiles;
  readonly #history: History;
  readonly #now: () => number;
  readonly #hint: (hint: Hint) => void;
  /** Files that no row needs once the transaction is durable. */
  readonly #unneeded: (() => void)[] = [];

  constructor({ statements, files, history, now, hint }: JobTableParts) {
    this.#statements = statements;
    this.#ends = new JobEnds({ statements, files, now, hint });
    this.#files = files;
    this.#history = history;
    this.#now = now;
    this.#hint = hint;
  }

  /* ---- Adding ---- */

  add(jobs: readonly NewJob[]): Added[] {
    /** Of jobs of this batch that were there already, by what their identifiers would have been. */
    const there = new Map<string, string>();
    return jobs.map((job) => {
      const after = job.after.map(({ id, name }) => ({ id: there.get(id) ?? id, name }));
      const added = this.#add({ ...job, after });
      if (!added.isNew) there.set(job.id, added.id);
      return added;
    });
  }

  #add(job: NewJob): Added {
    const fingerprint = fingerprintOf(job);
    if (job.key !== undefined) {
      const same = this.#statements.get('SELECT id, fingerprint FROM jobs WHERE key = ?', job.key);
      if (same !== undefined) {
        const id = same['id'] as string;
        if (Buffer.compare(same['fingerprint'] as Uint8Array, fingerprint) !== 0) throw otherInput(job, id);
        return { id, isNew: false };
      }
    }
    const blockers = job.after.map(({ id, name }) => {
      const state = this.#stateOf(id);
      if (state === undefined) throw unknownBlocker(job.plugin, id);
      return { id, name, state: shownState(state) };
    });
    const now = this.#now();
    const isBlocked = blockers.some((blocker) => blocker.state !== 'done');
    const state = isBlocked ? 'blocked' : job.delayMs > 0 ? 'delayed' : 'waiting';
    const input = this.#files.keep(job.id, 'input', job.input);
    this.#statements.run(
      `INSERT INTO jobs (id, plugin, tool, state, priority, place, key, fingerprint, once, attempts, backoff, timeout_ms,
        delay_ms, due_at, expires_at, added_at, input, tries, stream)
       VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[job.id, job.plugin, job.tool ?? null, state, job.priority, job.key ?? null, fingerprint, job.once ? 1 : 0],
      ...[job.attempts, JSON.stringify(job.backoff), job.timeoutMs ?? null, job.delayMs, now + job.delayMs],
      ...[job.ttlMs === undefined ? null : now + job.ttlMs, now, input, job.attempts],
      job.stream === true ? 1 : 0,
    );
    this.#statements.run('UPDATE jobs SET place = seq WHERE id = ?', job.id);
    for (const { id, name } of blockers)
      this.#statements.run('INSERT OR IGNORE INTO blockers (job, blocker, name) VALUES (?, ?, ?)', job.id, id, name);
    const failed = blockers.find((blocker) => blocker.state === 'failed' || blocker.state === 'cancelled');
    if (failed !== undefined)
      this.#ends.end(job.id, 'failed', errorText(blockerFailed(job.plugin, failed.id, failed.state)));
    else if (state === 'waiting') this.#hint({ kind: 'waiting', plugin: job.plugin });
    return { id: job.id, isNew: true };
  }

  /* ---- Running ---- */

  take(wanted: readonly { readonly plugin: string; readonly count: number }[]): TakenJob[] {
    const paused = new Set(this.paused());
    if (paused.has(ALL)) return [];
    return wanted.flatMap(({ plugin, count }) => (paused.has(plugin) ? [] : this.#take(plugin, count)));
  }

  #take(plugin: string, count: number): TakenJob[] {
    const rows = this.#statements.all(
      `SELECT id, plugin, tool, priority, attempt, attempts, backoff, timeout_ms, expires_at, once, stream, claim, input FROM jobs
       WHERE plugin = ? AND state = 'waiting' ORDER BY priority DESC, place LIMIT ?`,
      plugin,
      count,
    );
    const taken: TakenJob[] = [];
    let length = 0;
    for (const row of rows) {
      if (length > MAX_TAKEN_BYTES) {
        // Who gets fewer than it asked for takes it that there are no more.
        this.#hint({ kind: 'waiting', plugin });
        break;
      }
      const id = row['id'] as string;
      const claim = (row['claim'] as number) + 1;
      this.#statements.run("UPDATE jobs SET state = 'taken', claim = ? WHERE id = ?", claim, id);
      const job: TakenJob = {
        id,
        claim,
        plugin,
        tool: (row['tool'] as string | null) ?? undefined,
        priority: row['priority'] as number,
        attempt: (row['attempt'] as number) + 1,
        attempts: row['attempts'] as number,
        backoff: JSON.parse(row['backoff'] as string) as Backoff,
        timeoutMs: (row['timeout_ms'] as number | null) ?? undefined,
        expiresAt: (row['expires_at'] as number | null) ?? undefined,
        once: row['once'] === 1,
        stream: row['stream'] === 1,
        input: this.#files.read(id, 'input', row['input'] as ValueInRow),
        results: this.#resultsBefore(id),
      };
      taken.push(job);
      length += job.input.byteLength;
    }
    return taken;
  }

  #resultsBefore(id: string): ReadonlyMap<string, Uint8Array> {
    const rows = this.#statements.all(
      'SELECT jobs.id AS id, name, result FROM blockers JOIN jobs ON jobs.id = blocker WHERE job = ?',
      id,
    );
    return new Map(
      rows.map((row) => {
        const blocker = row['id'] as string;
        return [row['name'] as string, this.#files.read(blocker, 'result', row['result'] as ValueInRow)];
      }),
    );
  }

  /** `agoMs` is how long ago an attempt has begun, where it could not be said at once. */
  begin(begun: readonly (BegunAttempt & { readonly agoMs?: number })[]): void {
    for (const { id, claim, generation, agoMs = 0 } of begun) {
      const startedAt = Math.round(this.#now() - agoMs);
      const { changes } = this.#statements.run(
        `UPDATE jobs SET state = 'running', attempt = attempt + 1, started_at = ?, expires_at = NULL, progress = NULL
         WHERE id = ? AND claim = ? AND state = 'taken'`,
        ...[startedAt, id, claim],
      );
      if (changes === 0) continue;
      this.#statements.run(
        `INSERT INTO attempts (job, number, generation, started_at) SELECT id, attempt, ?, ? FROM jobs WHERE id = ?`,
        ...[generation ?? null, startedAt, id],
      );
      this.#statements.run(
        'DELETE FROM attempts WHERE job = ?1 AND number <= (SELECT attempt FROM jobs WHERE id = ?1) - ?2',
        ...[id, MAX_ATTEMPTS_KEPT],
      );
    }
  }

  progress(updates: readonly (Claim & { readonly progress: Progress })[]): void {
    for (const { id, claim, progress } of updates)
      this.#statements.run(
        "UPDATE jobs SET progress = ? WHERE id = ? AND claim = ? AND state = 'running'",
        ...[writeJson(progress, 'progress') ?? null, id, claim],
      );
  }

  settle(ended: readonly EndedAttempt[]): ('ok' | 'lost')[] {
    return ended.map(({ id, claim, outcome }) => {
      const row = this.#inHands(id, claim);
      if (row === undefined) return 'lost';
      this.#endAttempt(id, row['attempt'] as number, outcome);
      if (outcome.end === 'failed' && outcome.retryAfterMs !== undefined)
        this.#waitAgain(id, outcome.error, outcome.retryAfterMs);
      else if (outcome.end === 'done') this.#ends.end(id, 'done', null, outcome.result);
      else this.#ends.end(id, outcome.end, outcome.error);
      return 'ok';
    });
  }

  #endAttempt(id: string, number: number, outcome: AttemptOutcome): void {
    this.#statements.run(
      'UPDATE attempts SET ended_at = ?, end = ?, error = ? WHERE job = ? AND number = ? AND ended_at IS NULL',
      ...[this.#now(), outcome.end, outcome.end === 'done' ? null : outcome.error, id, number],
    );
  }

  giveBack(claims: readonly Claim[]): void {
    for (const { id, claim } of claims) {
      const row = this.#inHands(id, claim);
      if (row !== undefined) this.#release(id, row);
    }
  }

  /** At the start: what was in hands goes back, other than those of the program that starts. */
  recover(held: readonly Claim[]): void {
    const claims = new Map(held.map(({ id, claim }) => [id, claim]));
    for (const row of this.#statements.all(
      "SELECT id, plugin, state, attempt, once, claim, interruptions FROM jobs WHERE state IN ('taken', 'running')",
    ))
      if (claims.get(row['id'] as string) !== row['claim']) this.#release(row['id'] as string, row);
    this.#files.sweep((id, kind) => {
      const row = this.#statements.get(
        "SELECT input IS NULL AS input, result IS NULL AND state = 'done' AS result FROM jobs WHERE id = ?",
        id,
      );
      return row?.[kind] === 1;
    });
  }

  #release(id: string, row: Row): void {
    const plugin = row['plugin'] as string;
    if (row['state'] === 'running') {
      const error = errorText(interrupted(plugin, row['once'] === 1));
      const times = (row['interruptions'] as number) + 1;
      this.#statements.run('UPDATE jobs SET interruptions = ? WHERE id = ?', times, id);
      this.#statements.run(
        "UPDATE attempts SET ended_at = ?, end = 'interrupted', error = ? WHERE job = ? AND ended_at IS NULL",
        ...[this.#now(), error, id],
      );
      if (row['once'] === 1) return this.#ends.end(id, 'failed', error);
      if (times >= MAX_INTERRUPTIONS)
        return this.#ends.end(id, 'failed', errorText(interruptedTooOften(plugin, times)));
      // It does not count as one of its attempts.
      this.#statements.run('UPDATE jobs SET attempts = attempts + 1, error = ? WHERE id = ?', error, id);
    }
    this.#statements.run("UPDATE jobs SET state = 'waiting', claim = claim + 1, progress = NULL WHERE id = ?", id);
    this.#hint({ kind: 'waiting', plugin });
    return undefined;
  }

  #inHands(id: string, claim: number): Row | undefined {
    return this.#statements.get(
      `SELECT id, plugin, state, attempt, once, interruptions FROM jobs
       WHERE id = ? AND claim = ? AND state IN ('taken', 'running')`,
      ...[id, claim],
    );
  }

  #waitAgain(id: string, error: string, delayMs: number): void {
    this.#statements.run(
      "UPDATE jobs SET state = 'delayed', claim = claim + 1, error = ?, delay_ms = ?, due_at = ?, progress = NULL WHERE id = ?",
      ...[error, delayMs, this.#now() + delayMs, id],
    );
  }

  /* ---- Time ---- */

  /** Has jobs that are due wait for their turn, and ends those that have waited too long. Returns when to look again, at the latest. */
  turn(): number | undefined {
    const now = this.#now();
    // Where the clock was set back, a job waits its delay again at most.
    this.#statements.run(
      "UPDATE jobs SET due_at = ?1 + delay_ms WHERE state = 'delayed' AND due_at > ?1 + delay_ms",
      now,
    );
    for (const { plugin } of this.#statements.all(
      "UPDATE jobs SET state = 'waiting' WHERE state = 'delayed' AND due_at <= ? RETURNING plugin",
      now,
    ))
      this.#hint({ kind: 'waiting', plugin: plugin as string });
    for (const row of this.#statements.all(
      `SELECT id, plugin, expires_at - added_at AS ttl FROM jobs
       WHERE expires_at <= ? AND state IN ('waiting', 'delayed', 'blocked')`,
      now,
    ))
      this.#ends.end(row['id'] as string, 'failed', errorText(expired(row['plugin'] as string, row['ttl'] as number)));
    const next = this.#statements.get(
      `SELECT min((SELECT coalesce(min(due_at), 9e99) FROM jobs WHERE state = 'delayed'),
        (SELECT coalesce(min(expires_at), 9e99) FROM jobs WHERE expires_at IS NOT NULL AND state != 'taken')) AS at`,
    )?.['at'] as number;
    return next === 9e99 ? undefined : next;
  }

  /** Removes the oldest jobs of those that have ended, where there are more than are kept. Those that others come after stay with them. */
  prune(): void {
    const { maxJobs, maxAgeMs } = this.#history;
    const rows = this.#statements.all(
      `SELECT id FROM jobs WHERE ended_at IS NOT NULL AND (ended_at < ? OR (ended_at, seq) <=
         (SELECT ended_at, seq FROM jobs WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, seq DESC LIMIT 1 OFFSET ?))
       AND NOT EXISTS (SELECT 1 FROM blockers JOIN jobs AS later ON later.id = job
         WHERE blocker = jobs.id AND later.ended_at IS NULL) LIMIT 1000`,
      ...[this.#now() - maxAgeMs, maxJobs],
    );
    for (const { id } of rows) this.#delete(id as string);
  }

  /* ---- By users ---- */

  requestCancel(ids: readonly string[], error: string): (JobState | undefined)[] {
    return ids.map((id) => {
      const state = this.#stateOf(id);
      if (state === 'waiting' || state === 'delayed' || state === 'blocked') this.#ends.end(id, 'cancelled', error);
      // In the hands of a runner, who is asked.
      return state === 'taken' ? 'running' : state;
    });
  }

  retry(ids: readonly string[]): (JobState | undefined)[] {
    return ids.map((id) => {
      const state = this.#stateOf(id);
      if (state === undefined || !isFinal(shownState(state))) return state && shownState(state);
      const blocker = this.#ends.openBlocker(id);
      const row = this.#statements.get(
        `UPDATE jobs SET state = ?, attempts = attempt + tries, interruptions = 0, error = NULL, result = NULL,
          ended_at = NULL, progress = NULL WHERE id = ? RETURNING plugin`,
        ...[blocker === undefined ? 'waiting' : 'blocked', id],
      );
      this.#unneeded.push(() => this.#files.remove(id, 'result'));
      const plugin = row?.['plugin'] as string;
      const blockerState = blocker?.['state'] as JobState | undefined;
      if (blockerState === undefined) this.#hint({ kind: 'waiting', plugin });
      else if (isFinal(blockerState))
        this.#ends.end(id, 'failed', errorText(blockerFailed(plugin, blocker?.['id'] as string, blockerState)));
      return shownState(state);
    });
  }

  remove(ids: readonly string[]): (JobState | undefined)[] {
    return ids.map((id) => {
      const state = this.#stateOf(id);
      if (state === undefined) return undefined;
      if (isFinal(shownState(state))) this.#delete(id);
      return shownState(state);
    });
  }

  #delete(id: string): void {
    this.#statements.run('DELETE FROM jobs WHERE id = ?', id);
    this.#statements.run('DELETE FROM attempts WHERE job = ?', id);
    this.#statements.run('DELETE FROM blockers WHERE job = ?1 OR blocker = ?1', id);
    this.#unneeded.push(() => {
      this.#files.remove(id, 'input');
      this.#files.remove(id, 'result');
    });
  }

  place(id: string, priority: number | undefined, first: boolean): JobState | undefined {
    const state = this.#stateOf(id);
    if (state === undefined || isFinal(shownState(state))) return state && shownState(state);
    if (priority !== undefined) this.#statements.run('UPDATE jobs SET priority = ? WHERE id = ?', priority, id);
    if (first) {
      this.#statements.run(
        `UPDATE jobs SET priority = max(priority, coalesce((SELECT max(priority) FROM jobs AS other
           WHERE other.plugin = jobs.plugin AND other.state = 'waiting'), priority)) WHERE id = ?`,
        id,
      );
      this.#statements.run(
        `UPDATE jobs SET place = min(place, coalesce((SELECT min(place) FROM jobs AS other
           WHERE other.plugin = jobs.plugin AND other.state = 'waiting' AND other.priority = jobs.priority), place) - 1)
         WHERE id = ?`,
        id,
      );
    }
    return shownState(state);
  }

  pause(plugins: readonly string[]): void {
    for (const plugin of plugins.length === 0 ? [ALL] : plugins)
      this.#statements.run('INSERT OR IGNORE INTO paused (plugin) VALUES (?)', plugin);
  }

  resume(plugins: readonly string[]): void {
    if (plugins.length === 0) this.#statements.run('DELETE FROM paused');
    for (const plugin of plugins) this.#statements.run('DELETE FROM paused WHERE plugin = ?', plugin);
    for (const plugin of this.waitingPlugins()) this.#hint({ kind: 'waiting', plugin });
  }

  paused(): string[] {
    return this.#statements.all('SELECT plugin FROM paused').map(({ plugin }) => plugin as string);
  }

  waitingPlugins(): string[] {
    const rows = this.#statements.all("SELECT DISTINCT plugin FROM jobs WHERE state = 'waiting'");
    return rows.map(({ plugin }) => plugin as string);
  }

  /* ---- Its transactions ---- */

  /** To be called when the transaction is done: removes the files that it has made useless. */
  committed(): void {
    for (const remove of this.#unneeded.splice(0)) remove();
  }

  /** Returns what is to be called where the rows are set back to how they are now. */
  savepoint(): () => void {
    const { length } = this.#unneeded;
    return () => void this.#unneeded.splice(length);
  }

  #stateOf(id: string): RowState | undefined {
    return this.#statements.get('SELECT state FROM jobs WHERE id = ?', id)?.['state'] as RowState | undefined;
  }
}
