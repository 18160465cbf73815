import { isObject, type JsonObject, type JsonRpcMessage, type RequestId } from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import type { FrontService } from './front-service.ts';
import { invalidParams } from './rpc-fault.ts';
import { LIST_NOTICES } from './server-notices.ts';

const LISTS = ['tools', 'prompts', 'resources'];

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

  /** @param capabilities of the service: only lists that change are watched */
  async listen(id: RequestId, params: JsonObject, capabilities: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const { notifications } = params;
    if (!isObject(notifications))
      throw invalidParams('"notifications" is missing: say what to tell of, as { "toolsListChanged": true }.');
    const lists = LISTS.filter((list) => {
      const { listChanged } = isObject(capabilities[list]) ? capabilities[list] : {};
      return listChanged === true && notifications[`${list}ListChanged`] === true;
    });
    const honored = Object.fromEntries(lists.map((list) => [`${list}ListChanged`, true]));
    const tell = (method: string, more: JsonObject = {}): void =>
      this.#send({ jsonrpc: '2.0', method, params: { ...more, _meta: { [META.subscriptionId]: id } } }, id);
    tell('notifications/subscriptions/acknowledged', { notifications: honored });
    if (lists.length > 0)
      await this.#until(signal, (list) => {
        if (lists.includes(list)) tell(`notifications/${list}/list_changed`);
      });
    return { _meta: { [META.subscriptionId]: id } };
  }

  /** Ends them all in good order. */
  finish(): void {
    for (const end of this.#ends) end();
  }

  #until(signal: AbortSignal, onChange: (list: string) => void): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#service.onToolsChanged(() => onChange('tools'));
      const tell = (method: string): void => {
        const list = LIST_NOTICES[method];
        if (list !== undefined) onChange(list);
      };
      const stopNotices = this.#service.onNotice?.({ isBusy: false, tell });
      const end = (): void => {
        stop();
        stopNotices?.();
        this.#ends.delete(end);
        resolve();
      };
      this.#ends.add(end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
