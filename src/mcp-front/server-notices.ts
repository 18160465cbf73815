import type { PluginNotice, ProcessOwner } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';

/** Who wants to be told what a server tells unasked: a client, or one request of it. */
export interface NoticeListener {
  /** Whose processes are its own, where it does not share them. */
  readonly owner: ProcessOwner;
  /** Whether the server may be working for it. */
  readonly isBusy: boolean;
  tell(method: string, params: JsonObject): void;
}

/** What a server logs, of which it does not say for whom. */
export const LOG_NOTICE = 'notifications/message';

/** What a server tells whose tools have changed. Of plugins, other than of copies, that goes another way, as of every kind. */
export const TOOLS_NOTICE = 'notifications/tools/list_changed';

/** By the method, the list that has changed. */
export const LIST_NOTICES: Readonly<Record<string, string>> = {
  [TOOLS_NOTICE]: 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
};

/** That the client has done elsewhere what it was asked to do there. */
const DONE_NOTICE = 'notifications/elicitation/complete';

/**
 * Hands what servers tell unasked to the clients at their addresses; what a process tells that is one client's alone, to that
 * one. Else a log goes to the one client for which the server
 * works, or the only one that there is: where there are several, it could tell one of another.
 */
export class ServerNotices {
  readonly #listeners = new Map<string, Set<NoticeListener>>();

  /** Tells a listener what a plugin tells. Returns how to stop. */
  add(plugin: string, listener: NoticeListener): () => void {
    const listeners = this.#listeners.get(plugin) ?? new Set();
    this.#listeners.set(plugin, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(plugin);
    };
  }

  note({ plugin, owner, method, params }: PluginNotice): void {
    const listeners = [...(this.#listeners.get(plugin) ?? [])];
    const all = owner === undefined ? listeners : listeners.filter((each) => each.owner === owner);
    if (owner !== undefined && method === DONE_NOTICE) for (const each of all) each.tell(method, params);
    if (Object.hasOwn(LIST_NOTICES, method)) for (const each of all) each.tell(method, params);
    if (method !== LOG_NOTICE) return;
    const busy = all.filter(({ isBusy }) => isBusy);
    const [only, ...others] = busy.length > 0 ? busy : all;
    if (others.length === 0) only?.tell(method, params);
  }
}
