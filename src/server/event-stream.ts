import type { ServerResponse } from 'node:http';
import { SECURITY_HEADERS } from './answer.ts';

/** How often something is written that proxies and clients do not take for an idle connection, in milliseconds. */
const BEAT_MS = 15_000;

/** A stream of server-sent events as an answer; to HEAD, its head alone. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #beat: NodeJS.Timeout;
  #onClose: (() => void) | undefined;

  /** Sends the head at once. */
  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    if (response.req.method === 'HEAD') response.end();
    else response.flushHeaders();
    const beat = (): void => {
      // Where more than that waits to be read, it tells nobody anything.
      if (response.writableLength === 0) response.write(':\n\n');
    };
    this.#beat = setInterval(beat, BEAT_MS).unref();
    // Of a reader that went before, nothing more is heard.
    if (response.destroyed) clearInterval(this.#beat);
    response.once('close', () => {
      clearInterval(this.#beat);
      this.#onClose?.();
    });
  }

  /** Whether the reader has gone. */
  get closed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  /** How much of what was sent its reader has not taken yet, in bytes. */
  get behind(): number {
    return this.#response.writableLength;
  }

  /**
   * Sends an event. False where the reader is behind: {@link drained} tells when it has caught up.
   *
   * @param data without line breaks
   */
  send(event: string, data: string, id?: string): boolean {
    if (this.closed) return true;
    return this.#response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
  }

  /** Resolves when the reader has read what was sent, or has gone. */
  async drained(): Promise<void> {
    const response = this.#response;
    if (this.closed || !response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        response.off('drain', end).off('close', end);
        resolve();
      };
      response.on('drain', end).on('close', end);
    });
  }

  /**
   * Ends the connection once its reader takes nothing for so long, in milliseconds; 0: not any more. What is sent meanwhile
   * counts as read.
   */
  endUnread(afterMs: number): void {
    this.#response.socket?.setTimeout(afterMs);
  }

  /** Calls back when the reader goes. */
  onClose(listener: () => void): void {
    this.#onClose = listener;
    if (this.closed) listener();
  }

  /** Ends the answer. */
  end(): void {
    clearInterval(this.#beat);
    this.#response.end();
  }
}
