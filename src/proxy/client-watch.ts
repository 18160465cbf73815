import type { Duplex } from 'node:stream';

/** How many bytes are taken of a client that does not wait for the answer; the end of one that sends more is not seen. */
const MAX_EARLY = 64 * 1024;

/**
 * Watches for the end of a client's connection that is to be upgraded while nothing else reads it: without reading, it is
 * not noticed. One whose half has ended is closed, as it wants no answer any more. `onGone` may be called twice. Returns
 * how to stop, which puts back what the client has sent meanwhile.
 */
export function watchClient(socket: Duplex, onGone: () => void): () => void {
  const early: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer): void => {
    early.push(chunk);
    length += chunk.length;
    if (length >= MAX_EARLY) socket.pause();
  };
  const onEnd = (): void => {
    socket.destroy();
    onGone();
  };
  const stop = (): void => {
    socket.off('data', onData).off('end', onEnd).off('close', onGone);
    socket.pause();
    if (length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(early.splice(0)));
    length = 0;
  };
  socket.on('data', onData).once('end', onEnd).once('close', onGone);
  socket.resume();
  if (socket.destroyed) onGone();
  else if (socket.readableEnded) onEnd();
  return stop;
}
