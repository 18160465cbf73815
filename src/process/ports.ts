import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** The ports that servers are given: below those that systems hand out for outgoing connections (Linux: from 32768). */
const FIRST = 20_000;
const LAST = 32_000;

/** Those of living workers of this process: what a worker has not bound yet would look free. */
const held = new Set<number>();

/** A TCP port that no other worker of this process is given until it is released. */
export interface HeldPort {
  readonly port: number;
  /** Idempotent. */
  release(): void;
}

/**
 * Holds a port of 20000 to 32000 that is free on the loopback address now. Another program may take it before the worker
 * does. Rejects where all are in use, and with what the system says where it cannot be found out.
 *
 * @param isFree finds out whether a port is free
 */
export async function holdPort(isFree: (port: number) => Promise<boolean> = isUnbound): Promise<HeldPort> {
  const count = LAST - FIRST + 1;
  // Supervisors in several programs begin at different places.
  const start = randomInt(count);
  for (let step = 0; step < count; step += 1) {
    const port = FIRST + ((start + step) % count);
    if (held.has(port)) continue;
    held.add(port);
    let free = false;
    try {
      free = await isFree(port);
    } finally {
      if (!free) held.delete(port);
    }
    if (free) return { port, release: () => void held.delete(port) };
  }
  throw new Error(`Every port from ${FIRST} to ${LAST} is in use. End the programs that listen there.`);
}

function isUnbound(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
