import type { IncomingMessage } from 'node:http';

/** Whose errors a client understands: those of OpenAI, which most programs have taken over, or those of Anthropic. */
export type Dialect = 'openai' | 'anthropic';

/** An error as clients of models are told it. */
export interface ModelError {
  readonly status: number;
  readonly message: string;
  /** For programs: `model_not_found`, or a code of Greenroom. */
  readonly code: string;
  /** The field of the request that is wrong, if one is. */
  readonly param?: string | undefined;
}

/** The dialect of the client that sent a request: Anthropic's paths are its own, and its clients say their version. */
export function dialectOf({ url = '', headers }: IncomingMessage): Dialect {
  const isOwn = /\/messages(\/|\?|$)/.test(url) || headers['anthropic-version'] !== undefined;
  return isOwn ? 'anthropic' : 'openai';
}

/** An error as the body of an answer, in JSON without line breaks. */
export function errorText(dialect: Dialect, error: ModelError, requestId: string): string {
  const { status, message, code, param } = error;
  return dialect === 'anthropic'
    ? JSON.stringify({
        type: 'error',
        error: { type: anthropicType(status), message, code },
        request_id: requestId,
      })
    : JSON.stringify({ error: { message, type: openAiType(status), param: param ?? null, code } });
}

/**
 * An error in a stream of server-sent events. The empty line before it ends an event that was begun: a stream that ends
 * without such an event looks complete to clients.
 */
export function errorEvent(dialect: Dialect, error: ModelError, requestId: string): string {
  const text = errorText(dialect, error, requestId);
  return dialect === 'anthropic' ? `\n\nevent: error\ndata: ${text}\n\n` : `\n\ndata: ${text}\n\n`;
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

function anthropicType(status: number): string {
  return ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
