import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long the client may pause within a body, in milliseconds. */
export const BODY_IDLE_MS = 30_000;

/** A body that was not read to its end. */
export class UnreadBody extends Error {
  override readonly name = 'UnreadBody';
  readonly status: 408 | 413;

  constructor(status: 408 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

/** The body has more bytes than it may. */
export function tooLongBody(maxBytes: number): UnreadBody {
  return new UnreadBody(413, `The body of this request may have at most ${maxBytes} bytes.`);
}

/** Nothing of the body came for {@link BODY_IDLE_MS}. */
export function stalledBody(): UnreadBody {
  return new UnreadBody(408, `No part of the body came for ${BODY_IDLE_MS / 1_000} s.`);
}

/** Lets a client that asked for leave (`Expect: 100-continue`) send its body. Call it once, before the body is read. */
export function welcomeBody(request: IncomingMessage, response: ServerResponse): void {
  if (/^100-continue$/i.test(request.headers.expect ?? '') && !response.headersSent) response.writeContinue();
}

/**
 * Reads a body of at most so many bytes. Rejects with {@link UnreadBody} where there are more, or where nothing comes for
 * half a minute: no more is read then; with what the system says where the client has gone.
 */
export function readBody(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLongBody(maxBytes));
  welcomeBody(request, response);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (error?: Error): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', end).off('error', end).off('close', onClose);
      // Errors of a request that nobody reads end the program.
      request.on('error', () => {});
      if (error === undefined) return resolve(Buffer.concat(chunks, length));
      request.pause();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      timer.refresh();
      length += chunk.length;
      chunks.push(chunk);
      if (length > maxBytes) end(tooLongBody(maxBytes));
    };
    const onClose = (): void => end(new Error('The client has gone.'));
    const timer = setTimeout(() => end(stalledBody()), BODY_IDLE_MS);
    request.on('data', onData).on('end', end).on('error', end).on('close', onClose);
  });
}
