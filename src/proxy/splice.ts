import type { Duplex } from 'node:stream';

/**
 * Passes bytes both ways until both connections have closed. The end of one half is the end of that half alone; a
 * connection that closes altogether, or is reset, takes the other with it, once that has sent what it was given.
 */
export function splice(one: Duplex, other: Duplex, onBytes: () => void, onClosed: () => void): void {
  let open = 2;
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('data', (chunk: Buffer) => {
      onBytes();
      if (!to.write(chunk)) from.pause();
    });
    // It may have been paused.
    from.resume();
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.once('close', () => {
      if (from.errored !== null || !from.readableEnded) to.destroy();
      else to.end(() => to.destroy());
      open -= 1;
      if (open === 0) onClosed();
    });
  }
}
