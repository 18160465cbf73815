import { connect as connectTcp } from 'node:net';
import { Client } from 'undici';

/** How long a server may take to answer one try, in milliseconds. */
const TRY_MS = 1_000;

/** Where a server is asked: `unix:/path`, or an http(s) address with the path that stands before all others. */
function placeOf(address: string): { readonly origin: string; readonly prefix: string; readonly socketPath?: string } {
  if (address.startsWith('unix:'))
    return { origin: 'http://localhost', prefix: '', socketPath: address.slice('unix:'.length) };
  const { origin, pathname } = new URL(address);
  return { origin, prefix: pathname.replace(/\/+$/, '') };
}

/**
 * The status with which a server answers a GET, on a connection of its own. Rejects where it does not answer within 1 s,
 * and with the signal's reason.
 */
export async function askStatus(
  address: string,
  path: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { origin, prefix, socketPath } = placeOf(address);
  const client = new Client(origin, { connect: socketPath === undefined ? {} : { socketPath } });
  try {
    const answer = await client.request({ path: prefix + path, method: 'GET', headers, signal: inTime(signal) });
    answer.body.on('error', () => {});
    return answer.statusCode;
  } finally {
    client.destroy().catch(() => {});
  }
}

/** Resolves when a server takes a connection; rejects where it does not within 1 s, and with the signal's reason. */
export async function askListening(address: string, signal: AbortSignal): Promise<void> {
  const { origin, socketPath } = placeOf(address);
  const { hostname, port, protocol } = new URL(origin);
  const number = port === '' ? { 'https:': 443, 'http:': 80 }[protocol] : Number(port);
  const socket = connectTcp(
    socketPath === undefined ? { host: hostname.replace(/^\[|\]$/g, ''), port: number ?? 80 } : { path: socketPath },
  );
  const limit = inTime(signal);
  try {
    await new Promise<void>((resolve, reject) => {
      limit.addEventListener('abort', () => reject(limit.reason as Error), { once: true });
      socket.once('error', reject).once('connect', resolve);
    });
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

function inTime(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]);
}
