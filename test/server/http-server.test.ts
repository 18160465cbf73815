import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { give } from '../../src/server/answer.ts';
import { EventStream } from '../../src/server/event-stream.ts';
import type { Exchange, Route } from '../../src/server/route.ts';
import { eventually, eventuallyTrue } from '../eventually.ts';
import { echo, endAfterTest, fetchText, frontOf, serve, Wire } from './served.ts';

afterEach(() => void vi.useRealTimers());

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A route whose exchanges a test looks at, and that answers only when the test does. */
function held(more: Partial<Route> = {}): { readonly route: Partial<Route>; readonly exchanges: Exchange[] } {
  const exchanges: Exchange[] = [];
  return { route: { path: '/held', ...more, handle: (exchange) => void exchanges.push(exchange) }, exchanges };
}

const head = (port: number, line: string, ...lines: string[]): string =>
  [`${line} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...lines, '', ''].join('\r\n');

describe('a connection', () => {
  it('is used again after answers and refusals, unless there is a body that was not read', async () => {
    const { port } = await serve([{}, echo(10), { path: '/closed', access: 'token' }], { token: () => 'token' });
    const wire = new Wire(port);
    const next = async (text: string, status: number): Promise<string> => {
      wire.text = '';
      wire.write(text);
      return wire.came(new RegExp(`^HTTP/1.1 ${status} [^]*\r\n\r\n`));
    };
    expect(await next(head(port, 'GET /'), 200)).toMatch(/^connection: keep-alive/im);
    expect(await next(head(port, 'GET /nothing'), 404)).toMatch(/^connection: keep-alive/im);
    expect(await next(head(port, 'GET /closed'), 401)).toMatch(/^connection: keep-alive/im);
    expect(await next(head(port, 'DELETE /'), 405)).toMatch(/^connection: keep-alive/im);
    expect(await next(`${head(port, 'POST /echo', 'Content-Length: 3')}abc`, 200)).toMatch(/abc$/);
    expect(await next(head(port, 'POST /echo', 'Content-Length: 11'), 413)).toMatch(/^connection: close/im);
    wire.write('x'.repeat(11));
    await wire.ended;
  });

  it('whose head does not come in time is told so and ended, a byte now and then or not', async () => {
    const { port } = await serve([{}], { headersMs: 100 });
    const [silent, slow] = [new Wire(port), new Wire(port).write('GET / HTTP/1.1\r\nHost: 127')];
    const drip = setInterval(() => slow.write('.'), 10);
    endAfterTest(() => clearInterval(drip));
    expect(await slow.ended).toMatch(/^HTTP\/1\.1 408 /);
    await silent.ended;
  });

  it('whose body stalls is told so and ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { port } = await serve([echo(1_000)]);
    const wire = new Wire(port).write(head(port, 'POST /echo', 'Expect: 100-continue', 'Content-Length: 10'));
    const arrived = new Promise<void>((resolve) => wire.socket.once('data', () => resolve()));
    await arrived;
    expect(wire.text).toMatch(/^HTTP\/1\.1 100 /);
    wire.text = '';
    await vi.advanceTimersByTimeAsync(30_000);
    vi.useRealTimers();
    expect(await wire.came(/^HTTP\/1\.1 408 [^]*30 s/)).toMatch(/^connection: close/im);
  });

  it('that is one of a thousand which stall hinders nobody, and nothing of it is left', async () => {
    const before = descriptors();
    const { port, server } = await serve([{}, echo(1_000)]);
    const wires = Array.from({ length: 1_000 }, (_, n) =>
      new Wire(port).write(
        n % 2 === 0 ? 'GET / HTTP/1.1\r\nHost' : `${head(port, 'POST /echo', 'Content-Length: 10')}abc`,
      ),
    );
    for (const { socket } of wires) if (socket.connecting) await once(socket, 'connect');
    expect((await fetchText({ port }, '/')).body).toBe('ok');
    await server.close(0);
    await Promise.all(wires.map(({ ended }) => ended));
    for (const { socket } of wires) socket.destroy();
    await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before + 2));
  });
});

describe('a body', () => {
  it('that is too long is refused while it is sent, and the client sees why', async () => {
    const { port } = await serve([echo(1_000)]);
    const chunk = 'x'.repeat(64 * 1024);
    for (const framing of ['Content-Length: 3276800', 'Transfer-Encoding: chunked']) {
      const wire = new Wire(port).write(head(port, 'POST /echo', framing));
      const part = framing.startsWith('T') ? `10000\r\n${chunk}\r\n` : chunk;
      for (let n = 0; n < 50; n += 1) wire.write(part);
      if (framing.startsWith('T')) wire.write('0\r\n\r\n');
      const text = await wire.ended;
      expect(text).toMatch(/^HTTP\/1\.1 413 [^]*at most 1000 bytes/);
      expect(wire.socket.bytesWritten).toBeGreaterThan(50 * chunk.length);
    }
  });

  it('is asked for only where the request may run', async () => {
    const { port } = await serve([echo(10), echo(10, { path: '/closed', access: 'token' })], { token: () => 'token' });
    const ask = async (line: string, ...lines: string[]): Promise<string> => {
      const wire = new Wire(port).write(head(port, line, ...lines, 'Expect: 100-continue'));
      const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(await wire.came(/^HTTP\/1\.1 \d+ [^]*\r\n\r\n/)) ?? [];
      wire.socket.destroy();
      return status;
    };
    expect(await ask('POST /echo', 'Content-Length: 3')).toBe('100');
    expect(await ask('POST /echo', 'Content-Length: 11')).toBe('413');
    expect(await ask('POST /closed', 'Content-Length: 3')).toBe('401');
    expect(await ask('POST /nothing', 'Content-Length: 3')).toBe('404');
    expect(await ask('POST /echo', 'Content-Length: 3', 'Origin: http://evil.example')).toBe('403');
    const wire = new Wire(port).write(head(port, 'POST /echo', 'Content-Length: 3', 'Expect: something'));
    expect(await wire.came(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 417 /);
  });
});

describe('a client that vanishes', () => {
  it.each([
    ['before its head ends', (port: number) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`, false],
    ['in its body', (port: number) => `${head(port, 'POST /echo', 'Content-Length: 10')}abc`, false],
    ['while its request is handled', (port: number) => head(port, 'GET /held'), true],
  ] as const)('%s leaves nothing behind, and others are answered', async (_, text, isHandled) => {
    for (const how of ['destroy', 'resetAndDestroy'] as const) {
      const { route, exchanges } = held();
      const { port, server } = await serve([{}, route, echo(1_000)]);
      const wire = new Wire(port).write(text(port));
      if (isHandled) {
        const { response } = await eventuallyTrue(() => exchanges[0]);
        const closed = once(response, 'close');
        wire.socket[how]();
        await closed;
        // Its handler hears of it late, and may answer all the same.
        if (how === 'destroy') give(response, 'text/plain', 'late');
        else new EventStream(response).send('late', '1');
      } else {
        await once(wire.socket, 'connect');
        wire.socket[how]();
      }
      expect((await fetchText({ port }, '/')).status).toBe(200);
      await server.close();
    }
  });

  it('in the middle of its answer ends the answer', async () => {
    const { route, exchanges } = held();
    const { port } = await serve([route]);
    const wire = new Wire(port).write(head(port, 'GET /held'));
    const { response } = await eventuallyTrue(() => exchanges[0]);
    const events = new EventStream(response);
    const closed = new Promise<void>((resolve) => events.onClose(resolve));
    wire.socket.pause();
    while (events.send('filler', 'x'.repeat(64 * 1024)));
    const drained = events.drained();
    wire.socket.destroy();
    await Promise.all([closed, drained]);
    expect(events.closed).toBe(true);
    events.send('late', '1');
    events.end();
  });
});

