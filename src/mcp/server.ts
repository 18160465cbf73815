import { AttachedClient } from './attached-client.ts';
import type { ClientSession, McpRequestOptions, ServerDescription } from './front-plugin.ts';
import { isObject, type JsonObject, RPC_ERROR } from './json-rpc.ts';
import { Listening } from './listening.ts';
import { type Agreement, type ClientFacts, modernMeta } from './negotiate.ts';
import { type Era, META } from './revisions.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { AnswerSink, RpcPeer } from './rpc-peer.ts';
import { SUBSCRIBE } from './watched-resources.ts';

/** Of which a server may say that they change. */
const LISTS = ['tools', 'prompts', 'resources'];

/** The most pages of a list that are asked for: a server may give the same again and again. */
const MAX_PAGES = 1_000;

/** A server of MCP that an agreement was made with: requests are sent in the way that it understands. */
export class McpServer {
  readonly #peer: RpcPeer;
  readonly #client: ClientFacts;
  readonly #listeners = new Set<(method: string, params: JsonObject) => void>();
  /** What a modern server was asked to tell of: once of lists that change, and of each resource that is watched. */
  readonly #listening: Listening;
  #hasListened = false;
  readonly #watched = new Map<string, number>();
  readonly era: Era;
  readonly revision: string;
  readonly description: ServerDescription;
  /** Who answers what the server asks. */
  readonly attached: AttachedClient;

  /** @param session the client that the process was started for, where it was started for one */
  constructor(
    peer: RpcPeer,
    { era, revision, description }: Agreement,
    client: ClientFacts,
    session: ClientSession | undefined,
  ) {
    this.#peer = peer;
    this.#listening = new Listening(peer);
    this.#client = client;
    this.attached = new AttachedClient(session);
    this.era = era;
    this.revision = revision;
    this.description = { ...description, era };
  }

  /**
   * Sends a request on; returns the identifier by which it is cancelled. Progress is asked for.
   *
   * @param session the client that it is for, where it has one
   */
  send(method: string, params: JsonObject, sink: AnswerSink, session: ClientSession | undefined): number {
    const leave = this.attached.enter(session);
    const answered = {
      onProgress: (progress: JsonObject) => sink.onProgress(progress),
      onResult(result: JsonObject) {
        leave();
        sink.onResult(result);
      },
      onError(error: Error) {
        leave();
        sink.onError(error);
      },
    };
    return this.#peer.send(method, this.#ours(params), answered, true);
  }

