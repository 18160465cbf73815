import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonRpcMessage, writeMessage } from '../mcp/json-rpc.ts';
import { give } from '../server/answer.ts';
import { EventStream } from '../server/event-stream.ts';
import { httpRefusal } from './rpc-refusal.ts';
import { isDispensable, MAX_BEHIND, PROGRESS } from './slow-reader.ts';

/** After this time without an answer a stream begins, which keeps clients and proxies from giving up. In milliseconds. */
const QUIET_MS = 1_000;

/** In which forms a client takes an answer. */
export interface Accepts {
  readonly json: boolean;
  readonly events: boolean;
}

/** Reads `Accept`; a client that does not say takes both. Throws a refusal, 406, for one that takes neither. */
export function acceptsOf({ headers }: IncomingMessage): Accepts {
  const { accept = '*/*' } = headers;
  const all = /(^|[\s,])\*\/\*/.test(accept);
  const json = all || /application\/(json|\*)/i.test(accept);
  const events = all || /text\/(event-stream|\*)/i.test(accept);
  if (!json && !events)
    throw httpRefusal(
      406,
      'Answers are JSON or a stream of events: send "Accept: application/json, text/event-stream".',
    );
  return { json, events };
}

/** Begins a stream of messages as an answer. */
export function messageStream(response: ServerResponse): EventStream {
  // A proxy that gathers what it passes on would hold messages back.
  response.setHeader('x-accel-buffering', 'no');
  return new EventStream(response);
}

/** Sends a message on a stream. */
export function sendOn(stream: EventStream, message: JsonRpcMessage): void {
  stream.send('message', writeMessage(message));
}

/**
 * The answer to one request: JSON, or, once there is something to tell before it, or it takes long, a stream of messages
 * of which it is the last.
 */
export class PostAnswer {
  readonly #response: ServerResponse;
  readonly #accepts: Accepts;
  readonly #timer: NodeJS.Timeout | undefined;
  #stream: EventStream | undefined;
  #newest: JsonRpcMessage | undefined;

  constructor(response: ServerResponse, accepts: Accepts, quietMs = QUIET_MS) {
    this.#response = response;
    this.#accepts = accepts;
    if (accepts.events) this.#timer = setTimeout(() => this.#begin(), quietMs);
    response.once('close', () => clearTimeout(this.#timer));
  }

  /** Whether its client takes what comes before the answer. */
  get isRead(): boolean {
    return this.#accepts.events && !this.#response.destroyed;
  }

  /** Sends what comes before the answer. A client that takes no streams does not get it. */
  tell(message: JsonRpcMessage): void {
    if (!this.isRead) return;
    const stream = this.#begin();
    if (stream.behind < MAX_BEHIND || !isDispensable(message)) return sendOn(stream, message);
    // Of progress, the newest is kept.
    if (!('method' in message) || message.method !== PROGRESS) return;
    if (this.#newest === undefined) void stream.drained().then(() => this.#flush());
    this.#newest = message;
  }

  /** @param status of an answer that is JSON */
  end(message: JsonRpcMessage, status = 200): void {
    clearTimeout(this.#timer);
    if (this.#response.destroyed) return;
    if (this.#stream === undefined && (this.#accepts.json || status !== 200))
      return give(this.#response, 'application/json', writeMessage(message), status);
    this.#flush();
    const stream = this.#begin();
    sendOn(stream, message);
    stream.end();
  }

  /** There is no answer. */
  drop(): void {
    clearTimeout(this.#timer);
    if (this.#stream !== undefined) this.#stream.end();
    else if (!this.#response.destroyed) this.#response.writeHead(202).end();
  }

  #begin(): EventStream {
    this.#stream ??= messageStream(this.#response);
    return this.#stream;
  }

  #flush(): void {
    const newest = this.#newest;
    this.#newest = undefined;
    if (newest !== undefined && this.#stream !== undefined) sendOn(this.#stream, newest);
  }
}
