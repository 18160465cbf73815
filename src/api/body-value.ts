import type { IncomingMessage, ServerResponse } from 'node:http';
import { GreenroomError, messageOf } from '../errors.ts';
import { readBody } from '../server/body.ts';
import { MAX_JSON_BYTES, parseJson } from './endpoint.ts';
import { PACKED_VALUE, unpackValue } from './packed-value.ts';

/** The value that a request brings, as JSON or packed; undefined where it brings nothing. Throws `E_OPTIONS`. */
export async function bodyValue(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const body = await readBody(request, response, MAX_JSON_BYTES);
  if (body.length === 0) return undefined;
  if (request.headers['content-type'] !== PACKED_VALUE) return parseJson(request, body.toString('utf8'));
  try {
    return unpackValue(body);
  } catch (error) {
    throw new GreenroomError('E_OPTIONS', `The body is not a packed value: ${messageOf(error)}.`, { cause: error });
  }
}
