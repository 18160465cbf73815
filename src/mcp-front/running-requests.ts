import type { RequestId } from '../mcp/json-rpc.ts';

/** The requests of one client that are not answered yet. */
export class RunningRequests {
  readonly #running = new Map<RequestId, AbortController>();

  has(id: RequestId): boolean {
    return this.#running.has(id);
  }

  get size(): number {
    return this.#running.size;
  }

  /** The one that runs; undefined where there is none, or several. */
  get only(): RequestId | undefined {
    const [first] = this.#running.keys();
    return this.size === 1 ? first : undefined;
  }

  /** Notes a request; its signal is aborted once it is cancelled. */
  begin(id: RequestId): AbortSignal {
    const controller = new AbortController();
    this.#running.set(id, controller);
    return controller.signal;
  }

  /** The request is over, one way or the other. */
  end(id: RequestId): void {
    this.#running.delete(id);
  }

  /** Cancels a request, if it still runs. */
  cancel(id: RequestId, reason: string): void {
    this.#running.get(id)?.abort(new Error(reason));
  }

  cancelAll(reason: string): void {
    for (const id of this.#running.keys()) this.cancel(id, reason);
  }
}
