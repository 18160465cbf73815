import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** Up to how many bytes a body is read before it is sent, so that it can be sent once more. */
export const SMALL_BODY = 64 * 1024;

/** Bodies that were read whole. A request that found no server is forwarded again, and its source has nothing left. */
const read = new WeakMap<IncomingMessage, Buffer>();

/** Keeps the body of a request, which was read from it, for the next time that it is forwarded. */
export function keepBody(request: IncomingMessage, body: Buffer): void {
  read.set(request, body);
}

/** The body of a request, if it was read and kept. */
export function keptBody(request: IncomingMessage): Buffer | undefined {
  return read.get(request);
}

/** Whether all of a request is still there to be forwarded; `body` is what stands in place of its own. */
export function isWhole(request: IncomingMessage, body: Uint8Array | Readable | undefined): boolean {
  if (body instanceof Uint8Array) return true;
  return body === undefined ? read.has(request) || !request.readableDidRead : !body.readableDidRead;
}
