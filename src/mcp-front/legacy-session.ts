import type { ServerResponse } from 'node:http';
import type { JsonRpcMessage, JsonRpcRequest, RequestId } from '../mcp/json-rpc.ts';
import type { FrontService } from './front-service.ts';
import { McpSession } from './mcp-session.ts';
import { MessageStream } from './message-stream.ts';
import type { PostAnswer } from './post-answer.ts';

/** How long a client that a server waits for may have no connection open, in milliseconds. It may be connecting again. */
const ABSENT_MS = 10_000;

/** Where a session begins. */
interface SessionPlace {
  readonly id: string;
  readonly address: string;
  readonly service: FrontService;
  /** Default 10 s. */
  readonly absentMs?: number | undefined;
}

/** A session of a legacy client over HTTP: its requests come one by one, and belong together by an id. */
export class LegacySession {
  readonly id: string;
  /** The address at which it began. */
  readonly address: string;
  readonly #core: McpSession;
  readonly #answers = new Map<RequestId, PostAnswer>();
  readonly #onIdle: () => void;
  readonly #open = new Set<ServerResponse>();
  readonly #absentMs: number;
  #absence: NodeJS.Timeout | undefined;
  #stream: MessageStream | undefined;
  /** When its last exchange ended. */
  idleSince = performance.now();

  /** @param onIdle is called each time when no exchange of it is open any more */
  constructor(
    { id, address, service, absentMs = ABSENT_MS }: SessionPlace,
    onIdle: () => void,
    onError: (error: unknown) => void,
  ) {
    this.id = id;
    this.address = address;
    this.#absentMs = absentMs;
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
    this.#stream = new MessageStream(response);
  }

  /** Ends the stream; what the client has asked for goes on. */
  finish(): void {
    this.#stream?.end();
  }

  /** Ends it: what runs is cancelled. */
  end(): void {
    clearTimeout(this.#absence);
    this.#core.close();
    for (const answer of this.#answers.values()) answer.drop();
    this.#answers.clear();
    this.#stream?.end();
  }

  #enter(response: ServerResponse): void {
    this.#open.add(response);
    clearTimeout(this.#absence);
    response.once('close', () => {
      this.#open.delete(response);
      if (this.isOpen) return;
      this.#watchAbsence();
      this.idleSince = performance.now();
      this.#onIdle();
    });
  }

  /** No answer of what runs reaches the client any more. Where a server waits for the client, that would be for minutes. */
  #watchAbsence(): void {
    const giveUp = (): void => {
      if (this.#core.isAsked) this.#core.giveUp();
    };
    clearTimeout(this.#absence);
    this.#absence = setTimeout(giveUp, this.#absentMs).unref();
  }

  #send(message: JsonRpcMessage, about: RequestId | undefined): void {
    if (about === undefined) {
      this.#stream?.send(message);
      return;
    }
    const answer = this.#answers.get(about);
    if ('method' in message) return answer?.tell(message);
    answer?.end(message);
    this.#answers.delete(about);
  }

  /** On the answer of the one request that runs, to which it belongs; else on the stream, or any answer. */
  #ask(message: JsonRpcMessage): boolean {
    const answers = [...this.#answers.values()].filter(({ canAsk }) => canAsk);
    if (answers.length !== 1 && this.#stream?.isRead === true) {
      this.#stream.send(message);
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
