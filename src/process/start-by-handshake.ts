import { type BootLine, HandshakeExchange } from './handshake-exchange.ts';
import type { StartRequest } from './start-request.ts';
import type { HandshakeStart } from './worker-start.ts';

/** Prepares the starts of a kind of worker that is sent a line of JSON and answers with its handshake. */
export function startByHandshake(line: BootLine): (request: StartRequest) => HandshakeStart {
  return (request) => {
    const handshake = new HandshakeExchange(request, line);
    return { handshake, close: () => handshake.close() };
  };
}
