import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { destroyUnfinished } from '../proxy/destroy-connection.ts';
import { discardRest } from '../proxy/discard-rest.ts';
import type { RawHeaders } from '../proxy/headers.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { Exchange } from '../server/route.ts';
import { KEY_HEADERS } from './api-keys.ts';
import { type Dialect, dialectOf, errorEvent, type ModelError } from './dialect.ts';
import { giveModelError, modelErrorOf } from './failure.ts';
import type { ModelCatalogue } from './model-catalogue.ts';
import type { ModelRequest } from './model-request.ts';
import { readModelRequest } from './read-model-request.ts';
import { WaitingStream } from './waiting-stream.ts';

/** A name for a request, by which client and log mean the same. */
export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`;
}

/** What the exchanges of a front share. */
export interface ModelParts {
  readonly supervisor: Supervisor;
  readonly catalogue: ModelCatalogue;
  /** Writes down an error that is no fault of the request. */
  onError(error: unknown): void;
}

/**
 * Answers a request by the plugin that has its model. Never rejects: what goes wrong is told in the dialect of the path.
 *
 * @param path the path to ask the plugin's server for
 */
export async function answerByModel(parts: ModelParts, exchange: Exchange, path: string): Promise<void> {
  const { request, response, query } = exchange;
  const requestId = newRequestId();
  let asked: ModelRequest | undefined;
  let waiting: WaitingStream | undefined;
  try {
    asked = await readModelRequest(request, response, query);
    const manifest = parts.catalogue.find(asked.model);
    const { query: changed, ...rewritten } = asked.rewrite(manifest);
    const [, search] = /\?(.*)$/.exec(request.url ?? '') ?? [];
    const wanted = changed ?? search;
    if (asked.stream) waiting = new WaitingStream(response, requestId);
    await parts.supervisor.forward(manifest.name, request, response, {
      ...rewritten,
      path: wanted === undefined ? path : `${path}?${wanted}`,
      // A stream whose head was sent already could not say that it is compressed.
      headers: { drop: KEY_HEADERS, ...(asked.stream && { set: { 'accept-encoding': 'identity' } }) },
      ...forwardingOf(dialectOf(request), manifest.name, requestId, waiting),
    });
  } catch (error) {
    tell(parts, response, error, requestId, waiting);
  } finally {
    waiting?.stop();
    await asked?.discard();
    if (!response.destroyed) discardRest(request, response);
  }
}

/** Forwards a request to a plugin as it is. Never rejects. */
export async function answerByPlugin(
  parts: ModelParts,
  { request, response }: Exchange,
  plugin: string,
  path: string,
): Promise<void> {
  const requestId = newRequestId();
  try {
    await parts.supervisor.forward(plugin, request, response, {
      path,
      headers: { drop: KEY_HEADERS },
      ...forwardingOf(dialectOf(request), plugin, requestId, undefined),
    });
  } catch (error) {
    tell(parts, response, error, requestId, undefined);
  }
}

/** How the answer of a server is watched: that of a client that was sent a head, and one that ends in its middle. */
function forwardingOf(dialect: Dialect, plugin: string, requestId: string, waiting: WaitingStream | undefined) {
  let isEvents = false;
  return {
    divert(status: number, headers: RawHeaders): ((body: Buffer) => void) | undefined {
      waiting?.stop();
      if (waiting?.begun !== true || (status < 300 && isEventStream(headers))) return undefined;
      return (body) => waiting.fail(dialect, divertedError(plugin, status, body));
    },
    onResponse(_status: number, headers: RawHeaders): void {
      isEvents = isEventStream(headers) && headerOf(headers, 'content-length') === undefined;
    },
    onEarlyEnd(response: ServerResponse): void {
      if (!isEvents) return destroyUnfinished(response);
      const message = `"${plugin}" ended in the middle of its answer. See its log: greenroom logs ${plugin}.`;
      response.end(errorEvent(dialect, { status: 502, message, code: 'E_CRASHED' }, requestId));
    },
  };
}

function tell(
  { onError }: ModelParts,
  response: ServerResponse,
  error: unknown,
  requestId: string,
  waiting: WaitingStream | undefined,
): void {
  const told = modelErrorOf(error);
  if (told.code === 'internal_error' && !response.destroyed) onError(error);
  if (response.destroyed || response.writableEnded) return;
  if (!response.headersSent) giveModelError(response, error, requestId);
  else if (waiting === undefined) response.destroy();
  else waiting.fail(dialectOf(response.req), told);
}

/** An error of the server itself, in the words that it was told in where they can be found. */
function divertedError(plugin: string, status: number, body: Buffer): ModelError {
  const own = messageIn(body.toString('utf8'));
  if (status < 400) {
    const message = `"${plugin}" answered with something other than a stream of events.`;
    return { status: 502, message, code: 'E_PROTOCOL' };
  }
  return { status, message: own ?? `"${plugin}" answered with status ${status}.`, code: `status_${status}` };
}

function messageIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: string | { message?: unknown } };
    const message = typeof error === 'object' ? error.message : error;
    if (typeof message === 'string') return message;
  } catch {
    // Many servers answer with text, or a page.
  }
  const plain = text.trim();
  return plain === '' || plain.startsWith('<') ? undefined : plain.slice(0, 2_000);
}

function isEventStream(headers: RawHeaders): boolean {
  const coding = headerOf(headers, 'content-encoding') ?? 'identity';
  return /^text\/event-stream\s*(;|$)/i.test(headerOf(headers, 'content-type') ?? '') && coding === 'identity';
}

function headerOf(headers: RawHeaders, name: string): string | undefined {
  const at = headers.findIndex((key, index) => index % 2 === 0 && key.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}
