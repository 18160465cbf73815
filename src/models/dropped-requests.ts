import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** For how long the place of a dropped request is kept, in milliseconds. Clients come again within a few seconds. */
const KEPT_MS = 10_000;
/** More are not kept: the oldest is dropped. */
const MAX_KEPT = 1_000;

interface Dropped {
  /** When the first of its requests began to wait. */
  readonly since: number;
  readonly until: number;
}

/**
 * The places of requests whose clients have gone before they were answered. Clients send again what took too long, and
 * would go to the end of the queue each time. The same body from the same client, by its credentials, is such a request.
 */
export class DroppedRequests {
  readonly #now: () => number;
  readonly #kept = new Map<string, Dropped>();

  /** @param now milliseconds by a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** When the request began to wait of which this one takes the place, which can be taken once; undefined for most. */
  placeOf(request: IncomingMessage, body: Uint8Array): number | undefined {
    // A body of many megabytes takes a while to digest, so only where there is something to compare with.
    if (this.#kept.size === 0) return undefined;
    const key = keyOf(request, body);
    const dropped = this.#kept.get(key);
    this.#kept.delete(key);
    return dropped !== undefined && this.#now() < dropped.until ? dropped.since : undefined;
  }

  /** The client of a request has gone that has waited since then. */
  drop(request: IncomingMessage, body: Uint8Array, since: number): void {
    const now = this.#now();
    for (const [key, { until }] of this.#kept) if (until <= now || this.#kept.size >= MAX_KEPT) this.#kept.delete(key);
    this.#kept.set(keyOf(request, body), { since, until: now + KEPT_MS });
  }
}

function keyOf({ url = '', headers }: IncomingMessage, body: Uint8Array): string {
  const { authorization = '', 'x-api-key': key = '' } = headers;
  const hash = createHash('sha256');
  for (const part of [url, authorization, String(key)]) hash.update(`${part.length}:${part}`);
  return hash.update(body).digest('base64');
}
