import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonRpcMessage, writeMessage } from '../mcp/json-rpc.ts';
import { give } from '../server/answer.ts';
import { MessageStream } from './message-stream.ts';
import { httpRefusal } from './rpc-refusal.ts';

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

/**
 * The answer to one request: JSON, or, once there is something to tell before it, or it takes long, a stream of messages
 * of which it is the last.
 */
export class PostAnswer {
  readonly #response: ServerResponse;
  readonly #accepts: Accepts;
  readonly #timer: NodeJS.Timeout | undefined;
  #stream: MessageStream | undefined;

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

  /** Whether its client can be asked something on it: it takes streams, and reads this one, if it has begun. */
  get canAsk(): boolean {
    return this.isRead && this.#stream?.isRead !== false;
  }

  /** Sends what comes before the answer. A client that takes no streams does not get it. */
  tell(message: JsonRpcMessage): void {
    if (this.isRead) this.#begin().send(message);
  }

  /** @param status of an answer that is JSON */
  end(message: JsonRpcMessage, status = 200): void {
    clearTimeout(this.#timer);
    if (this.#response.destroyed) return;
    if (this.#stream === undefined && (this.#accepts.json || status !== 200))
      return give(this.#response, 'application/json', writeMessage(message), status);
    this.#begin().end(message);
  }

  /** There is no answer. */
  drop(): void {
    clearTimeout(this.#timer);
    if (this.#stream !== undefined) this.#stream.end();
    else if (!this.#response.destroyed) this.#response.writeHead(202).end();
  }

  #begin(): MessageStream {
    this.#stream ??= new MessageStream(this.#response);
    return this.#stream;
  }
}
