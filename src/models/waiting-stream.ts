import type { ServerResponse } from 'node:http';
import { type Dialect, errorEvent, type ModelError } from './dialect.ts';
import { idHeaders } from './failure.ts';

/** After how long a client that waits for a stream is sent its head, in milliseconds: its patience counts up to that. */
const FIRST_MS = 1_000;
/** How often it is sent a comment after that, in milliseconds. */
const AGAIN_MS = 5_000;

/**
 * The beginning of a stream for a client that waits: for its turn, for a model that is loaded, for the first words. After
 * a second it is sent a head and a comment, so that it does not take the server for dead. What fails from then on can be
 * told as an event alone.
 */
export class WaitingStream {
  readonly #response: ServerResponse;
  readonly #requestId: string;
  #timer: NodeJS.Timeout;

  constructor(response: ServerResponse, requestId: string) {
    this.#response = response;
    this.#requestId = requestId;
    this.#timer = setTimeout(() => this.#begin(), FIRST_MS);
    response.once('close', () => this.stop());
  }

  /** Whether the head was sent. Once it is, the answer must be a stream of events. */
  get begun(): boolean {
    return this.#response.headersSent;
  }

  /** The answer begins. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Tells of an error after the head, and ends the stream. */
  fail(dialect: Dialect, error: ModelError): void {
    this.stop();
    if (!this.#response.destroyed) this.#response.end(errorEvent(dialect, error, this.#requestId));
  }

  #begin(): void {
    const response = this.#response;
    if (response.headersSent || response.destroyed) return;
    response.writeHead(200, {
      ...idHeaders(this.#requestId),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // Proxies such as nginx would hold back what they take for too little.
      'x-accel-buffering': 'no',
    });
    this.#comment();
  }

  #comment(): void {
    this.#response.write(': waiting\n\n');
    this.#timer = setTimeout(() => this.#comment(), AGAIN_MS);
  }
}
