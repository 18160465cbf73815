import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endAfterAnswer, endGently, isEnding, refuseOn, say } from './answer.ts';
import { allowedOrigin, type Door, hasBody, MAX_HEADERS, refusalOf } from './guard.ts';
import type { Refusal } from './refusal.ts';
import type { Exchange, Front, Route } from './route.ts';
import { type Found, Router } from './router.ts';
import type { Tickets } from './tickets.ts';
import { bringsToken } from './token.ts';

/** Where a server listens. */
export type ListenAddress =
  /** On a socket of the file system; resolves when it listens. */
  | { readonly socket: (server: Server) => Promise<void> }
  /** 0: any port that is free. */
  | { readonly host: string; readonly port: number };

/** What a server is made of. */
export interface HttpServerOptions {
  readonly fronts: readonly Front[];
  readonly address: ListenAddress;
  /** What opens the routes that are not open to all. On a socket of the file system its mode decides, and there is none. */
  readonly token?: (() => string) | undefined;
  readonly tickets?: Tickets | undefined;
  /** Further values of `Host`, for a proxy in front. */
  readonly allowHosts?: readonly string[] | undefined;
  /** The origins of pages of other sites that may ask. */
  readonly allowOrigins?: readonly string[] | undefined;
  /** How long a client may take for the head of a request, in milliseconds. Default 20,000. */
  readonly headersMs?: number | undefined;
  /** Whether the program may end while this listens. */
  readonly unref?: boolean | undefined;
}

const MAX_CONNECTIONS = 4_096;
const HEADERS_MS = 20_000;
/** Longer than clients keep an idle connection, or they send a request into one that is being closed. In milliseconds. */
const KEEP_ALIVE_MS = 75_000;
/** How long the last of the answers may take when the server is closed, in milliseconds. */
const CLOSE_MS = 500;
/** How long a browser may keep what a preflight said, in seconds. */
const PREFLIGHT_SECONDS = '600';

/** A server with a guard in front of its routes, on one address. */
export class HttpServer {
  readonly #server: Server;
  readonly #router: Router;
  readonly #token: (() => string) | undefined;
  readonly #tickets: Tickets | undefined;
  /** Connections that HTTP has let go of, so that Node's server closes them no more. */
  readonly #upgraded = new Set<Duplex>();
  #connections = 0;
  /** The last answer of each connection. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  readonly #unfinished = new Map<Front, number>();
  #door: Door = { hosts: new Set(), origins: new Set() };
  #isClosing = false;

  private constructor({ fronts, token, tickets, headersMs = HEADERS_MS, unref }: HttpServerOptions) {
    this.#router = new Router(fronts);
    this.#token = token;
    this.#tickets = tickets;
    const options = {
      headersTimeout: headersMs,
      connectionsCheckingInterval: headersMs / 2,
      // A long upload is none of our business: whoever reads a body bounds the pauses in it.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
    };
    this.#server = createServer(options, (request, response) => void this.#answer(request, response));
    this.#server.maxHeadersCount = MAX_HEADERS;
    this.#server.maxConnections = MAX_CONNECTIONS;
    // Node would ask for the body before anybody has looked at the request.
    this.#server.on('checkContinue', (request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    this.#server.on('connect', (_request, socket) => {
      this.#keep(socket);
      refuseOn(socket, { status: 405, message: 'This server is not a proxy.' });
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuseUnreadable(error, socket));
    this.#server.on('connection', (socket: Socket) => {
      this.#connections += 1;
      socket.once('close', () => {
        this.#connections -= 1;
      });
      socket.setNoDelay(true);
      if (unref === true) socket.unref();
    });
    if (unref === true) this.#server.unref();
  }

  /** Listens. Rejects with what the system says, for example that the port is taken. */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const own = new HttpServer(options);
    const { address } = options;
    if ('socket' in address) await address.socket(own.#server);
    else {
      own.#server.listen(address);
      await once(own.#server, 'listening');
    }
    // Without descriptors a connection cannot be accepted; the next one may be.
    own.#server.on('error', () => {});
    own.#door = {
      hosts: 'socket' in address ? undefined : namesOf(address.host, own.port, options.allowHosts),
      origins: new Set(options.allowOrigins),
    };
    return own;
  }

