import { request } from 'node:http';
import type { Socket } from 'node:net';
import { overSocket } from '../client/over-socket.ts';
import { GreenroomError } from '../errors.ts';
import { LINES_PROTOCOL } from '../mcp/lines-protocol.ts';

/**
 * Opens a connection to the front of a daemon on which messages go both ways, one a line.
 *
 * @param path that of the front, such as `/mcp/files?compact=1`
 * @returns rejects with `E_DAEMON`, in the words of the daemon where it refuses
 */
export function openDaemonStream(socketPath: string, path: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'upgrade', upgrade: LINES_PROTOCOL };
    const asked = request({ ...overSocket(socketPath), path, headers, agent: false, signal });
    asked.once('upgrade', (_response, socket: Socket, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => reject(new RefusedStream(response.statusCode ?? 0, messageIn(text))));
      response.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** The daemon refuses the connection, and another try would not change that. */
export class RefusedStream extends Error {
  override readonly name = 'RefusedStream';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** The same as an error of the runtime. */
  asError(): GreenroomError {
    return new GreenroomError('E_DAEMON', `The daemon refuses the connection (${this.status}): ${this.message}`, {
      cause: this,
    });
  }
}

/** The daemon explains a refusal as an error of JSON-RPC, as a problem, or as a sentence. */
function messageIn(text: string): string {
  try {
    const said = JSON.parse(text) as { error?: { message?: unknown }; detail?: unknown };
    const message = said.error?.message ?? said.detail;
    if (typeof message === 'string') return message;
  } catch {
    // It is a sentence.
  }
  return text.trim();
}
