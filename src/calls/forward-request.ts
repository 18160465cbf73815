import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { GreenroomError } from '../errors.ts';
import { watchClient } from '../proxy/client-watch.ts';
import { type ForwardOptions, forward } from '../proxy/forward.ts';
import { forwardUpgrade } from '../proxy/forward-upgrade.ts';
import type { ForwardOutcome } from '../proxy/outcome.ts';
import { isWhole } from '../proxy/small-body.ts';
import type { Upstream } from '../proxy/upstream.ts';
import { RequestLease, type RequestOptions, type RequestSite } from './request-lease.ts';
import { withUpstream } from './with-upstream.ts';

/** How one request is forwarded to a plugin that is an HTTP server. */
export interface ForwardRequestOptions extends Omit<ForwardOptions, 'signal'>, RequestOptions {}

/** How a request to upgrade its connection is forwarded. */
export interface ForwardUpgradeOptions
  extends Pick<ForwardOptions, 'path' | 'headers' | 'dropOfAnswer' | 'idleMs'>,
    RequestOptions {}

/**
 * Forwards a request to the plugin's worker under a lease of its own. Resolves with what became of it when both ends are
 * done, and rejects with a GreenroomError where nothing was sent to the client: the answer is the caller's to give then.
 */
export function forwardRequest(
  site: RequestSite,
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardRequestOptions,
): Promise<ForwardOutcome> {
  return exchange(
    site,
    (onGone) => watchResponse(response, onGone),
    options,
    (upstream, lease) => forward(request, response, upstream, { ...options, signal: lease.signal }),
    () => isWhole(request, options.body),
  );
}

/**
 * The same for an upgrade, such as that of a WebSocket. Its lease lasts until both ends have closed; where `isFree`, until
 * the connection is upgraded, so that it does not keep the worker.
 */
export function forwardUpgradeRequest(
  site: RequestSite,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: ForwardUpgradeOptions,
  isFree: boolean,
): Promise<ForwardOutcome> {
  // Until it is forwarded, nothing else listens.
  socket.on('error', () => {});
  return exchange(
    site,
    (onGone) => watchClient(socket, onGone),
    options,
    (upstream, lease) =>
      forwardUpgrade(request, socket, head, upstream, {
        ...options,
        signal: lease.signal,
        onResponse: (status) => {
          if (isFree && status === 101) lease.leave();
        },
      }),
  );
}

/** Watches for the end of a client's connection; returns how to stop. */
function watchResponse(response: ServerResponse, onGone: () => void): () => void {
  response.once('close', onGone);
  if (response.destroyed) onGone();
  return () => response.off('close', onGone);
}

async function exchange(
  site: RequestSite,
  watchForEnd: (onGone: () => void) => () => void,
  options: ForwardRequestOptions,
  send: (upstream: Upstream, lease: RequestLease) => Promise<ForwardOutcome>,
  mayResend?: () => boolean,
): Promise<ForwardOutcome> {
  const lease = new RequestLease(site, 'forward', options);
  let isGone = false;
  const onGone = (): void => {
    isGone = true;
    lease.cancel(new Error('The client closed its connection.'));
  };
  // While the request waits; while it is forwarded the proxy sees it.
  let stopWatch = watchForEnd(onGone);
  try {
    const sendOnce = async (upstream: Upstream): Promise<ForwardOutcome> => {
      stopWatch();
      const outcome = await send(upstream, lease);
      const failure = failureOf(site.plugin, outcome);
      if (failure !== undefined && !('begun' in outcome && outcome.begun)) {
        stopWatch = watchForEnd(onGone);
        throw failure;
      }
      lease.end(failure === undefined ? undefined : (await lease.explain(failure)).error);
      return outcome;
    };
    return await withUpstream(site.plugin, lease, sendOnce, mayResend);
  } catch (error) {
    if (isGone) return { kind: 'clientGone' };
    throw error;
  } finally {
    stopWatch();
  }
}

/** Why an exchange did not come to its end; undefined where it did, or the client left. */
function failureOf(plugin: string, outcome: ForwardOutcome): unknown {
  switch (outcome.kind) {
    case 'done':
    case 'clientGone':
      return undefined;
    case 'stalled':
      return new GreenroomError(
        'E_TIMEOUT',
        `The request to "${plugin}" was ended: ${outcome.side === 'client' ? 'the client read and sent' : 'the server sent'} nothing for ${outcome.limitMs} ms. Raise ${outcome.side === 'client' ? 'clientIdleMs or idleMs' : 'idleMs'} if it needs longer.`,
        { plugin },
      );
    case 'badRequest':
    case 'upstreamFailed':
    case 'aborted':
      return outcome.error;
  }
}
