import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { Exchange } from '../server/route.ts';
import { AnswerWatch } from './answer-watch.ts';
import { KEY_HEADERS } from './api-keys.ts';
import type { BodyMemory } from './body-memory.ts';
import { dialectOf } from './dialect.ts';
import type { DroppedRequests } from './dropped-requests.ts';
import { giveModelError, modelErrorOf } from './failure.ts';
import type { ModelCatalogue } from './model-catalogue.ts';
import type { ModelRequest } from './model-request.ts';
import { isModelPath } from './model-routes.ts';
import { readModelRequest } from './read-model-request.ts';
import type { SpoolSpace } from './spool-space.ts';
import { WaitingStream } from './waiting-stream.ts';

/** For how long a client may leave its answer unread, in milliseconds; it holds its place at the plugin meanwhile. */
const CLIENT_IDLE_MS = 600_000;

/**
 * Headers of answers that are taken off: by these, a page of a plugin would decide about this server's other pages, as
 * they all have one origin.
 */
export const OF_WHOLE_ORIGIN: readonly string[] = ['service-worker-allowed', 'clear-site-data'];

/** A name for a request, by which client and log mean the same. */
export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`;
}

/** What the exchanges of a front share. */
export interface ModelParts {
  readonly supervisor: Supervisor;
  readonly catalogue: ModelCatalogue;
  readonly dropped: DroppedRequests;
  readonly memory: BodyMemory;
  readonly space: SpoolSpace;
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
  const room = parts.memory.room(request);
  try {
    asked = await readModelRequest(request, response, query, room, parts.space);
    const manifest = parts.catalogue.find(asked.model);
    const { query: changed, ...rewritten } = asked.rewrite(manifest);
    const [, search] = /\?(.*)$/.exec(request.url ?? '') ?? [];
    const wanted = changed ?? search;
    if (asked.stream) waiting = new WaitingStream(response, requestId);
    const { body } = rewritten;
    const now = performance.now();
    const place = body instanceof Uint8Array ? parts.dropped.placeOf(request, body) : undefined;
    const watch = new AnswerWatch(dialectOf(request), manifest.name, requestId, waiting);
    const { kind } = await parts.supervisor.forward(manifest.name, request, response, {
      ...rewritten,
      waitedMs: place === undefined ? undefined : now - place,
      path: wanted === undefined ? path : `${path}?${wanted}`,
      // A stream whose head was sent already could not say that it is compressed.
      headers: { drop: KEY_HEADERS, ...(asked.stream && { set: { 'accept-encoding': 'identity' } }) },
      dropOfAnswer: OF_WHOLE_ORIGIN,
      clientIdleMs: CLIENT_IDLE_MS,
      ...watch.hooks,
    });
    if (kind === 'clientGone' && !watch.answered && body instanceof Uint8Array)
      parts.dropped.drop(request, body, place ?? now);
  } catch (error) {
    tell(parts, response, error, requestId, waiting);
  } finally {
    waiting?.stop();
    room.leave();
    await asked?.discard();
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
      dropOfAnswer: OF_WHOLE_ORIGIN,
      clientIdleMs: CLIENT_IDLE_MS,
      // To programs of another kind, an event of this server would be a message, and a clean end a whole answer.
      ...(isModelPath(path) && new AnswerWatch(dialectOf(request), plugin, requestId, undefined).hooks),
    });
  } catch (error) {
    tell(parts, response, error, requestId, undefined);
  }
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