describe('a handler that throws', () => {
  it('before its head is told of by the front; after it, the connection is cut', async () => {
    const { port } = await serve([
      { path: '/before', handle: () => Promise.reject(new Error('x')) },
      {
        path: '/after',
        handle({ response }) {
          response.writeHead(200).write('the first half');
          throw new Error('x');
        },
      },
    ]);
    expect(await fetchText({ port }, '/before')).toMatchObject({ status: 500, body: 'failed\n' });
    await expect(fetchText({ port }, '/after')).rejects.toThrow(/aborted|hang up/);
  });

  it('and a front that throws too end the connection, not the program', async () => {
    const front = frontOf([{ handle: () => Promise.reject(new Error('x')) }], {
      fail() {
        throw new Error('y');
      },
      refuse() {
        throw new Error('z');
      },
    });
    const { port } = await serve(front);
    await expect(fetchText({ port }, '/')).rejects.toThrow(/hang up/);
    await expect(fetchText({ port }, '/nothing')).rejects.toThrow(/hang up/);
  });
});

describe('an upgrade', () => {
  const upgrade = (port: number, path: string, ...lines: string[]): string =>
    head(port, `GET ${path}`, 'Connection: Upgrade', 'Upgrade: websocket', ...lines);
  const upgrading = (sockets: Duplex[]): Partial<Route> => ({
    path: '/socket',
    upgrade({ socket }) {
      sockets.push(socket);
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    },
  });

  it('has the same guard, and one that is refused is told why', async () => {
    const sockets: Duplex[] = [];
    const { port } = await serve([upgrading(sockets), { ...upgrading(sockets), path: '/closed', access: 'token' }], {
      token: () => 'token',
    });
    const status = async (text: string): Promise<string | undefined> =>
      (await new Wire(port).write(text).came(/\r\n\r\n/)).split(' ')[1];
    expect(await status(upgrade(port, '/socket'))).toBe('101');
    expect(await status(upgrade(port, '/closed'))).toBe('401');
    expect(await status(upgrade(port, '/socket', 'Origin: http://evil.example'))).toBe('403');
    expect(await status(upgrade(port, '/nothing'))).toBe('404');
    expect(await status(upgrade(port, '//socket'))).toBe('400');
    expect(sockets).toHaveLength(1);
  });

  it('of a path without one is answered as a plain request, also where its reader is slow', async () => {
    const { port } = await serve([
      {},
      echo(10),
      {
        path: '/events',
        async handle({ response }) {
          const events = new EventStream(response);
          for (let n = 0; n < 64; n += 1) if (!events.send('filler', 'x'.repeat(256 * 1024))) await events.drained();
          events.end();
        },
      },
    ]);
    expect(await new Wire(port).write(upgrade(port, '/')).ended).toMatch(/^HTTP\/1\.1 200 [^]*ok$/);
    const empty = head(port, 'POST /echo', 'Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 0');
    expect(await new Wire(port).write(empty).ended).toMatch(/^HTTP\/1\.1 200 /);
    const slow = new Wire(port).write(upgrade(port, '/events'));
    expect((await slow.ended).length).toBeGreaterThan(64 * 256 * 1024);
  });

  it('of a path without one is over with its answer, or when its client goes before that', async () => {
    const over: boolean[] = [];
    const { port } = await serve(
      ['/answered', '/waiting'].map((path) => ({
        path,
        handle({ request, response }: Parameters<Route['handle']>[0]) {
          response.once('close', () => over.push(request.socket.destroyed));
          if (path === '/answered') give(response, 'text/plain', 'ok');
        },
      })),
    );
    // This client does not close its half, as one that goes on to read.
    await new Wire(port).write(upgrade(port, '/answered')).ended;
    await eventually(() => expect(over).toEqual([false]));
    const leaving = new Wire(port).write(upgrade(port, '/waiting'));
    leaving.socket.end();
    await eventually(() => expect(over).toEqual([false, true]));
  });

  it('whose client resets the connection ends neither the program nor other connections', async () => {
    const sockets: Duplex[] = [];
    const { port } = await serve([{}, upgrading(sockets)]);
    for (const path of ['/socket', '/', '/nothing']) {
      const wire = new Wire(port).write(upgrade(port, path));
      await wire.came(/\r\n\r\n/);
      wire.socket.resetAndDestroy();
    }
    await eventually(() => expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]));
    sockets[0]?.write('late');
    expect((await fetchText({ port }, '/')).status).toBe(200);
  });
});