  /** The port that it listens on; 0 on a socket of the file system. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections;
  }

  /** Ends every connection; readers of answers without an end get what there is up to now. Resolves when nothing is left. */
  async close(graceMs = CLOSE_MS): Promise<void> {
    this.#isClosing = true;
    for (const front of this.#router.fronts) front.finish?.();
    const cut = (): void => {
      this.#server.closeAllConnections();
      for (const socket of this.#upgraded) socket.destroy();
    };
    const timer = setTimeout(cut, graceMs);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(timer);
    cut();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isEnding(request.socket)) return;
    this.#answers.set(request.socket, response);
    if (response.socket === null) closeWithConnection(request, response);
    // The client may use the connection again, which would keep a server from closing.
    response.once('close', () => {
      if (this.#isClosing) setImmediate(() => this.#server.closeIdleConnections());
    });
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const front = this.#router.frontOf(path);
    try {
      const refusal = await this.#handle(request, response, path, query).catch((error: unknown) => {
        if (response.headersSent || response.destroyed || front === undefined) response.destroy();
        else front.fail(response, error);
      });
      if (refusal !== undefined) (front?.refuse ?? say)(response, refusal);
    } catch {
      response.destroy();
    }
  }

  /** Answers, or says why it does not. */
  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string | undefined,
  ): Promise<Refusal | undefined> {
    this.#allowOrigin(request, response);
    const refusal = refusalOf(request, this.#door);
    if (refusal !== undefined) {
      // Where the request ends is one of the things that may be unclear.
      endAfterAnswer(response);
      return refusal;
    }
    if (isPreflight(request)) {
      this.#answerPreflight(request, response, path);
      return undefined;
    }
    const found = this.#router.find(request.method ?? '', path);
    if (found === undefined) return this.#missing(path);
    const exchange = { request, response, params: found.params, query: new URLSearchParams(query) };
    const denied = this.#denied(found, exchange) ?? this.#enter(found.front, response);
    if (denied !== undefined) return denied;
    await found.route.handle(exchange);
    return undefined;
  }

  /** Counts a request of the front until its answer, or its connection, ends; a refusal where there are as many as may be. */
  #enter(front: Front, answer: ServerResponse | Duplex): Refusal | undefined {
    const count = this.#unfinished.get(front) ?? 0;
    if (count >= front.maxExchanges) {
      const message = `${front.maxExchanges} requests are being answered already. Try again later.`;
      return { status: 503, message, headers: { 'retry-after': '1' } };
    }
    this.#unfinished.set(front, count + 1);
    answer.once('close', () => this.#unfinished.set(front, (this.#unfinished.get(front) ?? 1) - 1));
    return undefined;
  }

  #denied({ route, front }: Found, { request, query }: Pick<Exchange, 'request' | 'query'>): Refusal | undefined {
    if (route.access !== 'open' && !this.#isKnown(route, request, query)) {
      return {
        status: 401,
        message: front.tokenText ?? 'Send the token of this server: "Authorization: Bearer TOKEN".',
        headers: { 'www-authenticate': 'Bearer' },
      };
    }
    return route.takesBody !== true && hasBody(request.headers)
      ? { status: 413, message: 'This request takes no body.' }
      : undefined;
  }

  #isKnown({ access }: Route, { headers }: IncomingMessage, query: URLSearchParams): boolean {
    if (this.#token === undefined || bringsToken(headers.authorization, this.#token())) return true;
    const ticket = query.get('ticket');
    return access === 'ticket' && ticket !== null && this.#tickets?.use(ticket) === true;
  }

  #missing(path: string): Refusal {
    const methods = this.#router.methodsOf(path);
    if (methods.length === 0) return { status: 404, message: `There is nothing at ${path}.` };
    const allow = methods.join(', ');
    return { status: 405, message: `Ask for ${path} by ${allow}.`, headers: { allow } };
  }

  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    if (this.#door.origins.size === 0) return;
    response.setHeader('vary', 'Origin');
    const origin = allowedOrigin(request, this.#door);
    if (origin === undefined) return;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', 'Retry-After, X-Request-Id, Request-Id, Mcp-Session-Id');
  }

  #answerPreflight(request: IncomingMessage, response: ServerResponse, path: string): void {
    const wanted = request.headers['access-control-request-headers'];
    response.writeHead(204, {
      'access-control-allow-methods': this.#router.methodsOf(path).join(', '),
      ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
      ...(request.headers['access-control-request-private-network'] === 'true' && {
        'access-control-allow-private-network': 'true',
      }),
      'access-control-max-age': PREFLIGHT_SECONDS,
    });
    response.end();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#keep(socket);
    const [path = '', query] = (request.url ?? '').split('?', 2);
    try {
      const refusal = refusalOf(request, this.#door);
      if (refusal !== undefined) return refuseOn(socket, refusal);
      const found = this.#router.find(request.method ?? '', path);
      if (found?.route.upgrade === undefined) return this.#answerWithout(request, socket, found, path);
      const exchange = { request, socket, head, params: found.params, query: new URLSearchParams(query) };
      const denied = this.#denied(found, exchange) ?? this.#enter(found.front, socket);
      if (denied !== undefined) return refuseOn(socket, denied);
      await found.route.upgrade(exchange);
    } catch {
      socket.destroy();
    }
  }

  #keep(socket: Duplex): void {
    // Without a listener, a reset of the client would end the program.
    socket.on('error', () => socket.destroy());
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
  }

  /** What Node's parser has refused, or has not had in time. */
  #refuseUnreadable({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
    if (isEnding(socket)) return;
    const answer = this.#answers.get(socket);
    // What is written now would be taken for the answer to a request that was whole.
    const isAnswering = answer?.writableFinished === false && (answer.headersSent || answer.req.complete);
    if (!socket.writable || isAnswering) socket.destroy();
    else refuseOn(socket, UNREADABLE[code] ?? { status: 400, message: 'This is not a request in HTTP/1.1.' });
  }

  /** Answers a request to upgrade as one that did not ask for it, which HTTP allows. */
  #answerWithout(request: IncomingMessage, socket: Duplex, found: Found | undefined, path: string): void {
    if (found === undefined) return refuseOn(socket, this.#missing(path));
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    // Node passes it on for connections of its own alone.
    socket.on('drain', () => response.emit('drain'));
    // Its end is seen only by reading. What comes behind the request is not for us.
    socket.once('end', () => socket.destroy()).resume();
    response.once('finish', () => {
      // The answer is over, as for connections of Node's own, while this one may last until the client has read it.
      response.detachSocket(socket as Socket);
      endGently(socket);
      response.destroy();
      response.emit('close');
    });
    void this.#answer(request, response);
  }
}

