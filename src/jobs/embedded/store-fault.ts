import { GreenroomError, messageOf } from '../../errors.ts';
import { systemCodeOf } from '../../system-error.ts';

/** SQLite's primary result codes, https://sqlite.org/rescode.html. */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** What SQLite or the file system says, as an error of ours with what to do. */
export function storeFault(error: unknown, file: string): Error {
  if (error instanceof GreenroomError) return error;
  const said = messageOf(error);
  return new GreenroomError('E_JOB_STORE', `${whatIsWrong(error, file)} (${said})`, { cause: error });
}

function whatIsWrong(error: unknown, file: string): string {
  switch (resultCode(error)) {
    case BUSY:
      return `The store of jobs ${file} is in use by another program. Only one may use it at a time: stop that one, or give this one another dataDir.`;
    case CORRUPT:
    case NOT_A_DATABASE:
      return `The store of jobs ${file} is damaged. A copy as it was found is "${file}.damaged". Mend it with the sqlite3 program (.recover), or remove "${file}" and "${file}-wal" to begin a new one.`;
    case FULL:
      return `The disk of the store of jobs ${file} is full. Nothing was changed: make room, then try again.`;
    default:
      if (systemCodeOf(error) === 'ENOSPC')
        return `The disk of the store of jobs ${file} is full. Nothing was changed: make room, then try again.`;
      return `The store of jobs ${file} cannot be used.`;
  }
}

/** Whether it says that another program has the database. */
export function isInUse(error: unknown): boolean {
  return resultCode(error) === BUSY;
}

/** Whether it says that the database is damaged. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === CORRUPT || code === NOT_A_DATABASE;
}

/** The primary code: the low byte of the extended one. Node's SQLite says it as `errcode`. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  if (typeof code === 'number') return code & 0xff;
  const said = messageOf(error);
  if (/database is locked/.test(said)) return BUSY;
  if (/malformed/.test(said)) return CORRUPT;
  if (/not a database/.test(said)) return NOT_A_DATABASE;
  return /disk is full/.test(said) ? FULL : undefined;
}
