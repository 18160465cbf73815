import { buildConnector, type Dispatcher, Pool } from 'undici';
import { GreenroomError } from '../errors.ts';
import { Connection } from './connection.ts';

/** A server that requests are forwarded to. */
export interface Upstream {
  readonly dispatcher: Dispatcher;
  /** Such as `http://127.0.0.1:20001`; `http://localhost` for a Unix socket. */
  readonly origin: string;
  /** Put before every path; empty for most. */
  readonly prefix: string;
  /** The Unix socket that it listens on, if it does. */
  readonly socketPath?: string | undefined;
  /** Gives the headers that are set in every request, in place of those that it has; names in lower case. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Its connections that were upgraded, which no dispatcher knows. */
  readonly upgraded: Set<{ destroy(): unknown }>;
  /** Whether there ever was a connection: without one, nothing has arrived. */
  readonly isReached: boolean;
}

/** An {@link Upstream} whose connections are this program's to close. */
export interface OpenUpstream extends Upstream {
  /** Closes every connection, upgraded ones too; exchanges in flight fail. */
  close(): void;
}

/**
 * After how many milliseconds an idle connection is dropped. Most servers close theirs after 5 s without saying so, and
 * a request that is sent at that moment is lost.
 */
const IDLE_MS = 2_000;

/** How much sooner than its server says, in milliseconds. */
const SOONER_MS = 500;

/**
 * Opens an upstream at `unix:/path`, or at an http(s) URL, whose path is put before every path. Connects only when
 * there is something to send. `connections` bounds how many exchanges go on at once; further ones wait. `now` says the
 * time, in milliseconds. Throws `E_OPTIONS` for an address that is neither.
 */
export function openUpstream({
  address,
  headers = () => ({}),
  connections,
  now = () => performance.now(),
}: {
  readonly address: string;
  readonly headers?: Upstream['headers'] | undefined;
  readonly connections?: number | undefined;
  readonly now?: (() => number) | undefined;
}): OpenUpstream {
  const { origin, prefix, socketPath } = parseAddress(address);
  const options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    keepAliveTimeoutThreshold: SOONER_MS,
  };
  const connect = buildConnector(socketPath === undefined ? {} : { socketPath });
  /** Those that a request was sent a second time on. */
  const fresh = new Set<Connection>();
  const open = (): Connection => new Connection(origin, options, connect, openFresh, now);
  const openFresh = (): Connection => {
    const connection = open();
    fresh.add(connection);
    connection.once('disconnect', () => fresh.delete(connection));
    connection.once('connectionError', () => fresh.delete(connection));
    return connection;
  };
  const upgraded: Upstream['upgraded'] = new Set();
  const dispatcher = new Pool(origin, { ...options, connections: connections ?? null, factory: open });
  let isReached = false;
  dispatcher.once('connect', () => {
    isReached = true;
  });
  return {
    get isReached() {
      return isReached;
    },
    dispatcher,
    origin,
    prefix,
    socketPath,
    headers,
    upgraded,
    close() {
      for (const each of upgraded) each.destroy();
      for (const each of [dispatcher, ...fresh]) each.destroy().catch(() => {});
    },
  };
}

function parseAddress(address: string): Pick<Upstream, 'origin' | 'prefix' | 'socketPath'> {
  if (address.startsWith('unix:/'))
    return { origin: 'http://localhost', prefix: '', socketPath: address.slice('unix:'.length) };
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    `${url.username}${url.password}${url.search}${url.hash}` !== ''
  )
    throw new GreenroomError(
      'E_OPTIONS',
      `address: expected unix:/path or an http(s) URL without credentials and query, got "${address}".`,
    );
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, ''), socketPath: undefined };
}