/** Node does not tell an answer that waits for the one before it that the connection has closed. */
function closeWithConnection({ socket }: IncomingMessage, response: ServerResponse): void {
  const onClose = (): void => {
    if (response.socket !== null) return;
    response.destroy();
    response.emit('close');
  };
  // One for each of the requests that were sent at once.
  socket.setMaxListeners(0);
  socket.once('close', onClose);
  response.once('close', () => socket.off('close', onClose));
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

function namesOf(host: string, port: number, allowed: readonly string[] = []): ReadonlySet<string> {
  const own = ['127.0.0.1', 'localhost', '[::1]'];
  const given = allowed.map((name) => name.toLowerCase());
  const bare = given.filter((name) => !/:\d+$/.test(name));
  const listening = host.includes(':') ? `[${host}]` : host;
  const withPort = [...own, ...(host === '0.0.0.0' || host === '::' ? [] : [listening]), ...bare];
  const names = [...withPort.map((name) => `${name}:${port}`), ...given];
  // Clients leave out the port that is HTTP's own.
  return new Set(port === 80 ? [...names, ...withPort] : names);
}

/** By the code of the error. */
const UNREADABLE: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The head of a request may have at most 16 KiB.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The extensions of a chunk may have at most 16 KiB.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The head of the request did not come in time.' },
};
