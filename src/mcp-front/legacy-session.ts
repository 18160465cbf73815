import type { ServerResponse } from 'node:http';
import type { JsonRpcMessage, JsonRpcRequest, RequestId } from '../mcp/json-rpc.ts';
import type { EventStream } from '../server/event-stream.ts';
import type { FrontService } from './front-service.ts';
import { McpSession } from './mcp-session.ts';
import { messageStream, type PostAnswer, sendOn } from './post-answer.ts';
import { isDispensable, MAX_BEHIND } from './slow-reader.ts';

/** A session of a legacy client over HTTP: its requests come one by one, and belong together by an id. */
export class LegacySession {
  readonly id: string;
  /** The address at which it began. */
  readonly address: string;
  readonly #core: McpSession;
  readonly #answers = new Map<RequestId, PostAnswer>();
  readonly #onIdle: () => void;
  readonly #open = new Set<ServerResponse>();
  #stream: EventStream | undefined;
  /** When its last exchange ended. */
  idleSince = performance.now();

  /** @param onIdle is called each time when no exchange of it is open any more */
  constructor(
    { id, address, service }: { readonly id: string; readonly address: string; readonly service: FrontService },
    onIdle: () => void,
    onError: (error: unknown) => void,
  ) {
    this.id = id;
    this.address = address;
    this.#onIdle = onIdle;
    const outlet = {
      send: (message: JsonRpcMessage, about: RequestId | undefined) => this.#send(message, about),
      ask: (message: JsonRpcMessage) => this.#ask(message),
      drop: (request: RequestId) => this.#take(request)?.drop(),
    };
    this.#core = new McpSession(service, outlet, onError);
  }

  get isInitialized(): boolean {
    return this.#core.isInitialized;
  }

  /** Whether a request or a stream of it is open. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Whether a request of this id is not answered yet. */
  isRunning(id: RequestId): boolean {
    return this.#answers.has(id);
  }

  /** Takes a request. A client that closes the connection loses the answer, and does not cancel it. */
  request(message: JsonRpcRequest, response: ServerResponse, answer: PostAnswer): void {
    this.#enter(response);
    this.#answers.set(message.id, answer);
    this.#core.receive(message);
  }

  /** Takes what is not answered. */
  note(message: JsonRpcMessage, response: ServerResponse): void {
    this.#enter(response);
    this.#core.receive(message);
    response.writeHead(202).end();
  }

  /** Begins the stream of what is about no request, in place of the one before: of that, the client may be gone. */
  follow(response: ServerResponse): void {
    this.#enter(response);
    this.#stream?.end();
    const stream = messageStream(response);
    this.#stream = stream;
  }

  /** Ends the stream; what the client has asked for goes on. */
  finish(): void {
    this.#stream?.end();
  }

  /** Ends it: what runs is cancelled. */
  end(): void {
    this.#core.close();
    for (const answer of this.#answers.values()) answer.drop();
    this.#answers.clear();
    this.#stream?.end();
  }

  #enter(response: ServerResponse): void {
    this.#open.add(response);
    response.once('close', () => {
      this.#open.delete(response);
      if (this.isOpen) return;
      this.idleSince = performance.now();
      this.#onIdle();
    });
  }

  #send(message: JsonRpcMessage, about: RequestId | undefined): void {
    if (about === undefined) {
      const stream = this.#stream;
      if (stream?.closed === false && (stream.behind < MAX_BEHIND || !isDispensable(message))) sendOn(stream, message);
      return;
    }
    const answer = this.#answers.get(about);
    if ('method' in message) return answer?.tell(message);
    answer?.end(message);
    this.#answers.delete(about);
  }

  /** On the answer of the one request that runs, to which it belongs; else on the stream, or any answer. */
  #ask(message: JsonRpcMessage): boolean {
    const answers = [...this.#answers.values()].filter(({ isRead }) => isRead);
    if (answers.length !== 1 && this.#stream?.closed === false) {
      sendOn(this.#stream, message);
      return true;
    }
    answers.at(-1)?.tell(message);
    return answers.length > 0;
  }

  #take(id: RequestId): PostAnswer | undefined {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    return answer;
  }
}
