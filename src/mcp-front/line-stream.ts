import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type JsonRpcMessage, type RequestId, RPC_ERROR, writeMessage } from '../mcp/json-rpc.ts';
import { LINES_PROTOCOL } from '../mcp/lines-protocol.ts';
import { MessageReader } from '../mcp/message-reader.ts';
import type { UpgradeExchange } from '../server/route.ts';
import type { FrontService } from './front-service.ts';
import { McpSession } from './mcp-session.ts';
import { httpRefusal } from './rpc-refusal.ts';
import { SlowReader, UNREAD_MS } from './slow-reader.ts';

/** Serves one client on a connection of its own, on which messages go both ways, one a line: for `greenroom mcp`. */
export class LineStreams {
  readonly #open = new Map<Duplex, McpSession>();
  readonly #onError: (error: unknown) => void;
  readonly #unreadMs: number;

  /** @param unreadMs how long a client that is behind may read nothing, in milliseconds */
  constructor(onError: (error: unknown) => void, unreadMs = UNREAD_MS) {
    this.#unreadMs = unreadMs;
    this.#onError = onError;
  }

  /** Takes a connection over. Throws a refusal where it is to become something else. */
  serve({ request, socket, head }: UpgradeExchange, service: FrontService): void {
    if (request.headers.upgrade?.toLowerCase() !== LINES_PROTOCOL)
      throw httpRefusal(400, `Here a connection can be upgraded to "${LINES_PROTOCOL}" alone.`);
    const write = (message: JsonRpcMessage): void => {
      // A client that does not read is not to ask for more.
      if (socket.writable && !socket.write(`${writeMessage(message)}\n`)) socket.pause();
    };
    const reader = new SlowReader(
      {
        get behind() {
          return socket.writableLength;
        },
        send: write,
        onDrained: (listener) => void socket.once('drain', listener),
        endUnread: (afterMs) => socket instanceof Socket && socket.setTimeout(afterMs),
      },
      this.#unreadMs,
    );
    const send = (message: JsonRpcMessage, about?: RequestId): void => reader.send(message, about);
    const ask = (message: JsonRpcMessage): boolean => {
      if (reader.isBehind) return false;
      send(message);
      return socket.writable;
    };
    const session = new McpSession(service, { send, ask, drop() {} }, this.#onError);
    const messages = new MessageReader({
      onMessage: (message) => session.receive(message),
      onNoise: (message) => send({ jsonrpc: '2.0', id: null, error: { code: RPC_ERROR.parse, message } }),
      onEnd: () => socket.end(),
    });
    this.#open.set(socket, session);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ${LINES_PROTOCOL}\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (bytes: Buffer) => messages.write(bytes));
    socket.on('drain', () => socket.resume());
    socket.once('end', () => messages.end());
    socket.once('timeout', () => socket.destroy());
    socket.once('close', () => {
      this.#open.delete(socket);
      session.close();
    });
  }

  /** Ends every connection once its client has read what was sent. What runs for it is cancelled. */
  close(): void {
    for (const [socket, session] of this.#open) {
      session.close();
      socket.end();
    }
  }
}
