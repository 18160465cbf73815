import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { GreenroomError } from '../../errors.ts';

/** Where a Redis is. */
export interface RedisAddress {
  /** For the client, with credentials. */
  readonly options: RedisOptions;
  /** For messages, without. */
  readonly shown: string;
}

const PORT = 6379;

/** A socket, which `URL` does not read together with a name. */
const SOCKET = /^unix:\/\/(?:(?<user>[^/:@]*)(?::(?<password>[^/@]*))?@)?(?<path>\/.+)$/;

/**
 * Reads where a Redis is: `redis://` or, with TLS, `rediss://`, then `user:password@host:port/database`; or `unix://` and
 * the path of a socket. Throws `E_OPTIONS` without repeating what may hold a password.
 */
export function redisAddress(url: string): RedisAddress {
  const socket = SOCKET.exec(url)?.groups;
  if (socket !== undefined) {
    const path = decoded(socket['path']) ?? '';
    return { options: { path, username: decoded(socket['user']), password: decoded(socket['password']) }, shown: path };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const { protocol, hostname, username, password } = parsed ?? {};
  const login = { username: decoded(username), password: decoded(password) };
  const db = /^\/?(\d*)$/.exec(parsed?.pathname ?? '-')?.[1];
  if (parsed === undefined || (protocol !== 'redis:' && protocol !== 'rediss:') || !hostname || db === undefined)
    throw new GreenroomError(
      'E_OPTIONS',
      'The address of the Redis is not one: expected redis://user:password@host:port/database, rediss:// for TLS, ' +
        'or unix:// and the path of a socket.',
    );
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? PORT : Number(parsed.port);
  // TLS takes no address for the name of a server. It is looked for in the certificate all the same.
  const tls = protocol === 'rediss:' ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {};
  return { options: { host, port, db: Number(db), ...login, ...tls }, shown: `${hostname}:${port}` };
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : decodeURIComponent(text);
}
