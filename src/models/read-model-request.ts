import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../server/body.ts';
import { hasBody } from '../server/guard.ts';
import type { BodyRoom } from './body-memory.ts';
import { BadModelRequest } from './failure.ts';
import { boundaryOf, readForm } from './form-request.ts';
import { jsonRequest } from './json-request.ts';
import { modelInQuery } from './model-in-query.ts';
import type { ModelRequest } from './model-request.ts';
import type { SpoolSpace } from './spool-space.ts';

/** The most bytes of a body that is read whole: images are in it, as data URLs. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Reads a request as far as it takes to know its model: from JSON, from a form, or from the query. Throws
 * {@link BadModelRequest} where it names none, `UnreadBody` where it is too long or does not come, and `MemoryFull` or
 * `SpoolFull` where there is no room for it in memory or on disk.
 */
export async function readModelRequest(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  room: BodyRoom,
  space: SpoolSpace,
): Promise<ModelRequest> {
  if (!hasBody(request.headers)) return queryRequest(query);
  const coding = request.headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new BadModelRequest({
      status: 415,
      message: `Content-Encoding: expected a body that is not compressed, got "${coding}".`,
      code: 'unsupported_encoding',
    });
  }
  const type = request.headers['content-type'] ?? '';
  if (/^multipart\/form-data\s*(;|$)/i.test(type)) return readForm(request, response, boundaryOf(type), query, space);
  room.ask();
  const reading = readBody(request, response, MAX_BODY_BYTES);
  room.count();
  const body = await reading;
  // Programs that name no type, as curl, send JSON all the same.
  const isForm =
    /^application\/x-www-form-urlencoded\s*(;|$)/i.test(type) && !/^\s*\{/.test(body.toString('latin1', 0, 64));
  return isForm ? pairsRequest(body, query) : jsonRequest(body, query);
}

const nothingKept = async (): Promise<void> => {};

function queryRequest(query: URLSearchParams): ModelRequest {
  return {
    model: modelInQuery(query),
    stream: false,
    rewrite: ({ use_model_name: name }) => (name === undefined ? {} : { query: withModel(query, name) }),
    discard: nothingKept,
  };
}

function pairsRequest(body: Buffer, query: URLSearchParams): ModelRequest {
  const pairs = new URLSearchParams(body.toString('utf8'));
  return {
    model: pairs.has('model') ? modelInQuery(pairs) : modelInQuery(query),
    stream: pairs.get('stream') === 'true',
    rewrite: ({ use_model_name: name }) => ({
      body: name === undefined ? body : Buffer.from(withModel(pairs, name)),
    }),
    discard: nothingKept,
  };
}

function withModel(pairs: URLSearchParams, model: string): string {
  const changed = new URLSearchParams(pairs);
  changed.set('model', model);
  return changed.toString();
}
