import { fetchFrom } from '../proxy/fetch-from.ts';
import type { Upstream } from '../proxy/upstream.ts';
import { RequestLease, type RequestOptions, type RequestSite } from './request-lease.ts';
import { withUpstream } from './with-upstream.ts';

/** What `fetch` of a plugin takes: what `fetch` takes, and how the request waits. `priority` is that of the queue. */
export interface FetchInit extends Omit<RequestInit, 'priority' | 'signal'>, RequestOptions {}

/**
 * Sends a request to the plugin's worker under a lease of its own, which is given back when the body of the response has
 * come to its end, was cancelled, has failed or is forgotten. Rejects with a GreenroomError.
 */
export function fetchRequest(site: RequestSite, input: string | URL | Request, init: FetchInit): Promise<Response> {
  const { timeoutMs, priority, waitedMs, signal, ...given } = init;
  const { path, ...own } = partsOf(input);
  const lease = new RequestLease(site, 'fetch', { timeoutMs, priority, waitedMs, signal: signal ?? own.signal });
  const whole = { ...own, ...given };
  return withUpstream(
    site.plugin,
    lease,
    (upstream) => send(upstream, path, whole, lease),
    () => isKept(whole.body),
  );
}

async function send(upstream: Upstream, path: string, init: RequestInit, lease: RequestLease): Promise<Response> {
  const state = { hasCome: false, isOver: false };
  const onEnd = (): void => {
    state.isOver = true;
    // A fetch that fails is perhaps sent again.
    if (state.hasCome) lease.end();
  };
  const response = await fetchFrom(upstream, path, { ...init, signal: lease.signal }, { onEnd });
  state.hasCome = true;
  if (state.isOver) lease.end();
  return response;
}

/** What is asked for, and how. Of an address only the path counts: where the worker listens, it does not say. */
function partsOf(input: string | URL | Request): { readonly path: string } & RequestInit {
  if (typeof input === 'string') return { path: input };
  if (input instanceof URL) return { path: `${input.pathname}${input.search}` };
  const { method, headers, body, signal, redirect } = input;
  const path = partsOf(new URL(input.url));
  return { ...path, method, headers, signal, redirect, ...(body !== null && { body, duplex: 'half' as const }) };
}

/** Whether a body is still there once it was sent, so that the request can be sent again. */
function isKept(body: RequestInit['body']): boolean {
  return (
    !(body instanceof ReadableStream) && !(typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
  );
}
