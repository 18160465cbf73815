import type { IncomingMessage, ServerResponse } from 'node:http';

/** For how long the rest of a body is read and thrown away, in milliseconds. */
const LINGER_MS = 30_000;

/**
 * Once the answer is out, reads what still comes of a request's body and throws it away. Many clients read no answer
 * before they have sent everything, and one whose connection is closed in between never sees it.
 */
export function discardRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.readableEnded || request.destroyed) return;
  response.once('finish', () => {
    const late = setTimeout(() => request.destroy(), LINGER_MS).unref();
    request.once('close', () => clearTimeout(late));
    request.resume();
  });
}
