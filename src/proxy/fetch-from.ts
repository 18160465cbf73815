import { type Dispatcher, type RequestInit as UndiciInit, fetch as undiciFetch } from 'undici';
import { GreenroomError } from '../errors.ts';
import type { Upstream } from './upstream.ts';

/** What is told of a fetch. */
export interface FetchHooks {
  /**
   * Called once, when the server is done with the exchange: its answer was received to the end or failed, the body was
   * cancelled, or the response was collected unread. What a reader has not read yet has already come then.
   */
  readonly onEnd?: (() => void) | undefined;
}

/**
 * `fetch` from one server: a path below its prefix, or a URL or Request of its origin. Redirects are followed only
 * there. Rejects as `fetch` does, and with `E_OPTIONS` for a URL that is another server's.
 */
export async function fetchFrom(
  upstream: Upstream,
  input: string | URL | Request,
  init: RequestInit = {},
  { onEnd }: FetchHooks = {},
): Promise<Response> {
  const exchanges = new Exchanges(onEnd);
  const dispatcher = upstream.dispatcher.compose((dispatch) => (options, handler) => {
    if (options.origin !== undefined && String(options.origin) !== upstream.origin)
      throw elsewhere(upstream, String(options.origin));
    return dispatch(options, exchanges.watch(handler));
  });
  try {
    const { url, ...of } = partsOf(input);
    // The types of undici's fetch, of Node's and of a browser's are told apart, the values are not.
    const how = {
      ...of,
      ...init,
      ...headersFor(upstream, init.headers ?? of['headers']),
      dispatcher,
    } as unknown as UndiciInit;
    const response: unknown = await undiciFetch(urlAt(upstream, url), how);
    return response as Response;
  } finally {
    exchanges.noMore();
  }
}

/** The headers of a request with those of the upstream; nothing where that has none. */
function headersFor(upstream: Upstream, given: unknown): { readonly headers?: [string, string][] } {
  const own = Object.entries(upstream.headers());
  if (own.length === 0) return {};
  const headers = new Headers(given as RequestInit['headers']);
  for (const [name, value] of own) headers.set(name, value);
  return { headers: [...headers] };
}

/** A Request of Node's own is none of undici's, so what it is made of is handed on. */
function partsOf(input: string | URL | Request): { url: string } & Record<string, unknown> {
  if (typeof input === 'string') return { url: input };
  if (input instanceof URL) return { url: input.href };
  const { url, method, headers, body, signal, redirect } = input;
  return { url, method, headers: [...headers], body, signal, redirect, ...(body === null ? {} : { duplex: 'half' }) };
}

function urlAt(upstream: Upstream, given: string): string {
  const { origin, prefix } = upstream;
  const whole = given.startsWith('/') ? `${origin}${prefix}${given}` : given;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url?.origin !== origin || !`${url.pathname}/`.startsWith(`${prefix}/`)) throw elsewhere(upstream, given);
  return whole;
}

function elsewhere({ origin, prefix }: Upstream, given: string): GreenroomError {
  return new GreenroomError(
    'E_OPTIONS',
    `fetch: expected a path that begins with "/", or a URL below ${origin}${prefix}, got "${given}".`,
  );
}

/** Counts the exchanges of one fetch, which has several where it is redirected. */
class Exchanges {
  readonly #onEnd: (() => void) | undefined;
  /** One for the fetch itself, which may begin another. */
  #open = 1;

  constructor(onEnd: (() => void) | undefined) {
    this.#onEnd = onEnd;
  }

  /** A handler that does what the given one does, and counts. */
  watch(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    this.#open += 1;
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      this.#close();
    };
    return {
      onConnect: (abort) => handler.onConnect?.(abort),
      onResponseStarted: () => handler.onResponseStarted?.(),
      onHeaders: (status, headers, resume, text) => handler.onHeaders?.(status, headers, resume, text) ?? true,
      onData: (chunk) => handler.onData?.(chunk) ?? true,
      onUpgrade: (status, headers, socket) => handler.onUpgrade?.(status, headers, socket),
      onComplete: (trailers) => {
        handler.onComplete?.(trailers);
        end();
      },
      onError: (error) => {
        handler.onError?.(error);
        end();
      },
    };
  }

  noMore(): void {
    this.#close();
  }

  #close(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#onEnd?.();
  }
}
