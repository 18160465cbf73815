import {
  isRequest,
  type JsonObject,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from '../mcp/json-rpc.ts';

/** The code of the error that a request gets whose daemon has ended: one that JSON-RPC leaves to servers. */
export const DAEMON_ENDED = -32000;

/** What may be asked a second time: it changes nothing, or says the same again. */
const SAFE = new Set([
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
  'tasks/get',
  'tasks/list',
  'tasks/result',
]);

/** What the ids of requests begin with that are said again, and whose answers are not for the client. */
const OWN = 'greenroom-relay-';

/**
 * What a client has said that a new daemon has to know: how it began, what it has subscribed to, and what it waits for. Pure:
 * messages go by, and what is to be said again comes out.
 */
export class ClientState {
  readonly #waiting = new Map<RequestId, JsonRpcRequest>();
  readonly #notBegun = new Set<RequestId>();
  readonly #subscribed = new Map<string, JsonRpcRequest>();
  /** What servers ask of the client. */
  readonly #asked = new Set<RequestId>();
  #initialize: JsonRpcRequest | undefined;
  #isInitialized = false;
  #level: JsonRpcRequest | undefined;
  #lastId = 0;

  /** A message of the client is on its way to the daemon. */
  said(message: JsonRpcMessage): void {
    if (!('method' in message)) {
      if (message.id !== null) this.#asked.delete(message.id);
      return;
    }
    const { method, params } = message;
    if (method === 'notifications/initialized') this.#isInitialized = true;
    // A cancelled request is not answered.
    if (method === 'notifications/cancelled') this.#waiting.delete(params?.['requestId'] as RequestId);
    if (!isRequest(message)) return;
    this.#waiting.set(message.id, message);
    if (method === 'initialize') this.#initialize = message;
    else if (method === 'logging/setLevel') this.#level = message;
    else if (method === 'resources/subscribe') this.#subscribed.set(uriOf(params), message);
    else if (method === 'resources/unsubscribe') this.#subscribed.delete(uriOf(params));
  }

  /** The daemon has answered a request; false where that is no answer for the client. */
  answered(id: RequestId): boolean {
    this.#waiting.delete(id);
    return typeof id !== 'string' || !id.startsWith(OWN);
  }

  /** The daemon, which is ending, has not begun a request: the next one is to. */
  notBegun(id: RequestId): void {
    this.#notBegun.add(id);
  }

  /** The daemon asks the client something, or, with false, wants no answer any more. */
  asked(id: RequestId, isAsked = true): void {
    if (isAsked) this.#asked.add(id);
    else this.#asked.delete(id);
  }

  /** The daemon has ended: the questions that nobody wants an answer to any more. */
  unasked(): readonly RequestId[] {
    const ids = [...this.#asked];
    this.#asked.clear();
    return ids;
  }

  /** The daemon has ended: the requests that are lost with it, which may have been done. They wait no more. */
  lost(): readonly RequestId[] {
    const isLost = ({ id, method }: JsonRpcRequest): boolean => !SAFE.has(method) && !this.#notBegun.has(id);
    const lost = [...this.#waiting.values()].filter(isLost).map(({ id }) => id);
    this.#notBegun.clear();
    for (const id of lost) this.#waiting.delete(id);
    return lost;
  }

  /** Nothing that waits will be answered. */
  giveUp(): readonly RequestId[] {
    const ids = [...this.#waiting.keys()];
    this.#waiting.clear();
    return ids;
  }

  /** What a new daemon is to be told before all else. */
  again(): readonly JsonRpcMessage[] {
    const waits = (request: JsonRpcRequest): boolean => this.#waiting.has(request.id);
    const kept = [this.#initialize, this.#level, ...this.#subscribed.values()].filter((each) => each !== undefined);
    const messages: JsonRpcMessage[] = [];
    for (const request of kept) {
      if (!waits(request)) messages.push({ ...request, id: this.#ownId() });
      else if (request === this.#initialize) messages.push(request);
      if (request === this.#initialize && this.#isInitialized)
        messages.push({ jsonrpc: '2.0', method: 'notifications/initialized' });
    }
    return [...messages, ...[...this.#waiting.values()].filter((request) => request !== this.#initialize)];
  }

  /** Whether the client hears of changes by notifications alone, and so is to look again where the daemon is another. */
  get isToBeToldOfChange(): boolean {
    return this.#isInitialized;
  }

  #ownId(): string {
    this.#lastId += 1;
    return `${OWN}${this.#lastId}`;
  }
}

function uriOf(params: JsonObject | undefined): string {
  return String(params?.['uri']);
}
