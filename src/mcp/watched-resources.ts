import type { JsonObject } from './json-rpc.ts';
import type { McpServer } from './server.ts';

/** Called with the parameters of a `notifications/resources/updated`. */
export type UpdateListener = (params: JsonObject) => void;

/** A new process of the server is not waited for. */
const never = new AbortController().signal;

/**
 * The resources of one plugin that clients watch. The server is asked again by each new process, and told once nobody watches
 * a resource any more.
 */
export class WatchedResources {
  readonly #servers: () => Iterable<McpServer>;
  readonly #watchers = new Map<string, Set<UpdateListener>>();

  /** @param servers those that run now */
  constructor(servers: () => Iterable<McpServer>) {
    this.#servers = servers;
  }

  /**
   * Watches a resource. Resolves to how to stop once the server does; rejects as `ask`.
   *
   * @param ask asks the server, which may have to be started
   */
  async watch(uri: string, listener: UpdateListener, ask: () => Promise<unknown>): Promise<() => void> {
    // What comes in one read with the answer is not to be missed.
    const watchers = this.#watchers.get(uri) ?? new Set();
    this.#watchers.set(uri, watchers.add(listener));
    const stop = (): void => {
      if (!watchers.delete(listener) || watchers.size > 0) return;
      this.#watchers.delete(uri);
      for (const server of this.#servers()) server.unwatch(uri);
    };
    try {
      await ask();
      return stop;
    } catch (error) {
      stop();
      throw error;
    }
  }

  /** A process of the server has begun, which knows nothing of what was said to the one before. */
  begun(server: McpServer): void {
    for (const uri of this.#watchers.keys()) server.request(SUBSCRIBE, { uri }, { signal: never }).catch(() => {});
  }

  /** Tells of an update those who watch the resource, or one that it is a part of. */
  note(params: JsonObject): void {
    const updated = String(params['uri']);
    for (const [uri, watchers] of this.#watchers) {
      const isPart = updated === uri || updated.startsWith(uri.endsWith('/') ? uri : `${uri}/`);
      if (isPart) for (const tell of [...watchers]) tell(params);
    }
  }
}

/** How a server is asked to tell of a resource, in either era. */
export const SUBSCRIBE = 'resources/subscribe';

/** How it tells of it. */
export const UPDATED = 'notifications/resources/updated';
