import type { WorkerStreams } from '../process/worker-process.ts';
import {
  isObject,
  isRequest,
  type JsonObject,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
  RPC_ERROR,
  writeMessage,
} from './json-rpc.ts';
import { MessageReader } from './message-reader.ts';
import { RpcFailure } from './rpc-failure.ts';

/** Where what answers one request goes: `onResult` or `onError`, once, and nothing after it. It must not throw. */
export interface AnswerSink {
  /** The parameters of a `notifications/progress`, without their token. */
  onProgress(params: JsonObject): void;
  onResult(result: JsonObject): void;
  /** An {@link RpcFailure}, or what the peer was closed with. */
  onError(error: Error): void;
}

/** How the answer to a request is waited for. */
export interface RequestOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: AnswerSink['onProgress'] | undefined;
  readonly onAbort?: ((id: number) => void) | undefined;
}

/** How a request of the other side is answered. */
export interface AskOptions {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Tells the other side of progress, without its token; undefined where it wants to be told of none. */
  readonly onProgress?: ((params: JsonObject) => void) | undefined;
}

/** What the other side says beside its answers. */
export interface PeerEvents {
  onNotification(method: string, params: JsonObject): void;
  /** Answers a request of the other side; throws {@link RpcFailure} to refuse it. */
  onRequest(method: string, params: JsonObject, options: AskOptions): JsonObject | Promise<JsonObject>;
  /** What came that is no message of the protocol; a sentence. */
  onNoise(warning: string): void;
  /** It writes nothing more, or reads nothing more. */
  onEnd(): void;
}

/**
 * One end of JSON-RPC over the standard streams of a process: a message a line. What comes is handed on in its order and
 * in the same step, so that no progress is overtaken by its result.
 */
export class RpcPeer {
  readonly #streams: WorkerStreams;
  readonly #events: PeerEvents;
  readonly #waiting = new Map<number, AnswerSink>();
  /** The requests of the other side that are being answered. */
  readonly #answering = new Map<RequestId, AbortController>();
  #lastId = 0;
  #closed: Error | undefined;

  constructor(streams: WorkerStreams, events: PeerEvents) {
    this.#streams = streams;
    this.#events = events;
    const reader = new MessageReader({
      onMessage: (message) => this.#take(message),
      onNoise: (warning) => events.onNoise(warning),
      onUnreadable: (id, reason) => this.#fail(id, `Its answer cannot be read: ${reason}`),
      onEnd: () => events.onEnd(),
    });
    const { input, output } = streams;
    output.on('data', (bytes: Buffer) => reader.write(bytes));
    output.on('end', () => reader.end());
    output.on('error', () => events.onEnd());
    input.on('error', () => events.onEnd());
  }

  /** How many requests are not answered. */
  get running(): number {
    return this.#waiting.size;
  }