describe('a front', () => {
  it('has so many exchanges at once, upgrades among them; one more is told to come again', async () => {
    const { route, exchanges } = held({
      upgrade: ({ socket }) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    });
    const { port } = await serve(frontOf([route], { maxExchanges: 2 }));
    const first = fetchText({ port }, '/held');
    const second = new Wire(port).write(head(port, 'GET /held', 'Connection: Upgrade', 'Upgrade: x'));
    await second.came(/101/);
    await eventuallyTrue(() => exchanges[0]);
    expect(await fetchText({ port }, '/held')).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    second.socket.destroy();
    give((exchanges[0] as Exchange).response, 'text/plain', 'done');
    expect((await first).status).toBe(200);
    const wires = await eventually(async () => {
      const wire = new Wire(port).write(head(port, 'GET /held'));
      await eventuallyTrue(() => exchanges.length === 2 || wire.text !== '');
      expect(wire.text).toBe('');
      return wire;
    });
    wires.socket.destroy();
  });

  it('counts requests that were sent at once no longer than their connection lasts', async () => {
    const { route, exchanges } = held({});
    const { port } = await serve(frontOf([route], { maxExchanges: 3 }));
    const wire = new Wire(port).write(head(port, 'GET /held').repeat(3));
    await eventuallyTrue(() => exchanges.length === 3);
    expect((await fetchText({ port }, '/held')).status).toBe(503);
    const gone = exchanges.map(({ response }) => once(response, 'close'));
    wire.socket.resetAndDestroy();
    await Promise.all(gone);
    const next = new Wire(port).write(head(port, 'GET /held'));
    await eventuallyTrue(() => exchanges.length === 4);
    next.socket.destroy();
  });
});

