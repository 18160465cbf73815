import { type DaemonRecord, readDaemon } from '../daemon/daemon-record.ts';
import { GreenroomError } from '../errors.ts';
import { overSocket } from './over-socket.ts';
import { passes } from './passing-errors.ts';

/** Which daemon a client talks to: the one at a socket, at an address, or of a data directory. */
export type ClientTarget =
  | {
      /** The path of its Unix socket, or of its named pipe. */
      readonly socket: string;
    }
  | {
      /** Its address on TCP, such as `http://127.0.0.1:8484`. */
      readonly url: string | URL;
      /** The token, as `greenroom token` prints it; a function is asked at every request. */
      readonly token: string | (() => string);
    }
  | {
      /** The data directory of the daemon. Its lock file says where it listens, also after another daemon took over. */
      readonly dataDir: string;
    };

/** Where requests are sent, as `request` of `node:http` takes it. */
export interface Place {
  readonly secure: boolean;
  readonly options: { readonly socketPath: string } | { readonly hostname: string; readonly port: string };
  readonly headers: Readonly<Record<string, string>>;
  /** What leads to the interface in the path, where a proxy is in front: `` or `/greenroom`. */
  readonly base: string;
  /** As messages name it. */
  readonly name: string;
  /** The version of the daemon, where that is known before the first request. */
  readonly version: string | undefined;
}

/** Finds the place of a daemon. */
export interface Target {
  /** Where it is now. Throws `E_DAEMON`. */
  find(): Place;
  /** Looks again after nothing answered at the place. Whether it has changed. */
  renew(): boolean;
}

/** Throws `E_OPTIONS` for what names no daemon. */
export function targetOf(given: ClientTarget): Target {
  const { socket, url, token, dataDir } = given as Partial<Record<string, unknown>>;
  const named = [socket, url, dataDir].filter((value) => value !== undefined);
  if (named.length !== 1)
    throw new GreenroomError(
      'E_OPTIONS',
      'The options of createClient() must be { socket }, { url, token } or { dataDir }.',
    );
  if (url !== undefined) return addressTarget(url, token);
  const [path] = named;
  if (typeof path !== 'string' || path === '') {
    const name = socket === undefined ? 'dataDir' : 'socket';
    throw new GreenroomError('E_OPTIONS', `The option "${name}" of createClient() must be a path.`);
  }
  return socket === undefined ? dataDirTarget(path) : fixed(placeOf({ socket: path, version: undefined }));
}

function addressTarget(given: unknown, token: unknown): Target {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new GreenroomError(
      'E_OPTIONS',
      'The option "url" of createClient() must be an address such as http://127.0.0.1:8484.',
    );
  if (typeof token !== 'string' && typeof token !== 'function')
    throw new GreenroomError(
      'E_OPTIONS',
      'The option "token" of createClient() must be the token that "greenroom token" prints.',
    );
  const secure = url.protocol === 'https:';
  const bearer = typeof token === 'string' ? () => token : (token as () => string);
  const place = {
    secure,
    // Not the brackets of an IPv6 address.
    options: { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || (secure ? '443' : '80') },
    base: url.pathname.replace(/\/+$/, ''),
    name: url.origin,
    version: undefined,
  };
  return {
    find: () => ({ ...place, headers: { host: url.host, authorization: `Bearer ${bearer()}` } }),
    renew: () => false,
  };
}

function dataDirTarget(dataDir: string): Target {
  let record: DaemonRecord | undefined;
  return {
    find() {
      record ??= readDaemon(dataDir);
      if (record === undefined)
        throw passes(
          new GreenroomError(
            'E_DAEMON',
            `No daemon runs for the data directory ${dataDir}. Start one: greenroom serve --data-dir ${dataDir}`,
          ),
        );
      return placeOf(record);
    },
    renew() {
      const former = record;
      record = readDaemon(dataDir);
      return record !== undefined && (record.id !== former?.id || record.socket !== former.socket);
    },
  };
}

function placeOf({ socket, version }: { readonly socket: string; readonly version: string | undefined }): Place {
  return {
    secure: false,
    options: overSocket(socket),
    headers: { host: 'localhost' },
    base: '',
    name: socket,
    version,
  };
}

function fixed(place: Place): Target {
  return { find: () => place, renew: () => false };
}
