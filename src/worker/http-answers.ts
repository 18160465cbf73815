import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import type { WireError } from '../protocol.ts';
import { writeJson } from './exact-json.ts';

/** The host keeps connections open for as long as the worker lives, and calls may take hours. */
export const SERVER_OPTIONS: ServerOptions = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };

/** The status of an answer that is an error, by its category. */
const STATUS_BY_CATEGORY: Readonly<Record<string, number>> = { input: 400, transient: 503, resource: 507 };

/** Reads a request's whole body as text. Rejects when the connection breaks. */
export function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8')));
    request.on('error', reject);
  });
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
