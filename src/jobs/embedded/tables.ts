import { GreenroomError } from '../../errors.ts';
import type { Database } from './database.ts';

/** The version of the tables, kept as SQLite's `user_version`. */
export const TABLES_VERSION = 1;

/** A column that stores of this version may not have yet, and programs that do not know it leave at its default. */
const STREAM = 'stream INTEGER NOT NULL DEFAULT 0';

/*
 * `state` is that of a job as users see it, and `taken` while a runner has it that has not begun: users see `waiting`.
 * `input` and `result` are null where a file has them.
 * `place` orders jobs of a priority. `tries`
 * is how many attempts a job may have each time that it is begun anew, `attempts` in all. `claim` counts how often it was taken, so that nobody can settle what another has by now.
 */
const TABLES = `
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    plugin TEXT NOT NULL,
    tool TEXT,
    state TEXT NOT NULL,
    priority REAL NOT NULL,
    place INTEGER NOT NULL,
    key TEXT UNIQUE,
    fingerprint BLOB NOT NULL,
    once INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    backoff TEXT NOT NULL,
    timeout_ms REAL,
    delay_ms REAL NOT NULL,
    due_at REAL,
    expires_at REAL,
    added_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    attempt INTEGER NOT NULL DEFAULT 0,
    claim INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    progress TEXT,
    error TEXT,
    input ANY,
    result ANY,
    ${STREAM}
  ) STRICT;
  CREATE INDEX jobs_to_take ON jobs (plugin, priority DESC, place) WHERE state = 'waiting';
  CREATE INDEX jobs_of_plugin ON jobs (plugin, seq);
  CREATE INDEX jobs_in_state ON jobs (state, seq);
  CREATE INDEX jobs_due ON jobs (due_at) WHERE state = 'delayed';
  CREATE INDEX jobs_that_expire ON jobs (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX jobs_that_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE blockers (
    job TEXT NOT NULL,
    blocker TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (job, blocker, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blocked_by ON blockers (blocker);
  CREATE TABLE attempts (
    job TEXT NOT NULL,
    number INTEGER NOT NULL,
    generation INTEGER,
    started_at REAL NOT NULL,
    ended_at REAL,
    end TEXT,
    error TEXT,
    PRIMARY KEY (job, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE paused (plugin TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`;

/**
 * Makes the database one process's own, and makes its tables where it is new. Throws `E_JOB_STORE` where another process
 * has it, where it is of a later version or is damaged, and what SQLite throws.
 */
export function prepareTables(database: Database, file: string, wasClean: boolean): void {
  // Whoever has it keeps it until it ends, however it ends: the lock is the operating system's.
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('BEGIN IMMEDIATE');
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > TABLES_VERSION) {
    database.exec('ROLLBACK');
    throw new GreenroomError(
      'E_JOB_STORE',
      `The store of jobs ${file} is of version ${version}, and this Greenroom knows version ${TABLES_VERSION}. ` +
        'Use a later Greenroom, or move the store away to begin a new one.',
    );
  }
  if (version === 0) {
    database.exec(TABLES);
    database.exec(`PRAGMA user_version = ${TABLES_VERSION}`);
  }
  const known = database.prepare("SELECT 1 FROM pragma_table_info('jobs') WHERE name = 'stream'").get();
  if (known === undefined) database.exec(`ALTER TABLE jobs ADD COLUMN ${STREAM}`);
  database.exec('COMMIT');
  if (!wasClean && version > 0) checkIntegrity(database);
}

function checkIntegrity(database: Database): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found === 'ok') return;
  // As SQLite says it where it finds it by itself.
  throw new Error(`database disk image is malformed: ${String(found)}`);
}
