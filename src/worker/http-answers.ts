import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import { CALL_HEADER, type WireError } from '../protocol.ts';
import { writeJson } from './exact-json.ts';
import { Promise } from './originals.ts';
import { PluginError } from './plugin-error.ts';

const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** The host keeps connections open for as long as the worker lives, and calls may take hours. */
export const SERVER_OPTIONS: ServerOptions = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };

/** The status of an answer that is an error, by its category. */
const STATUS_BY_CATEGORY: Readonly<Record<string, number>> = { input: 400, transient: 503, resource: 507 };

/** The longest body that is taken, in bytes: as long as the longest line of an answer. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** A body that cannot be taken as it is. */
class BodyError extends PluginError {
  override readonly name = 'BadRequest';
}

/**
 * Reads a request's whole body as text. Rejects when the connection breaks, and with a {@link BodyError} where it is too
 * long (it is read to its end nevertheless, so that its sender hears why) or not UTF-8, which would change it silently.
 */
export function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<string> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) chunks = [];
      else chunks.push(chunk);
    });
    request.on('end', () => {
      const refuse = (message: string): void => reject(new BodyError(message, { category: 'input' }));
      if (length > maxBytes) {
        refuse(`The body has ${length} bytes, and at most ${maxBytes} are taken: pass large values as files.`);
        return;
      }
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      if (isUtf8(body)) resolve(body.toString('utf8'));
      else refuse('The body is not UTF-8.');
    });
    request.on('error', reject);
  });
}

/** Says, in the head of an answer, which call it belongs to. The identifier may be any text, and a head takes ASCII only. */
export function nameCall(response: ServerResponse, call: string): void {
  if (/^[\x21-\x7e]+$/.test(call)) response.setHeader(CALL_HEADER, call);
}

/** Sends `json`, which is JSON already, as the whole answer. */
export function sendJson(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
  response.end(json);
}

/** Sends an error as the whole answer, with the status of its category unless `status` is given. */
export function sendError(response: ServerResponse, error: WireError, status?: number): void {
  sendJson(
    response,
    status ?? STATUS_BY_CATEGORY[error.category ?? 'fatal'] ?? 500,
    writeJson({ error }, 'error') ?? '',
  );
}

/** An error of the request itself, not of the plugin. */
export function requestError(type: string, message: string): WireError {
  return { type, message, category: 'input', retryable: false };
}
