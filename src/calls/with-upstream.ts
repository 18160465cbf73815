import { GreenroomError } from '../errors.ts';
import type { Upstream } from '../proxy/upstream.ts';
import type { RequestLease } from './request-lease.ts';

/** How often a request of which nothing has arrived is sent again. */
const MAX_RESENDS = 2;

/**
 * Sends a request once it has a lease, and again where nothing of it has arrived: the worker was gone, or took no
 * connection. Rejects with a GreenroomError; the lease has ended then. Where `send` resolves, it is `send` that ends it.
 *
 * @param mayResend asked whether what is to be sent is still there the next time
 */
export async function withUpstream<T>(
  plugin: string,
  lease: RequestLease,
  send: (upstream: Upstream) => Promise<T>,
  mayResend: () => boolean = () => true,
): Promise<T> {
  for (let resends = 0; ; resends += 1) {
    let sentTo: Upstream | undefined;
    try {
      const { channel } = await lease.enter();
      lease.signal.throwIfAborted();
      if (channel.upstream === undefined) throw notServing(plugin);
      sentTo = channel.upstream;
      return await send(sentTo);
    } catch (thrown) {
      // Of a worker that is lost before it was ever connected to, nothing has arrived.
      const { error, isUnsent } = await lease.explain(thrown, sentTo?.isReached === true);
      if (!isUnsent || (sentTo !== undefined && !mayResend()) || resends >= MAX_RESENDS) {
        lease.end(error);
        throw error;
      }
      lease.leave();
    }
  }
}

/** Requests are sent to HTTP servers alone. */
export function notServing(plugin: string): GreenroomError {
  return new GreenroomError(
    'E_UNSUPPORTED',
    `"${plugin}" takes no requests: it is not an HTTP server. Call execute("${plugin}", …), or set "worker": "http" in its manifest.`,
    { plugin },
  );
}
