import type { Duplex } from 'node:stream';
import { type JsonRpcMessage, RPC_ERROR, writeMessage } from '../mcp/json-rpc.ts';
import { LINES_PROTOCOL } from '../mcp/lines-protocol.ts';
import { MessageReader } from '../mcp/message-reader.ts';
import type { UpgradeExchange } from '../server/route.ts';
import type { FrontService } from './front-service.ts';
import { McpSession } from './mcp-session.ts';
import { httpRefusal } from './rpc-refusal.ts';
import { isDispensable, MAX_BEHIND } from './slow-reader.ts';

/** Serves one client on a connection of its own, on which messages go both ways, one a line: for `greenroom mcp`. */
export class LineStreams {
  readonly #open = new Set<Duplex>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Takes a connection over. Throws a refusal where it is to become something else. */
  serve({ request, socket, head }: UpgradeExchange, service: FrontService): void {
    if (request.headers.upgrade?.toLowerCase() !== LINES_PROTOCOL)
      throw httpRefusal(400, `Here a connection can be upgraded to "${LINES_PROTOCOL}" alone.`);
    const send = (message: JsonRpcMessage): void => {
      if (socket.writableLength >= MAX_BEHIND && isDispensable(message)) return;
      // A client that does not read is not to ask for more.
      if (socket.writable && !socket.write(`${writeMessage(message)}\n`)) socket.pause();
    };
    const ask = (message: JsonRpcMessage): boolean => {
      send(message);
      return socket.writable;
    };
    const session = new McpSession(service, { send, ask, drop() {} }, this.#onError);
    const reader = new MessageReader({
      onMessage: (message) => session.receive(message),
      onNoise: (message) => send({ jsonrpc: '2.0', id: null, error: { code: RPC_ERROR.parse, message } }),
      onEnd: () => socket.end(),
    });
    this.#open.add(socket);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ${LINES_PROTOCOL}\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (bytes: Buffer) => reader.write(bytes));
    socket.on('drain', () => socket.resume());
    socket.once('end', () => reader.end());
    socket.once('close', () => {
      this.#open.delete(socket);
      session.close();
    });
  }

  /** Ends every connection. What runs for it is cancelled. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
