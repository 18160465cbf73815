import { GreenroomError, messageOf } from '../../errors.ts';

/** A value in a row. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A row, by column. */
export type Row = Readonly<Record<string, SqlValue>>;

/** A prepared statement. */
export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): readonly Row[];
}

/** The part of Node's `DatabaseSync` that is used. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface SqliteModule {
  readonly DatabaseSync: new (
    path: string,
    options?: { readonly timeout?: number; readonly readOnly?: boolean },
  ) => Database;
}

/** The package that has the same interface where Node has no SQLite: before 22.13. */
const PEER = '@photostructure/sqlite';

/** What gives a Node SQLite that has none, a sentence. */
export const SQLITE_NEXT = `Run "npm install ${PEER}@1", or use Node 22.13 or later.`;

/** Opens a database with Node's own SQLite, else with that of {@link PEER}. Rejects with `E_JOB_STORE` where there is neither. */
export async function openDatabase(path: string, { readOnly = false } = {}): Promise<Database> {
  const { DatabaseSync } = (await sqliteModule()).module;
  return new DatabaseSync(path, { timeout: 0, readOnly });
}

/** Whose SQLite {@link openDatabase} uses, tried out, and its version. Rejects with `E_JOB_STORE` where there is none that works. */
export async function findSqlite(): Promise<{ readonly name: string; readonly version: string }> {
  const { name, module } = await sqliteModule();
  const database = new module.DatabaseSync(':memory:');
  const version = String(database.prepare('SELECT sqlite_version() AS version').get()?.['version']);
  database.close();
  return { name, version };
}

async function sqliteModule(): Promise<{ readonly name: string; readonly module: SqliteModule }> {
  // Node 20 has none, and 22 has it behind a flag before 22.13: there the built-in module is not found.
  const own = withoutItsWarning(() => process.getBuiltinModule('node:sqlite'));
  if (own !== undefined) return { name: `Node ${process.versions.node}`, module: own as unknown as SqliteModule };
  try {
    return { name: PEER, module: await import('@photostructure/sqlite') };
  } catch (error) {
    throw new GreenroomError(
      'E_JOB_STORE',
      `Jobs are kept in SQLite, which Node ${process.versions.node} does not have. ${SQLITE_NEXT}${whyMissing(error)}`,
      { cause: error },
    );
  }
}

/** Why the package cannot be used although it is there, with a space before; empty where it is not. */
export function whyMissing(error: unknown): string {
  const why = messageOf(error).split('\n')[0] ?? '';
  return why.startsWith(`Cannot find package '${PEER}'`) ? '' : ` ${why}`;
}

/** Node 22 warns that its SQLite is experimental, each time a program first uses it; the part that is used is stable. */
function withoutItsWarning<Value>(load: () => Value): Value {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
