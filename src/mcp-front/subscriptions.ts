import type { JobHandle } from '../jobs/job-handle.ts';
import { type McpRequestOptions, WITHOUT_SESSION } from '../mcp/front-plugin.ts';
import { isObject, type JsonObject, type JsonRpcMessage, type RequestId } from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import { UPDATED } from '../mcp/watched-resources.ts';
import type { FrontService } from './front-service.ts';
import { MAX_WATCHED, ResourceWatches } from './resource-watches.ts';
import { invalidParams } from './rpc-fault.ts';
import { LIST_NOTICES } from './server-notices.ts';
import { demandTasks, detailedTask } from './tasks/modern-tasks.ts';

/** How a task stands. */
const TASK_NOTICE = 'notifications/tasks';

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
    const tasks = await this.#tasks(params);
    const { subscribe } = isObject(capabilities['resources']) ? capabilities['resources'] : {};
    const asked = subscribe === true ? notifications['resourceSubscriptions'] : undefined;
    const uris = await this.#watch(watches, asked, options);
    const honored = Object.fromEntries(lists.map((list) => [`${list}ListChanged`, true]));
    tell('notifications/subscriptions/acknowledged', {
      notifications: {
        ...honored,
        ...(uris.length > 0 && { resourceSubscriptions: uris }),
        ...(tasks.length > 0 && { taskIds: tasks.map((task) => task.id) }),
      },
    });
    isAcknowledged = true;
    for (const task of tasks) void this.#follow(task, options.signal, (params) => tell(TASK_NOTICE, params));
    if (lists.length > 0 || uris.length > 0 || tasks.length > 0)
      await this.#until(options, (list) => {
        if (lists.includes(list)) tell(`notifications/${list}/list_changed`);
      });
    watches.close();
    return { _meta: { [META.subscriptionId]: id } };
  }

  /** The tasks of which the client is to be told; those are left out that it does not see. Rejects with −32021. */
  async #tasks(params: JsonObject): Promise<readonly JobHandle[]> {
    const { tasks } = this.#service;
    const asked = isObject(params['notifications']) ? params['notifications']['taskIds'] : undefined;
    if (tasks === undefined || !Array.isArray(asked)) return [];
    demandTasks(params);
    const found = await Promise.allSettled([...new Set(asked)].slice(0, MAX_WATCHED).map((id) => tasks.get(id)));
    return found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  }

  /** Tells how a task stands, then after each change, until it has ended. */
  async #follow(task: JobHandle, signal: AbortSignal, tell: (params: JsonObject) => void): Promise<void> {
    const { tasks } = this.#service;
    try {
      for await (const job of task.watch({ signal })) if (tasks !== undefined) tell(await detailedTask(tasks, job));
    } catch {
      // It was removed, the client has gone, or the daemon ends: a client asks, whatever it is told.
    }
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
