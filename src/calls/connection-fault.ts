import type { GreenroomError } from '../errors.ts';

/**
 * What a broken connection to a worker says.
 *
 * - `shortage`: the host program itself had no descriptor or buffer left to connect with; it passes.
 * - `unreachable`: no connection could be made, so nothing was sent.
 * - `broken`: the connection broke; the worker may have begun the call.
 */
export type ConnectionFault = 'shortage' | 'unreachable' | 'broken';

const SHORTAGES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** Tells by errno and system call what the connection of an `E_CRASHED` error failed of. */
export function connectionFault({ cause }: GreenroomError): ConnectionFault {
  if (!(cause instanceof Error)) return 'broken';
  const { code, syscall } = cause as NodeJS.ErrnoException;
  if (syscall !== 'connect') return 'broken';
  return SHORTAGES.has(code) ? 'shortage' : 'unreachable';
}
