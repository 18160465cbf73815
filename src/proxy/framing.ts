import type { IncomingMessage } from 'node:http';
import { GreenroomError } from '../errors.ts';
import type { Upstream } from './upstream.ts';

/** How the body of a request ends: after so many bytes, in chunks, or there is none. */
export type Framing = number | 'chunked' | 'none';

/**
 * How a request's body ends. What can be read in two ways is an error, not a guess: a server that reads it the other
 * way would take the rest for a further request. Node's parser lets such codings pass.
 */
export function framingOf(request: IncomingMessage): Framing | Error {
  const { 'transfer-encoding': codings, 'content-length': length } = request.headers;
  if (codings === undefined) return length === undefined ? 'none' : Number(length);
  if (request.httpVersion === '1.0')
    return badRequest('Transfer-Encoding is unknown to HTTP/1.0: send a Content-Length.');
  return codings.toLowerCase() === 'chunked'
    ? 'chunked'
    : badRequest(`Transfer-Encoding: expected chunked alone, got "${codings}".`);
}

/** The path to ask a server for, below its prefix. */
export function upstreamPath({ prefix }: Upstream, path: string): string | Error {
  return path.startsWith('/')
    ? `${prefix}${path}`
    : badRequest(`The path of a forwarded request must begin with "/", got "${path}".`);
}

/** What a client asked for and must not be forwarded. */
export function badRequest(message: string): Error {
  return new GreenroomError('E_INPUT', message);
}
