import type { ServerResponse } from 'node:http';
import type { Refusal } from './refusal.ts';

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

/** Answers with this content. */
export function give(
  response: ServerResponse,
  type: string,
  content: string | Uint8Array,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  closeAfterUnread(response);
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(content),
  });
  response.end(content);
}

/** Refuses with a sentence for people. */
export function say(response: ServerResponse, { status, message, headers }: Refusal): void {
  give(response, 'text/plain; charset=utf-8', `${message}\n`, status, headers);
}

/** What was not read of a request would be taken for the next one, or be waited for. */
export function closeAfterUnread(response: ServerResponse): void {
  if (!response.req.complete) response.setHeader('connection', 'close');
}
