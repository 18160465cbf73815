import type { ServerResponse } from 'node:http';
import { writeJson } from '../json/exact-json.ts';
import type { WireError } from '../protocol.ts';
import type { CallAnswer } from './call-answer.ts';
import { ChunkPace } from './chunk-pace.ts';
import { headOf, sendError, sendJson } from './http-answers.ts';
import { Promise } from './originals.ts';
import { progressText } from './progress-text.ts';
import type { RunningCall } from './running-calls.ts';
import { serializeJsonOnly } from './serialize.ts';

const NDJSON = 'application/x-ndjson';

/** The answer of a call over HTTP: as lines, the head with the first of them, or whole where it begins with its end. */
export class HttpCallAnswer implements CallAnswer {
  readonly carriesBytes = false;
  readonly #response: ServerResponse;
  readonly #call: string | undefined;
  readonly #pace = new ChunkPace();
  #gathered = '';
  /** Progress that is not sent yet: while the reader is behind, only the latest counts. */
  #progress = '';
  #progressWaits = false;

  /** `call` is the identifier of the call, where its body says one. */
  constructor(response: ServerResponse, call: string | undefined) {
    this.#response = response;
    this.#call = call;
  }

  opened(call: RunningCall): void {
    const response = this.#response;
    response.on('close', () => {
      if (!response.writableFinished) call.abort('The caller is gone.');
    });
  }

  progress(fraction: unknown, message: unknown): void {
    this.#progress = `${progressText(fraction, message)}\n`;
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

  chunk(value: unknown): Promise<void> | undefined {
    const json = serializeJsonOnly(value, 'chunk');
    const isFirst = this.#gathered === '';
    if (this.#progress !== '') this.#gathered += this.#takeProgress();
    this.#gathered += `{"chunk":${json}}\n`;
    if (!this.#pace.isDue(isFirst, this.#gathered.length)) {
      this.#pace.sendLater(() => {
        if (this.#gathered !== '') this.#send();
      });
      return undefined;
    }
    return this.#send() ? this.#pace.turn() : this.#drained();
  }

  result(value: unknown): void {
    const json = serializeJsonOnly(value, 'result');
    if (this.#started) this.#end(`{"result":${json}}\n`);
    else sendJson(this.#response, 200, `{"result":${json}}`, this.#call);
  }

  end(): void {
    this.#end('{"end":true}\n');
  }

  error(error: WireError): void {
    if (this.#started) this.#end(`${writeJson({ error }, 'error')}\n`);
    else sendError(this.#response, error, undefined, this.#call);
  }

  /** Whether a line was written, so that the answer can only be NDJSON. */
  get #started(): boolean {
    return this.#response.headersSent;
  }

  #end(lastLine: string): void {
    const text = this.#take() + lastLine;
    if (!this.#started) this.#response.writeHead(200, headOf(NDJSON, this.#call));
    this.#response.end(text);
  }

  /** Writes what is gathered; false when the reader is behind. */
  #send(): boolean {
    const text = this.#take();
    if (this.#response.destroyed) return true;
    if (!this.#started) this.#response.writeHead(200, headOf(NDJSON, this.#call));
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
