import type { ServerResponse } from 'node:http';
import { STATUSES } from '../api/problem.ts';
import { type ErrorCode, GreenroomError } from '../errors.ts';
import { give } from '../server/answer.ts';
import { UnreadBody } from '../server/body.ts';
import type { Refusal } from '../server/refusal.ts';
import { MemoryFull } from './body-memory.ts';
import { dialectOf, errorText, type ModelError } from './dialect.ts';
import { SpoolFull } from './spool-space.ts';

/** A request that names no model, or is not to be understood: the client's to correct. */
export class BadModelRequest extends Error {
  override readonly name = 'BadModelRequest';
  readonly error: ModelError;

  constructor(error: ModelError) {
    super(error.message);
    this.error = error;
  }
}

/** Clients sleep out what `Retry-After` says without a word, so it is never more than this, in seconds. */
const MAX_RETRY_SECONDS = 10;

/** The errors after which the same request may well succeed; after how many seconds. */
const PASSING: Partial<Readonly<Record<ErrorCode, number>>> = { E_QUEUE_FULL: 1, E_REFUSED: 5, E_STOPPING: 2 };

/** After how many seconds a request that found no room in memory or on disk may come again. */
const ROOM_RETRY_SECONDS = 2;

/** An error as it is told to clients of models. */
export function modelErrorOf(error: unknown): ModelError {
  if (error instanceof BadModelRequest) return error.error;
  if (error instanceof UnreadBody) return { status: error.status, message: error.message, code: 'unread_body' };
  if (error instanceof MemoryFull) return { status: 503, message: error.message, code: 'memory_full' };
  if (error instanceof SpoolFull) return { status: 503, message: error.message, code: 'disk_full' };
  if (!(error instanceof GreenroomError))
    return { status: 500, message: 'Greenroom failed to answer. Its log says why.', code: 'internal_error' };
  const { code, message } = error;
  // Here it is what cannot be forwarded, which is HTTP's to say.
  return { status: code === 'E_INPUT' ? 400 : STATUSES[code], message, code };
}

/**
 * Answers with an error in the dialect of the path. Clients send again by themselves what failed with a status of 5xx,
 * 408, 409 or 429; they are told not to where the work had begun, or where the same would come of it.
 */
export function giveModelError(response: ServerResponse, error: unknown, requestId: string): void {
  const told = modelErrorOf(error);
  giveError(response, told, requestId, retryHeaders(error, told));
}

/** An error as the refusal of a request that has no answer in JSON, such as an upgrade. */
export function modelRefusalOf(error: unknown): Refusal {
  const told = modelErrorOf(error);
  return { status: told.status, message: told.message, headers: retryHeaders(error, told) };
}

/** Answers with the refusal of a guard, in the dialect of the path. */
export function refuseModelRequest(response: ServerResponse, refusal: Refusal, requestId: string): void {
  const { status, message, headers } = refusal;
  const code = status === 401 ? 'invalid_api_key' : 'refused';
  giveError(response, { status, message, code }, requestId, headers);
}

/** The headers by which clients name a request when they tell of an error. */
export function idHeaders(requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, 'request-id': requestId };
}

function giveError(
  response: ServerResponse,
  error: ModelError,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = errorText(dialectOf(response.req), error, requestId);
  give(response, 'application/json', text, error.status, { ...idHeaders(requestId), ...headers });
}

function retryHeaders(error: unknown, { status }: ModelError): Record<string, string> {
  const seconds = retrySeconds(error);
  if (seconds !== undefined) return { 'retry-after': String(seconds) };
  return status >= 408 ? { 'x-should-retry': 'false' } : {};
}

function retrySeconds(error: unknown): number | undefined {
  if (error instanceof MemoryFull || error instanceof SpoolFull) return ROOM_RETRY_SECONDS;
  if (!(error instanceof GreenroomError)) return undefined;
  const { code, details } = error;
  const seconds = PASSING[code];
  if (seconds === undefined) return undefined;
  const ms = (details as { readonly retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  return Math.min(MAX_RETRY_SECONDS, typeof ms === 'number' ? Math.max(1, Math.ceil(ms / 1_000)) : seconds);
}
