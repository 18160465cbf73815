import type { Problem } from '../api/problem.ts';
import { ERROR_CODES, GreenroomError, type RemoteError } from '../errors.ts';
import { readJson } from '../json/read-json.ts';
import { withoutNulls } from './unlimited.ts';

/** The error that a daemon told of, as its supervisor threw it. Without a code it is one of HTTP: `E_DAEMON`. */
export function errorOfProblem(text: string, status: number): GreenroomError {
  const problem = problemIn(text);
  const { code, detail, plugin } = problem;
  if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)) {
    const remote = problem.remote === undefined ? undefined : remoteOf(problem.remote);
    // Each code has details of its own, of which the daemon has the same idea.
    const details = withoutNulls(problem.details) as undefined;
    return new GreenroomError(code, String(detail), { plugin, remote, details });
  }
  return new GreenroomError(
    'E_DAEMON',
    `The daemon refused the request (${status}): ${detail ?? 'it does not say why.'}`,
  );
}

function problemIn(text: string): Partial<Problem> {
  try {
    const value = readJson(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Fields that are undefined are not sent. */
function remoteOf({ type, message, category, retryable, ...rest }: RemoteError): RemoteError {
  return { type, message, category, retryable, ...rest };
}
