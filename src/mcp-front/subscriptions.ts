import { type McpRequestOptions, WITHOUT_SESSION } from '../mcp/front-plugin.ts';
import { isObject, type JsonObject, type JsonRpcMessage, type RequestId } from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import { UPDATED } from '../mcp/watched-resources.ts';
import type { FrontService } from './front-service.ts';
import { MAX_WATCHED, ResourceWatches } from './resource-watches.ts';
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

  /** @param capabilities of the service: only lists that change, and resources that can be watched, are */
  async listen(
    id: RequestId,
    params: JsonObject,
    capabilities: JsonObject,
    options: McpRequestOptions,
  ): Promise<JsonObject> {
    const { notifications } = params;
    if (!isObject(notifications))
      throw invalidParams('"notifications" is missing: say what to tell of, as { "toolsListChanged": true }.');
    const lists = LISTS.filter((list) => {
      const { listChanged } = isObject(capabilities[list]) ? capabilities[list] : {};
      return listChanged === true && notifications[`${list}ListChanged`] === true;
    });
    const tell = (method: string, more: JsonObject = {}): void =>
      this.#send({ jsonrpc: '2.0', method, params: { ...more, _meta: { [META.subscriptionId]: id } } }, id);
    let isAcknowledged = false;
    const watches = new ResourceWatches(this.#service, (update) => {
      if (isAcknowledged) tell(UPDATED, update);
    });
    const { subscribe } = isObject(capabilities['resources']) ? capabilities['resources'] : {};
    const asked = subscribe === true ? notifications['resourceSubscriptions'] : undefined;
    const uris = await this.#watch(watches, asked, options);
    const honored = Object.fromEntries(lists.map((list) => [`${list}ListChanged`, true]));
    tell('notifications/subscriptions/acknowledged', {
      notifications: { ...honored, ...(uris.length > 0 && { resourceSubscriptions: uris }) },
    });
    isAcknowledged = true;
    if (lists.length > 0 || uris.length > 0)
      await this.#until(options, (list) => {
        if (lists.includes(list)) tell(`notifications/${list}/list_changed`);
      });
    watches.close();
    return { _meta: { [META.subscriptionId]: id } };
  }

  /** Watches resources; those are left out of which the server does not tell. */
  async #watch(watches: ResourceWatches, asked: unknown, options: McpRequestOptions): Promise<readonly string[]> {
    if (this.#service.watch === undefined || !Array.isArray(asked)) return [];
    const uris = [...new Set(asked)].filter((uri) => typeof uri === 'string').slice(0, MAX_WATCHED);
    const watched = await Promise.allSettled(uris.map((uri) => watches.watch({ uri }, options)));
    return uris.filter((_, at) => watched[at]?.status === 'fulfilled');
  }

  /** Ends them all in good order. */
  finish(): void {
    for (const end of this.#ends) end();
  }

  #until({ signal, session }: McpRequestOptions, onChange: (list: string) => void): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#service.onToolsChanged(() => onChange('tools'));
      const tell = (method: string): void => {
        const list = LIST_NOTICES[method];
        if (list !== undefined) onChange(list);
      };
      const stopNotices = this.#service.onNotice?.({ owner: session ?? WITHOUT_SESSION, isBusy: false, tell });
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