  /** Sends a request and waits for its answer. Rejects with an RpcFailure, or with why the connection was closed. */
  async request(
    method: string,
    params: JsonObject,
    { signal, onProgress, session }: Omit<McpRequestOptions, 'client'>,
  ): Promise<JsonObject> {
    if (this.era === 'modern' && method === SUBSCRIBE) return this.#watch(String(params['uri']), signal);
    const leave = this.attached.enter(session);
    try {
      return await this.#peer.request(method, this.#ours(params), {
        signal,
        onProgress: onProgress ?? (() => {}),
        onAbort: (id) => this.cancel(id, 'The client gave it up.'),
      });
    } finally {
      if (!signal.aborted) leave();
    }
  }

  /** Asks the server to give a request up, whose answer nobody waits for any more. */
  cancel(id: number, reason: string): void {
    if (this.#peer.forget(id)) this.#peer.notify('notifications/cancelled', { requestId: id, reason });
  }

  /** Resolves once the server has answered a request that it always can, whatever the answer. */
  async roundTrip(signal: AbortSignal): Promise<void> {
    const method = this.era === 'modern' ? 'server/discover' : 'ping';
    await this.#peer.request(method, this.#ours({}), { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      if (this.#peer.closed) throw error;
    });
  }

  /** All of a list, such as that of `tools/list`, page after page. `key` is the field that holds it. */
  async list(method: string, key: string, signal: AbortSignal): Promise<readonly JsonObject[]> {
    const items: JsonObject[] = [];
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#peer.request(method, this.#ours(params), { signal });
      const { [key]: found, nextCursor } = answer;
      // As arguments of `push`, so many as a page may have would exhaust the stack.
      if (Array.isArray(found)) for (const item of found) if (isObject(item)) items.push(item);
      if (typeof nextCursor !== 'string' || nextCursor === cursor) break;
      cursor = nextCursor;
    }
    return items;
  }

  /** How many requests it is working at. */
  get running(): number {
    return this.#peer.running - this.#listening.size;
  }

  /** Calls back for each notification of the server that belongs to no request. Returns how to stop. */
  onNotification(listener: (method: string, params: JsonObject) => void): () => void {
    this.#listeners.add(listener);
    this.#listen();
    return () => void this.#listeners.delete(listener);
  }

  /** Hands a notification to those who listen. */
  tell(method: string, params: JsonObject): void {
    const said = this.#listening.take(method, params);
    if (said !== undefined) for (const listener of this.#listeners) listener(method, said);
  }

  /** Wants to be told of a resource no more. What the server says to it is of no interest. */
  unwatch(uri: string): void {
    const id = this.#watched.get(uri);
    this.#watched.delete(uri);
    if (id !== undefined) this.#listening.end(id);
    else if (this.era === 'legacy')
      this.#peer.request('resources/unsubscribe', { uri }, { signal: NEVER }).catch(() => {});
  }

  /** A modern server is asked to tell of a resource as of anything else. */
  #watch(uri: string, signal: AbortSignal): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#watched.has(uri)) return resolve({});
      const giveUp = (): void => {
        this.unwatch(uri);
        reject(signal.reason as Error);
      };
      const id = this.#listening.begin(this.#ours({ notifications: { resourceSubscriptions: [uri] } }), (honored) => {
        signal.removeEventListener('abort', giveUp);
        if (Array.isArray(honored['resourceSubscriptions'])) return resolve({});
        this.unwatch(uri);
        reject(new RpcFailure(RPC_ERROR.invalidParams, `The server does not tell of changes of ${uri}.`));
      });
      this.#watched.set(uri, id);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** A modern server tells of changes as long as a request for that is open, which is sent once. */
  #listen(): void {
    const { capabilities } = this.description;
    const notifications = Object.fromEntries(
      LISTS.filter((list) => isObject(capabilities[list]) && capabilities[list]['listChanged'] === true).map((list) => [
        `${list}ListChanged`,
        true,
      ]),
    );
    if (this.era !== 'modern' || this.#hasListened || Object.keys(notifications).length === 0) return;
    this.#hasListened = true;
    this.#listening.begin(this.#ours({ notifications }), () => {});
  }

  /** With what this era says in each request, and without what only another says. */
  #ours(params: JsonObject): JsonObject {
    const { _meta: meta, ...others } = params;
    const said = isObject(meta) ? meta : {};
    const given = Object.entries(said).filter(([key]) => !OWN_KEYS.has(key) && key !== 'progressToken');
    const own = this.era === 'modern' ? { ...modernMeta(this.#client), ...ofClient(said) } : {};
    const both = { ...Object.fromEntries(given), ...own };
    return Object.keys(both).length === 0 ? others : { ...others, _meta: both };
  }
}

/** The end of a server ends what it is asked. */
const NEVER = new AbortController().signal;

const OWN_KEYS: ReadonlySet<string> = new Set(Object.values(META));

/** What a modern server is told of the client behind a request: by ours, which can do nothing, it would refuse. */
function ofClient({ [META.clientCapabilities]: capabilities, [META.logLevel]: logLevel }: JsonObject): JsonObject {
  return {
    ...(isObject(capabilities) && { [META.clientCapabilities]: capabilities }),
    ...(typeof logLevel === 'string' && { [META.logLevel]: logLevel }),
  };
}