describe('closing', () => {
  it('ends streams by their fronts, cuts what does not end, upgrades and refused connections too', async () => {
    const before = descriptors();
    const streams = new Set<EventStream>();
    const { route } = held();
    const stream: Partial<Route> = {
      path: '/stream',
      handle: ({ response }) => void streams.add(new EventStream(response)),
      upgrade: ({ socket }) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    };
    const finish = (): void => {
      for (const events of streams) {
        events.send('last', '1');
        events.end();
      }
    };
    const { port, server } = await serve(frontOf([{}, stream, route], { finish }));
    const reader = new Wire(port).write(head(port, 'GET /stream'));
    const others = [
      new Wire(port).write(head(port, 'GET /held')),
      new Wire(port).write(head(port, 'GET /stream', 'Connection: Upgrade', 'Upgrade: x')),
      new Wire(port).write(head(port, 'CONNECT a:80')),
      new Wire(port).write('nonsense\r\n\r\n'),
      new Wire(port).write(head(port, 'GET /')),
    ];
    await reader.came(/event-stream/);
    await others[1]?.came(/101/);
    await others[4]?.came(/ok$/);
    await server.close(1);
    expect(await reader.ended).toContain('event: last');
    await Promise.all(others.map(({ ended }) => ended));
    for (const { socket } of [reader, ...others]) socket.destroy();
    await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before + 2));
  });

  it('does not wait for a connection that its client keeps after the last answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const { route, exchanges } = held();
    const { port, server } = await serve([route]);
    const wire = new Wire(port).write(head(port, 'GET /held'));
    while (exchanges.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = server.close();
    give((exchanges[0] as Exchange).response, 'text/plain', 'done');
    // The time that is left to last answers never ends here.
    await closed;
    expect(await wire.ended).toContain('done');
  });
});
