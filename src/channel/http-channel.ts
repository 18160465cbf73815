import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError } from '../errors.ts';
import type { Health } from '../protocol.ts';
import { openUpstream } from '../proxy/upstream.ts';
import { askStatus } from './http-probe.ts';
import type { CallInFlight, CallSink, OutgoingCall, WorkerChannel } from './worker-channel.ts';

/** How soon a server is asked again that has answered a check with an error, in milliseconds. */
const RETRY_MS = 250;

/** A status from which on a server says that something is wrong with itself. */
const SERVER_ERROR = 500;

/** What a channel to an HTTP server is made of. */
export interface HttpChannelOptions {
  readonly plugin: string;
  /** `unix:/path`, or an http(s) address. */
  readonly address: string;
  /** Gives what is set in every request to it. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Where it is asked whether it is alive; undefined: never. */
  readonly livenessPath: string | undefined;
  /** Ends what the server may leave behind; resolves when it is done. */
  readonly cleanup: (() => Promise<void>) | undefined;
}

/** The channel to an HTTP server, which knows nothing of calls: requests are forwarded to it. */
export function createHttpChannel({
  plugin,
  address,
  headers,
  livenessPath,
  cleanup,
}: HttpChannelOptions): WorkerChannel {
  const upstream = openUpstream({ address, headers });
  return {
    upstream,
    execute(_call: OutgoingCall, sink: CallSink): CallInFlight {
      sink.onError(notCallable(plugin));
      return { pause() {}, resume() {} };
    },
    close: () => upstream.close(),
    ...(livenessPath !== undefined && { health: (signal) => askHealth(address, livenessPath, headers(), signal) }),
    ...(cleanup !== undefined && { cleanup }),
  };
}

/** Asks until the answer is no error of the server, or the caller's time is over. */
async function askHealth(
  address: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Health> {
  for (;;) {
    const status = await askStatus(address, path, signal, headers).catch((error: unknown) => {
      signal.throwIfAborted();
      // It was reachable, and may be busy beyond one try.
      if (error instanceof DOMException && error.name === 'TimeoutError') return undefined;
      throw error;
    });
    if (status !== undefined && status < SERVER_ERROR) return { status: 'ok', pid: 0, nonce: '' };
    await delay(RETRY_MS, undefined, { signal, ref: false });
  }
}

/** An HTTP server has no `execute`. */
export function notCallable(plugin: string): GreenroomError {
  return new GreenroomError(
    'E_UNSUPPORTED',
    `"${plugin}" is an HTTP server and cannot be called. Send it requests: fetch("${plugin}", "/path"), or forward("${plugin}", request, response).`,
    { plugin },
  );
}
