import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Destroys the connection of an answer that is not whole, so that its client cannot take it for whole. */
export function destroyUnfinished(response: ServerResponse): void {
  // Clients of HTTP/1.0 are sent no chunks, so theirs may be answers that last until the connection is closed.
  if (response.req.httpVersion === '1.0' && response.socket !== null) reset(response.socket);
  response.destroy();
}

/** Where the end of a connection is the end of what was sent, only a reset says that it is not. */
export function reset(socket: Duplex): void {
  if (socket instanceof Socket && socket.remoteAddress !== undefined) socket.resetAndDestroy();
  else socket.destroy();
}
