import type { GreenroomError } from '../errors.ts';
import { shortageIn } from '../system-error.ts';

/**
 * What a broken connection to a worker says.
 *
 * - `shortage`: the host program itself was without a descriptor or buffer to connect with for so long that it was no
 *   longer tried; the worker is not to blame.
 * - `unreachable`: no connection could be made, so nothing was sent.
 * - `broken`: the connection broke; the worker may have begun the call.
 */
export type ConnectionFault = 'shortage' | 'unreachable' | 'broken';

/** Tells by errno and system call what the connection of an `E_CRASHED` error failed of. */
export function connectionFault({ cause }: GreenroomError): ConnectionFault {
  if (!(cause instanceof Error)) return 'broken';
  if ((cause as NodeJS.ErrnoException).syscall !== 'connect') return 'broken';
  return shortageIn(cause) === undefined ? 'unreachable' : 'shortage';
}
