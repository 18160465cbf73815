import { isObject, type JsonObject } from './json-rpc.ts';
import { META } from './revisions.ts';
import type { RpcPeer } from './rpc-peer.ts';

/** What a modern server says of a `subscriptions/listen` before all else. */
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

/** The `subscriptions/listen` of a modern server that are open: requests that stay unanswered, and are no work. */
export class Listening {
  readonly #peer: RpcPeer;
  /** By the identifier, who waits for it to be acknowledged. */
  readonly #open = new Map<number, (honored: JsonObject) => void>();

  constructor(peer: RpcPeer) {
    this.#peer = peer;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Begins to listen; returns the identifier by which it is ended.
   *
   * @param onHonored is called once, with what the server will tell of: nothing where it refuses
   */
  begin(params: JsonObject, onHonored: (honored: JsonObject) => void): number {
    const over = (): void => {
      this.#open.delete(id);
      onHonored({});
    };
    const sink = { onProgress() {}, onResult: over, onError: over };
    const id = this.#peer.send('subscriptions/listen', params, sink);
    if (!this.#peer.closed) this.#open.set(id, onHonored);
    return id;
  }

  end(id: number): void {
    if (this.#open.delete(id) && this.#peer.forget(id)) this.#peer.notify('notifications/cancelled', { requestId: id });
  }

  /**
   * Takes a notification of the server; returns its parameters without the identifier of a subscription, which is ours, or
   * undefined where it was about that alone.
   */
  take(method: string, params: JsonObject): JsonObject | undefined {
    const { _meta: meta, ...others } = params;
    if (!isObject(meta) || meta[META.subscriptionId] === undefined) return params;
    const { [META.subscriptionId]: id, ...rest } = meta;
    if (method === ACKNOWLEDGED) {
      const { notifications } = params;
      this.#open.get(Number(id))?.(isObject(notifications) ? notifications : {});
      return undefined;
    }
    return Object.keys(rest).length === 0 ? others : { ...others, _meta: rest };
  }
}
