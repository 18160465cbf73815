import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasBody } from './guard.ts';
import type { Refusal } from './refusal.ts';

/** How long a client that was refused may go on to send what is not read, in milliseconds. */
const LINGER_MS = 5_000;

/** What a page of ours needs of itself, and nothing from anywhere else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What every answer of our own says: it is for its own page, and for nobody to keep. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The connections that end with the answer that was given. */
const ending = new WeakSet<Duplex>();

/** Has a connection end with the answer that is not given yet. */
export function endAfterAnswer(response: ServerResponse): void {
  ending.add(response.req.socket);
  response.shouldKeepAlive = false;
}

/** Whether a connection ends with the answer that was given: a further request on it is not for us. */
export function isEnding(socket: Duplex): boolean {
  return ending.has(socket);
}

/**
 * Answers with this content. Where the body of the request was not read, the connection ends with it: the rest would be
 * taken for the next request.
 */
export function give(
  response: ServerResponse,
  type: string,
  content: string | Uint8Array,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isUnread = !response.req.complete && hasBody(response.req.headers);
  if (isUnread) endAfterAnswer(response);
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(content),
  });
  if (!isUnread) return void response.end(content);
  response.write(content);
  endAfterBody(response.req, response);
}

/** Refuses with a sentence for people. */
export function say(response: ServerResponse, { status, message, headers }: Refusal): void {
  give(response, 'text/plain; charset=utf-8', `${message}\n`, status, headers);
}

/**
 * Ends a connection once its client has read what was written: that of a client which is still sending would be reset
 * by the system, and the client would never see the answer.
 */
export function endGently(socket: Duplex): void {
  ending.add(socket);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end();
  socket.resume();
}

/** Refuses on a connection that has no response, such as one that was to be upgraded. */
export function refuseOn(socket: Duplex, { status, message, headers = {} }: Refusal): void {
  const lines = Object.entries({ ...headers, 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  const body = `${message}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  endGently(socket);
}

function endAfterBody(request: IncomingMessage, response: ServerResponse): void {
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  // Errors of a request that nobody reads end the program.
  request
    .on('error', () => {})
    .once('end', end)
    .once('close', end);
  request.resume();
}
