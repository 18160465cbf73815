import type { ServerResponse } from 'node:http';
import { ERROR_CODES, type ErrorCode, GreenroomError, type RemoteError } from '../errors.ts';
import { printedJson } from '../json/printed-json.ts';
import { give } from '../server/answer.ts';
import { UnreadBody } from '../server/body.ts';
import type { Refusal } from '../server/refusal.ts';

/** An error as the interface tells it: problem details (RFC 9457) with what Greenroom's errors have beside. */
export interface Problem {
  /** `urn:greenroom:` and the code, or `about:blank` for an error of HTTP alone. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The message: what failed, why, and what to do. */
  readonly detail: string;
  readonly code?: ErrorCode | undefined;
  readonly plugin?: string | undefined;
  /** The plugin's own error. Bytes in its details are base64. */
  readonly remote?: RemoteError | undefined;
  readonly details?: unknown;
}

/** The status for each code; `E_REMOTE` has that of {@link REMOTE_STATUSES}. */
export const STATUSES: Readonly<Record<ErrorCode, number>> = {
  E_UNKNOWN_PLUGIN: 404,
  E_MANIFEST: 500,
  E_OPTIONS: 400,
  E_CONFIG: 422,
  E_INPUT: 422,
  E_DISABLED: 409,
  E_NOT_LOADED: 409,
  E_START: 502,
  E_START_TIMEOUT: 504,
  E_HANDSHAKE: 502,
  E_CRASHED: 502,
  E_HUNG: 504,
  E_MEMORY: 502,
  E_GIVEN_UP: 503,
  E_REFUSED: 503,
  E_QUEUE_FULL: 429,
  E_TIMEOUT: 504,
  E_CANCELLED: 409,
  E_REMOTE: 500,
  E_UNSUPPORTED: 501,
  E_SERIALIZE: 422,
  E_PROTOCOL: 502,
  E_STOPPING: 503,
  E_DATA_DIR: 500,
  E_JOB: 409,
  E_INTERRUPTED: 500,
  E_JOB_STORE: 500,
  E_DAEMON: 502,
};

/** The status of a plugin's own error, by its category. */
export const REMOTE_STATUSES: Readonly<Record<RemoteError['category'], number>> = {
  input: 422,
  transient: 503,
  resource: 503,
  fatal: 500,
};

/** After how many seconds a request may be sent again, where that may help. */
const RETRY_SECONDS: Partial<Readonly<Record<ErrorCode, string>>> = {
  E_QUEUE_FULL: '1',
  E_REFUSED: '5',
  E_STOPPING: '2',
};

/** An error as problem details. */
export function problemOf(error: unknown): Problem {
  if (error instanceof UnreadBody) return problemOfRefusal(error);
  if (!(error instanceof GreenroomError)) {
    const detail = 'Greenroom failed to answer. Its log says why.';
    return problemOfRefusal({ status: 500, message: detail });
  }
  const { code, plugin, remote, details, message } = error;
  const status = code === 'E_REMOTE' && remote !== undefined ? REMOTE_STATUSES[remote.category] : STATUSES[code];
  return {
    type: `urn:greenroom:${code}`,
    title: ERROR_CODES[code],
    status,
    detail: message,
    code,
    plugin,
    remote,
    details,
  };
}

/** Tells of an error. */
export function giveProblem(response: ServerResponse, error: unknown): void {
  const problem = problemOf(error);
  const retry = problem.code === undefined ? undefined : RETRY_SECONDS[problem.code];
  give(response, 'application/problem+json', printedJson(problem), problem.status, {
    ...(retry !== undefined && { 'retry-after': retry }),
  });
}

/** Tells why a request is not answered. */
export function refuseWithProblem(response: ServerResponse, refusal: Refusal): void {
  const { status, headers } = refusal;
  give(response, 'application/problem+json', printedJson(problemOfRefusal(refusal)), status, headers);
}

function problemOfRefusal({ status, message }: Pick<Refusal, 'status' | 'message'>): Problem {
  return { type: 'about:blank', title: 'The request is not answered.', status, detail: message };
}
