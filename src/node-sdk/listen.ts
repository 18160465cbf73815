import type { Server } from 'node:net';
import { Promise } from './originals.ts';

const { chmodSync } = process.getBuiltinModule('node:fs');

/** Where a server listens, as the handshake says it, and the `Host` that its requests must name (TCP only). */
export interface Listening {
  readonly address: string;
  readonly host: string | undefined;
}

/** More than a host ever opens at once; the default of 511 is cut to this by many systems anyway. */
const BACKLOG = 256;

/** Whatever umask the plugin has set: a socket without the permission to write cannot be connected to. */
const OWNER_ONLY = 0o600;

/**
 * Listens on a Unix socket path, or on any free port of a loopback address. Rejects where that fails; a connection that
 * cannot be taken later, for want of a descriptor, ends nothing else.
 */
export function listen(
  server: Server,
  where: { readonly unix: string } | { readonly tcp: string },
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    if ('unix' in where) {
      server.listen(where.unix, BACKLOG, () => {
        chmodSync(where.unix, OWNER_ONLY);
        resolve({ address: `unix:${where.unix}`, host: undefined });
      });
      return;
    }
    server.listen(0, where.tcp, BACKLOG, () => {
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
      const host = `${where.tcp.includes(':') ? `[${where.tcp}]` : where.tcp}:${port}`;
      resolve({ address: `tcp:${host}`, host });
    });
  });
}
