import type { IncomingMessage, OutgoingHttpHeaders, ServerOptions, ServerResponse } from 'node:http';
import { writeJson } from '../json/exact-json.ts';
import { CALL_HEADER, type WireError } from '../protocol.ts';
import { Promise } from './originals.ts';
import { PluginError } from './plugin-error.ts';

const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** The host keeps connections open for as long as the worker lives, and calls may take hours. */
export const SERVER_OPTIONS: ServerOptions = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };

/** The status of an answer that is an error, by its category. */
const STATUS_BY_CATEGORY: Readonly<Record<string, number>> = { input: 400, transient: 503, resource: 507 };

/** The longest body that is taken, in bytes: as long as the longest line of an answer. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** From so many characters on an answer is turned into bytes before it is sent. */
const LONG_ANSWER = 16 * 1024;

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
      const text = body.toString('utf8');
      // What is not UTF-8 is read as this character, which a text may also have of its own.
      if (!text.includes('\ufffd') || isUtf8(body)) resolve(text);
      else refuse('The body is not UTF-8.');
    });
    request.on('error', reject);
  });
}

/**
 * The head of an answer. It says which call it belongs to, if it is a call's: the identifier may be any text, and a head
 * takes ASCII only. All of it goes to `writeHead`, as setting a header beforehand makes Node take the long way.
 */
export function headOf(type: string, call?: string): OutgoingHttpHeaders {
  const head: OutgoingHttpHeaders = { 'content-type': type };
  if (call !== undefined && /^[\x21-\x7e]+$/.test(call)) head[CALL_HEADER] = call;
  return head;
}

/** Sends `json`, which is JSON already, as the whole answer. */
export function sendJson(response: ServerResponse, status: number, json: string, call?: string): void {
  // Node sends a short text together with the head; a long one would be measured, and then written with room for thrice
  // its length.
  const body = json.length > LONG_ANSWER ? Buffer.from(json) : json;
  const head = headOf('application/json', call);
  head['content-length'] = Buffer.byteLength(body);
  response.writeHead(status, head);
  response.end(body);
}

/** Sends an error as the whole answer, with the status of its category unless `status` is given. */
export function sendError(response: ServerResponse, error: WireError, status?: number, call?: string): void {
  sendJson(
    response,
    status ?? STATUS_BY_CATEGORY[error.category ?? 'fatal'] ?? 500,
    writeJson({ error }, 'error') ?? '',
    call,
  );
}

/** An error of the request itself, not of the plugin. */
export function requestError(type: string, message: string): WireError {
  return { type, message, category: 'input', retryable: false };
}
