import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { systemCodeOf } from '../system-error.ts';

/** What a request may say beside what undici knows. */
export interface ExchangeOptions extends Dispatcher.DispatchOptions {
  /** Makes a stream body once more, of which nothing was sent yet; undefined where something was. */
  readonly rewind?: (() => Readable | undefined) | undefined;
  /** Why it is sent once more. Where no connection is made then, this is why it failed: the server may have read it. */
  readonly former?: Error | undefined;
}

/** undici's older handlers: raw headers as they came, and no object in between. A pool gives its clients such ones. */
type Handler = Required<
  Pick<Dispatcher.DispatchHandler, 'onConnect' | 'onHeaders' | 'onData' | 'onComplete' | 'onError' | 'onUpgrade'>
> &
  Pick<Dispatcher.DispatchHandler, 'onResponseStarted' | 'onBodySent'>;

/** The socket of a connection, and how many requests it was given. */
interface Line {
  socket: Socket | undefined;
  requests: number;
}

/** For how long after it was sent a closed connection means that a request was not read, in milliseconds. */
const UNREAD_MS = 1_000;

/** The methods that may be carried out twice. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/**
 * One connection to a server, which undici's client makes anew whenever it was closed. What it adds:
 *
 * - A request whose *reused* socket closed before a byte of the answer came was most likely never read: the server
 *   closed an idle connection at that moment. It is sent once more, on a connection of its own, if all of it is still
 *   there. That is known soon: one that fails later was perhaps read, and is sent once more only if its method says
 *   that twice does what once does.
 * - An answer that lasts until its server closes the connection is an error where the connection was reset: for undici
 *   that is an end like any other.
 */
export class Connection extends Client {
  readonly #line: Line;
  readonly #openFresh: () => Connection;
  readonly #now: () => number;

  /** `openFresh` opens another one, for what is sent once more; `now` says the time, in milliseconds. */
  constructor(
    origin: string,
    options: Client.Options,
    connect: buildConnector.connector,
    openFresh: () => Connection,
    now: () => number,
  ) {
    const line: Line = { socket: undefined, requests: 0 };
    super(origin, {
      ...options,
      connect: (how, callback) =>
        connect(how, (...[error, socket]) => {
          if (error !== null) return callback(error, null);
          line.socket = socket;
          line.requests = 0;
          callback(null, socket);
        }),
    });
    this.#line = line;
    this.#openFresh = openFresh;
    this.#now = now;
  }

  override dispatch(options: ExchangeOptions, handler: Dispatcher.DispatchHandler): boolean {
    const idempotent = IDEMPOTENT.has(options.method);
    let sentAt = Infinity;
    const onSent = (): void => {
      sentAt = this.#now();
    };
    const sendAgain = (former: Error): boolean =>
      (idempotent || this.#now() - sentAt < UNREAD_MS) && this.#sendAgain({ ...options, former }, handler);
    const watched = new WatchedExchange(this.#line, handler as Handler, { onSent, sendAgain }, options.former);
    return super.dispatch(options, watched);
  }

  /** Whether the request could be sent once more. */
  #sendAgain(options: ExchangeOptions, handler: Dispatcher.DispatchHandler): boolean {
    const body = bodyOnceMore(options);
    if (body === undefined) return false;
    const connection = this.#openFresh();
    connection.dispatch({ ...options, body, reset: true }, handler);
    connection.close().catch(() => {});
    return true;
  }
}

function bodyOnceMore({ body, rewind }: ExchangeOptions): Dispatcher.DispatchOptions['body'] {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  return rewind?.();
}

/** What a connection does about an exchange. */
interface Turns {
  /** Its turn has come: it is being sent. */
  onSent(): void;
  /** Sends it once more; false where it may not be. */
  sendAgain(former: Error): boolean;
}

class WatchedExchange implements Handler {
  readonly #line: Line;
  readonly #handler: Handler;
  readonly #turns: Turns;
  readonly #former: Error | undefined;
  #socket: Socket | undefined;
  #reused = false;
  #answered = false;
  #headers: Buffer[] = [];

  constructor(line: Line, handler: Handler, turns: Turns, former: Error | undefined) {
    this.#line = line;
    this.#handler = handler;
    this.#turns = turns;
    this.#former = former;
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#socket = this.#line.socket;
    this.#reused = this.#line.requests > 0;
    this.#line.requests += 1;
    this.#turns.onSent();
    this.#handler.onConnect(abort);
  }

  onResponseStarted(): void {
    this.#answered = true;
    this.#handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    this.#headers = headers;
    return this.#handler.onHeaders(status, headers, resume, statusText);
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData(chunk);
  }

  onComplete(trailers: string[] | null): void {
    const reset = this.#socket?.errored ?? null;
    if (reset !== null && lastsUntilClosed(this.#headers)) this.#handler.onError(reset);
    else this.#handler.onComplete(trailers);
  }

  onUpgrade(status: number, headers: Buffer[] | string[] | null, socket: Socket): void {
    this.#handler.onUpgrade(status, headers, socket);
  }

  onBodySent(size: number, total: number): void {
    this.#handler.onBodySent?.(size, total);
  }

  onError(error: Error): void {
    if (this.#reused && !this.#answered && isClosed(error) && this.#turns.sendAgain(error)) return;
    this.#handler.onError(isUnsent(error) ? (this.#former ?? error) : error);
  }
}

/** Whether the peer closed the connection: not this program, and not for what was sent. */
function isClosed(error: Error): boolean {
  const code = 'code' in error && error.code === 'UND_ERR_SOCKET' ? 'ECONNRESET' : systemCodeOf(error);
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** Whether no connection was made. */
function isUnsent(error: Error): boolean {
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return (cause as NodeJS.ErrnoException | undefined)?.syscall === 'connect';
}

function lastsUntilClosed(headers: readonly Buffer[]): boolean {
  return !headers.some(
    (name, index) => index % 2 === 0 && /^(content-length|transfer-encoding)$/i.test(name.toString('latin1')),
  );
}
