import { isObject, type JsonObject, type JsonRpcMessage, type RequestId } from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import type { FrontService } from './front-service.ts';
import { invalidParams } from './rpc-fault.ts';

/**
 * The `subscriptions/listen` of a modern client: a request that stays open, and is told of changes. It resolves to its
 * result when the server ends it, or at once where nothing that was asked for is ever told.
 */
export class Subscriptions {
  readonly #service: FrontService;
  readonly #send: (message: JsonRpcMessage, about: RequestId) => void;
  readonly #ends = new Set<() => void>();

  constructor(service: FrontService, send: (message: JsonRpcMessage, about: RequestId) => void) {
    this.#service = service;
    this.#send = send;
  }

  async listen(id: RequestId, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const { notifications } = params;
    if (!isObject(notifications))
      throw invalidParams('"notifications" is missing: say what to tell of, as { "toolsListChanged": true }.');
    const honored = notifications['toolsListChanged'] === true ? { toolsListChanged: true } : {};
    const tell = (method: string, more: JsonObject = {}): void =>
      this.#send({ jsonrpc: '2.0', method, params: { ...more, _meta: { [META.subscriptionId]: id } } }, id);
    tell('notifications/subscriptions/acknowledged', { notifications: honored });
    if (honored.toolsListChanged === true) await this.#until(signal, () => tell('notifications/tools/list_changed'));
    return { _meta: { [META.subscriptionId]: id } };
  }

  /** Ends them all in good order. */
  finish(): void {
    for (const end of this.#ends) end();
  }

  #until(signal: AbortSignal, onChange: () => void): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#service.onToolsChanged(onChange);
      const end = (): void => {
        stop();
        this.#ends.delete(end);
        resolve();
      };
      this.#ends.add(end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
