import { randomUUID } from 'node:crypto';
import { type JsonObject, type JsonRpcMessage, type RequestId, RPC_ERROR } from '../mcp/json-rpc.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import type { AskOptions } from '../mcp/rpc-peer.ts';
import { metaOf } from './envelope.ts';

/** How long a client may take to answer, in milliseconds: it may ask people. */
const PATIENCE_MS = 10 * 60_000;
/** How many requests a client may have to answer at once. */
const MAX_ASKED = 100;

interface Asked {
  readonly onProgress: AskOptions['onProgress'];
  settle(answer: JsonObject | RpcFailure): void;
}

/** What servers ask of one client: each request has an id of its own, whichever the servers gave it, and ends once. */
export class AskedClient {
  readonly #send: (message: JsonRpcMessage) => boolean;
  readonly #patienceMs: number;
  readonly #asked = new Map<RequestId, Asked>();
  /** Another daemon may have asked the same client before. */
  readonly #prefix = randomUUID().slice(0, 8);
  #lastId = 0;

  /** @param send false where the client reads nothing that a message could be sent on */
  constructor(send: (message: JsonRpcMessage) => boolean, patienceMs = PATIENCE_MS) {
    this.#send = send;
    this.#patienceMs = patienceMs;
  }

  /** Whether the client has something to answer. */
  get isAsked(): boolean {
    return this.#asked.size > 0;
  }

  /** Has the client answer a request. Rejects with an {@link RpcFailure}: its answer, or why there is none. */
  ask(method: string, params: JsonObject, { signal, onProgress }: AskOptions): Promise<JsonObject> {
    if (this.#asked.size >= MAX_ASKED) return Promise.reject(failed(`The client has ${MAX_ASKED} requests to answer.`));
    this.#lastId += 1;
    const id = `${this.#prefix}-${this.#lastId}`;
    const sent = onProgress === undefined ? params : { ...params, _meta: { ...metaOf(params), progressToken: id } };
    return new Promise((resolve, reject) => {
      const giveUp = (reason: string): void => {
        this.#send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } });
        this.#asked.get(id)?.settle(failed(reason));
      };
      const onAbort = (): void => giveUp((signal.reason as Error).message);
      const late = (): void => giveUp(`The client has not answered within ${this.#patienceMs / 1_000} s.`);
      const timer = setTimeout(late, this.#patienceMs).unref();
      const settle = (answer: JsonObject | RpcFailure): void => {
        this.#asked.delete(id);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        if (answer instanceof RpcFailure) reject(answer);
        else resolve(answer);
      };
      this.#asked.set(id, { onProgress, settle });
      signal.addEventListener('abort', onAbort, { once: true });
      if (!this.#send({ jsonrpc: '2.0', id, method, params: sent }))
        settle(failed(`The client has no stream open on which it could be asked for "${method}".`));
    });
  }

  /** Takes an answer of the client. One to a request that is over is passed over. */
  take(answer: Exclude<JsonRpcMessage, { method: string }>): void {
    const asked = answer.id === null ? undefined : this.#asked.get(answer.id);
    if ('result' in answer) return asked?.settle(answer.result);
    const { code, message, data } = answer.error;
    asked?.settle(new RpcFailure(code, message, data));
  }

  /** Takes the parameters of a `notifications/progress` of the client. */
  progress({ progressToken, ...progress }: JsonObject): void {
    this.#asked.get(progressToken as RequestId)?.onProgress?.(progress);
  }

  /** The client has gone. */
  close(): void {
    for (const asked of [...this.#asked.values()]) asked.settle(failed('The client has gone.'));
  }
}

function failed(message: string): RpcFailure {
  return new RpcFailure(RPC_ERROR.internal, message);
}
