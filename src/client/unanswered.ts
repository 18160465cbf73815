import { GreenroomError } from '../errors.ts';
import { systemCodeOf } from '../system-error.ts';

/** By these codes of system calls nothing took the connection, so that the request cannot have been read. */
const NOT_TAKEN: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

/** Whether it is the error of a system call by which nothing took a connection. */
export function isNotTaken(error: unknown): boolean {
  return NOT_TAKEN.has(systemCodeOf(error));
}

/** Whether a client's error says that there is no daemon, or none that can be reached. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof GreenroomError && error.code === 'E_DAEMON' && isNotTaken(error.cause);
}
