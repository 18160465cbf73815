import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Exchange } from './exchange.ts';
import type { HeaderChanges, RawHeaders } from './headers.ts';
import type { ForwardOutcome } from './outcome.ts';
import type { Upstream } from './upstream.ts';

/** How an exchange is forwarded. */
export interface ForwardOptions {
  /** What to ask the server for, beginning with a slash; the request's own path and query. */
  readonly path?: string | undefined;
  /** In place of the request's body, which the caller has read then. */
  readonly body?: Uint8Array | Readable | undefined;
  /** How many bytes a stream in `body` has; without it, it is sent in chunks. */
  readonly bodyLength?: number | undefined;
  readonly headers?: HeaderChanges | undefined;
  /** Headers that are taken off the answer; names in lower case. */
  readonly dropOfAnswer?: readonly string[] | undefined;
  /** Ends the exchange at both sides. */
  readonly signal?: AbortSignal | undefined;
  /** For how long nothing may move at either side, in milliseconds; by default for as long as it takes. */
  readonly idleMs?: number | undefined;
  /** For how long the client may neither read what waits for it nor send what is awaited, in milliseconds. */
  readonly clientIdleMs?: number | undefined;
  /**
   * Called in place of destroying the client's connection where the answer ended in its middle, by the server or by
   * `signal`, so that the error can be told in the client's own way. It ends the response, or destroys it. `begun`:
   * whether a byte of the body was sent, beyond the head.
   */
  readonly onEarlyEnd?: ((response: ServerResponse, begun: boolean) => void) | undefined;
  /** Told the head of the answer, as it is passed on. */
  readonly onResponse?: ((status: number, headers: RawHeaders) => void) | undefined;
  /**
   * Asked for the head of the answer before any of it is passed on. Where it returns a function, nothing is passed on:
   * the function is given the body, of which it gets the first 64 KiB, and ends the response. For a response whose head
   * has been sent already, which an answer of another kind does not fit.
   */
  readonly divert?: ((status: number, headers: RawHeaders) => ((body: Buffer) => void) | undefined) | undefined;
}

/**
 * Forwards one exchange to a server, and its answer back. Resolves with what became of it once both ends are done with
 * it, and never rejects. Where the outcome is that no answer was begun, nothing was written: the caller answers.
 *
 * A server that ends in the middle of its answer has the client's connection destroyed, never ended: clients take a
 * clean end for a complete answer. Trailers of requests are dropped, those of answers passed on.
 *
 * `Expect: 100-continue` is answered when the server is ready for the body, if the caller's own server leaves it to
 * `checkContinue`.
 */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream,
  options: ForwardOptions = {},
): Promise<ForwardOutcome> {
  return new Promise((resolve) => {
    new Exchange(request, response, upstream, options, resolve).start();
  });
}