  /** Whether nothing more can be sent. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Sends a request; returns its identifier, which is also its progress token. */
  send(method: string, params: JsonObject, sink: AnswerSink, withProgress = false): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#closed !== undefined) {
      sink.onError(this.#closed);
      return id;
    }
    const { _meta: meta } = params;
    const sent = withProgress ? { ...params, _meta: { ...(isObject(meta) ? meta : {}), progressToken: id } } : params;
    const line = writeMessage({ jsonrpc: '2.0', id, method, params: sent });
    this.#waiting.set(id, sink);
    this.#write(line);
    return id;
  }

  /**
   * Sends a request and waits for its answer. Rejects with {@link RpcFailure}, the signal's reason, or why it was closed.
   *
   * @param onProgress is called with its progress, which is asked for then
   * @param onAbort gives the request up where the signal is aborted; by default its answer is waited for no more
   */
  request(method: string, params: JsonObject, { signal, onProgress, onAbort }: RequestOptions): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const giveUp = (): void => {
        if (onAbort === undefined) this.forget(id);
        else onAbort(id);
        reject(signal.reason as Error);
      };
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          signal.removeEventListener('abort', giveUp);
          settle(value);
        };
      };
      const sink = { onProgress: onProgress ?? (() => {}), onResult: settled(resolve), onError: settled(reject) };
      const id = this.send(method, params, sink, onProgress !== undefined);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Tells the other side. */
  notify(method: string, params: JsonObject): void {
    if (this.#closed === undefined) this.#write(writeMessage({ jsonrpc: '2.0', method, params }));
  }

  /** Waits no more for the answer to a request; false where it has come. What still comes is passed over. */
  forget(id: number): boolean {
    return this.#waiting.delete(id);
  }

  /** Ends what waits for an answer with this error, and what is being answered. Idempotent. */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    for (const controller of this.#answering.values()) controller.abort(error);
    this.#answering.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const sink of waiting) sink.onError(error);
  }

  #take(message: JsonRpcMessage): void {
    if (this.#closed !== undefined) return;
    if (isRequest(message)) void this.#answer(message);
    else if ('method' in message) this.#tell(message.method, message.params ?? {});
    else this.#settle(message);
  }

  #tell(method: string, params: JsonObject): void {
    if (method === 'notifications/cancelled') return this.#giveUp(params);
    if (method !== 'notifications/progress') return this.#events.onNotification(method, params);
    const { progressToken, ...progress } = params;
    this.#waiting.get(Number(progressToken))?.onProgress(progress);
  }

  #settle(answer: Exclude<JsonRpcMessage, { method: string }>): void {
    // Some servers give numbers back as texts.
    const id = Number(answer.id);
    const sink = answer.id === null ? undefined : this.#waiting.get(id);
    if (sink === undefined) {
      // The answer to a request that was given up is nothing new.
      const isOfOurs = answer.id !== null && Number.isInteger(id) && id > 0 && id <= this.#lastId;
      if (!isOfOurs) this.#events.onNoise(`It answered a request that it was not sent, with id ${String(answer.id)}.`);
      return;
    }
    this.#waiting.delete(id);
    if ('result' in answer) sink.onResult(answer.result);
    else sink.onError(new RpcFailure(answer.error.code, answer.error.message, answer.error.data));
  }

  /** The answer to a request has come, and cannot be read. */
  #fail(id: number, message: string): void {
    const sink = this.#waiting.get(id);
    this.#waiting.delete(id);
    sink?.onError(new RpcFailure(RPC_ERROR.internal, message));
  }

  /** The other side wants an answer no more, and gets none. */
  #giveUp({ requestId, reason }: JsonObject): void {
    const controller = this.#answering.get(requestId as RequestId);
    this.#answering.delete(requestId as RequestId);
    controller?.abort(new Error(typeof reason === 'string' ? reason : 'The server gave it up.'));
  }

  async #answer({ id, method, params = {} }: JsonRpcRequest): Promise<void> {
    const controller = new AbortController();
    this.#answering.set(id, controller);
    const line = await this.#answerTo(id, method, params, controller.signal);
    if (this.#answering.get(id) !== controller) return;
    this.#answering.delete(id);
    this.#write(line);
  }

  async #answerTo(id: RequestId, method: string, params: JsonObject, signal: AbortSignal): Promise<string> {
    const { progressToken } = isObject(params['_meta']) ? params['_meta'] : {};
    const tell = (progress: JsonObject): void => this.notify('notifications/progress', { ...progress, progressToken });
    try {
      const onProgress = progressToken === undefined ? undefined : tell;
      const result = await this.#events.onRequest(method, params, { signal, onProgress });
      return writeMessage({ jsonrpc: '2.0', id, result });
    } catch (error) {
      const { code, message, data } =
        error instanceof RpcFailure
          ? error
          : { code: RPC_ERROR.internal, message: (error as Error).message, data: undefined };
      return writeMessage({ jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } });
    }
  }

  #write(line: string): void {
    const { input } = this.#streams;
    if (input.writable) input.write(`${line}\n`);
  }
}
