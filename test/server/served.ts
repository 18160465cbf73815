import { request as ask, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { give, say } from '../../src/server/answer.ts';
import { readBody, UnreadBody } from '../../src/server/body.ts';
import { HttpServer, type HttpServerOptions } from '../../src/server/http-server.ts';
import type { Front, Route } from '../../src/server/route.ts';
import { eventually } from '../eventually.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Has something ended after the test, the last first. */
export function endAfterTest(end: () => unknown): void {
  ends.push(end);
}

/** A front of these routes whose errors are texts. */
export function frontOf(routes: readonly Partial<Route>[], more: Partial<Front> = {}): Front {
  const whole = routes.map((route) => ({
    method: 'GET' as const,
    path: '/',
    access: 'open' as const,
    handle: ({ response }: Parameters<Route['handle']>[0]) => give(response, 'text/plain', 'ok'),
    ...route,
  }));
  return {
    prefixes: ['/'],
    routes: whole,
    maxExchanges: 10_000,
    refuse: say,
    fail: (response, error) => say(response, error instanceof UnreadBody ? error : { status: 500, message: 'failed' }),
    ...more,
  };
}

/** A route that answers with the body that it was sent, of at most so many bytes. */
export function echo(maxBytes: number, more: Partial<Route> = {}): Partial<Route> {
  return {
    method: 'POST',
    path: '/echo',
    takesBody: true,
    async handle({ request, response }) {
      give(response, 'text/plain', await readBody(request, response, maxBytes));
    },
    ...more,
  };
}

/** A server on a free port of 127.0.0.1, closed after the test. */
export async function serve(
  routes: readonly Partial<Route>[] | Front,
  options: Partial<HttpServerOptions> = {},
): Promise<{ readonly server: HttpServer; readonly port: number }> {
  const fronts = ['routes' in routes ? routes : frontOf(routes)];
  const server = await HttpServer.listen({ fronts, address: { host: '127.0.0.1', port: 0 }, ...options });
  endAfterTest(() => server.close(0));
  return { server, port: server.port };
}

/** A connection on which exactly what a test writes is sent. */
export class Wire {
  readonly socket: Socket;
  /** Resolves, to all that came, once the server has ended the connection. */
  readonly ended: Promise<string>;
  text = '';

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setEncoding('latin1').on('data', (chunk: string) => (this.text += chunk));
    this.socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.socket.once('end', () => resolve(this.text)).once('close', () => resolve(this.text));
    });
    endAfterTest(() => this.socket.destroy());
  }

  write(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }

  /** Resolves once this has come. */
  async came(what: RegExp): Promise<string> {
    await eventually(() => {
      if (!what.test(this.text)) throw new Error(`${what} has not come: ${JSON.stringify(this.text)}`);
    });
    return this.text;
  }
}

/** Sends these lines as the head of a request, `Host` included, and resolves to the status of the answer. */
export async function statusOf(port: number, lines: readonly string[], body = ''): Promise<number> {
  const wire = new Wire(port).write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  const text = await wire.came(/^HTTP\/1\.1 \d{3}[^]*?\r\n\r\n/);
  wire.socket.destroy();
  return Number(text.split(' ')[1]);
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request of a good client on a connection of its own, with these headers. */
export function fetchText(
  target: { readonly port: number } | { readonly socketPath: string },
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const to = 'port' in target ? { host: '127.0.0.1', port: target.port } : target;
    const sent = ask({ ...to, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
