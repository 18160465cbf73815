import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { onTestFinished } from 'vitest';
import { type ForwardOptions, forward } from '../../src/proxy/forward.ts';
import type { ForwardOutcome } from '../../src/proxy/outcome.ts';
import { type OpenUpstream, openUpstream } from '../../src/proxy/upstream.ts';

/** The origin of a server that listens until the test is finished. */
export async function listening(server: Server | NetServer): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An upstream that is an HTTP server. */
export async function serving(listener: RequestListener): Promise<OpenUpstream> {
  return opened(await listening(createServer(listener)));
}

/** An upstream that is sockets, played by hand. */
export async function playing(listener: (socket: Socket) => void): Promise<OpenUpstream> {
  return opened(await listening(createNetServer({ allowHalfOpen: true }, listener)));
}

/** An upstream at an address, until the test is finished. */
export function opened(address: string, connections?: number, now?: () => number): OpenUpstream {
  const upstream = openUpstream({ address, connections, now });
  onTestFinished(() => upstream.close());
  return upstream;
}

/** A server that forwards everything to one upstream, and answers 502 and the like where there is no answer. */
export class Front {
  readonly outcomes: ForwardOutcome[] = [];
  readonly port: number;
  readonly server: Server;
  #waiting: (() => void)[] = [];

  private constructor(server: Server, origin: string) {
    this.server = server;
    this.port = Number(new URL(origin).port);
  }

  static async before(upstream: OpenUpstream, options: ForwardOptions = {}): Promise<Front> {
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      void forward(request, response, upstream, options).then((outcome) => front.#tell(outcome, response));
    };
    const server = createServer(handle).on('checkContinue', handle);
    const front: Front = new Front(server, await listening(server));
    return front;
  }

  /** Resolves once so many exchanges are over. */
  async outcome(count = 1): Promise<ForwardOutcome | undefined> {
    while (this.outcomes.length < count)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    return this.outcomes[count - 1];
  }

  #tell(outcome: ForwardOutcome, response: ServerResponse): void {
    if (outcome.kind === 'badRequest') response.writeHead(400).end();
    else if (outcome.kind === 'upstreamFailed' && !outcome.begun) response.writeHead(502).end('no answer');
    else if (outcome.kind === 'stalled' && !outcome.begun)
      response.writeHead(outcome.side === 'client' ? 408 : 504).end();
    else if (outcome.kind === 'aborted' && !outcome.begun) response.writeHead(503).end();
    this.outcomes.push(outcome);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** What came over a raw connection. */
export class Raw {
  readonly socket: Socket;
  received = '';
  /** `end`: the peer ended its half; `reset`: it reset the connection. */
  ended: 'end' | 'reset' | undefined;
  #waiting: (() => void)[] = [];

  constructor(port: number, sent = '') {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void this.socket.destroy());
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#wake();
    });
    this.socket.on('error', () => {
      this.ended = 'reset';
      this.#wake();
    });
    this.socket.on('end', () => {
      this.ended ??= 'end';
      this.#wake();
    });
    this.socket.write(sent, 'latin1');
  }

  /** Resolves once something is true of what was received; fails where the connection has ended without it. */
  async until(isSo: (received: string) => boolean): Promise<string> {
    while (!isSo(this.received)) {
      if (this.ended !== undefined) throw new Error(`The connection ended (${this.ended}) after: ${this.received}`);
      await this.#next();
    }
    return this.received;
  }

  /** Resolves with how the peer ended the connection. */
  async end(): Promise<'end' | 'reset'> {
    while (this.ended === undefined) await this.#next();
    return this.ended;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
