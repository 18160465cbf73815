import type { ServerResponse } from 'node:http';
import { writeJson } from '../json/exact-json.ts';
import type { WireError } from '../protocol.ts';
import { headOf, sendError, sendJson } from './http-answers.ts';
import { now, Promise, setImmediate, stringify } from './originals.ts';
import { shorten } from './shorten.ts';
import { textOf } from './text-of.ts';

/** Chunks are gathered up to this many characters, or for this many milliseconds of a generator that does not pause. */
const GATHER_CHARACTERS = 16 * 1024;
const GATHER_MS = 1;
/** How long a generator that never waits may keep the event loop from turning, in milliseconds. */
const TURN_MS = 10;

/** The most characters of a progress message. */
const MAX_MESSAGE = 16 * 1024;

const NDJSON = 'application/x-ndjson';

/** Writes the answer of one call: as frames, the head with the first of them, or whole where it begins with its end. */
export class FrameWriter {
  readonly #response: ServerResponse;
  readonly #call: string;
  #gathered = '';
  /** Progress that is not sent yet: while the reader is behind, only the latest counts. */
  #progress = '';
  #progressWaits = false;
  #gatheringSince = 0;
  #turnedAt = 0;
  #flushScheduled = false;

  constructor(response: ServerResponse, call: string) {
    this.#response = response;
    this.#call = call;
  }

  /** Whether a frame was written, so that the answer can only be NDJSON. */
  get started(): boolean {
    return this.#response.headersSent;
  }

  /**
   * Sends progress at once, or the latest of it when the reader has caught up. What is no number from 0 to 1 is sent as
   * the nearest one, or as -1 for unknown; a message that is no text, as text. Never throws: it may be the plugin's way
   * of saying something in passing.
   */
  progress(fraction: unknown, message: unknown): void {
    const progress = typeof fraction === 'number' && fraction >= 0 ? Math.min(1, fraction) : -1;
    const said =
      message === undefined || message === null ? {} : { message: shorten(textOf(message) ?? '', MAX_MESSAGE) };
    this.#progress = `${stringify({ progress, ...said })}\n`;
    if (!this.#isBehind) {
      this.#send();
    } else if (!this.#progressWaits) {
      this.#progressWaits = true;
      void this.#drained()?.then(() => {
        this.#progressWaits = false;
        if (this.#progress !== '') this.#send();
      });
    }
  }

  /**
   * Adds a chunk, given as JSON: the first is sent at once, later ones are gathered until the generator pauses. Returns a
   * promise when the writing generator must wait, for the reader or to let the event loop turn.
   */
  chunk(json: string): Promise<void> | undefined {
    const at = now();
    if (this.#gathered === '') this.#gatheringSince = at;
    if (this.#progress !== '') this.#gathered += this.#takeProgress();
    this.#gathered += `{"chunk":${json}}\n`;
    if (this.started && this.#gathered.length < GATHER_CHARACTERS && at - this.#gatheringSince < GATHER_MS) {
      this.#scheduleFlush();
      return undefined;
    }
    if (!this.started) this.#turnedAt = at;
    if (!this.#send()) return this.#drained();
    return at - this.#turnedAt < TURN_MS ? undefined : this.#turn();
  }

  /** Ends the answer with the result, given as JSON. */
  result(json: string): void {
    if (this.started) this.#end(`{"result":${json}}\n`);
    else sendJson(this.#response, 200, `{"result":${json}}`, this.#call);
  }

  end(): void {
    this.#end('{"end":true}\n');
  }

  error(error: WireError): void {
    if (this.started) this.#end(`${writeJson({ error }, 'error')}\n`);
    else sendError(this.#response, error, undefined, this.#call);
  }

  #end(lastFrame: string): void {
    const text = this.#take() + lastFrame;
    if (!this.started) this.#response.writeHead(200, headOf(NDJSON, this.#call));
    this.#response.end(text);
  }

  /** Writes what is gathered; false when the reader is behind. */
  #send(): boolean {
    const text = this.#take();
    if (this.#response.destroyed) return true;
    if (!this.started) this.#response.writeHead(200, headOf(NDJSON, this.#call));
    this.#response.write(text);
    // A response holds what is written back until the next tick, which a plugin that does not wait never lets come. Up to
    // Node 24 it is the socket that is corked.
    if (this.#response.writableCorked > 0) this.#response.uncork();
    else this.#response.socket?.uncork();
    return !this.#isBehind;
  }

  /**
   * Whether the reader is behind. Asked of the socket, as what a response says was true before it was uncorked: from
   * Node 26 on it then says that it is full, and never that it has drained, where the socket took everything.
   */
  get #isBehind(): boolean {
    return this.#response.socket?.writableNeedDrain === true;
  }

  #take(): string {
    const text = this.#gathered + this.#takeProgress();
    this.#gathered = '';
    return text;
  }

  #takeProgress(): string {
    const progress = this.#progress;
    this.#progress = '';
    return progress;
  }

  /** The event loop only gets there once the generator waits for something, and then nothing is held back. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      if (this.#gathered !== '') this.#send();
    });
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnedAt = now();
        resolve();
      });
    });
  }

  #drained(): Promise<void> | undefined {
    const response = this.#response;
    const { socket } = response;
    if (response.destroyed || socket === null) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done);
        response.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      response.on('close', done);
    });
  }
}
