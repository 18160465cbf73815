import { describe, expect, it } from 'vitest';
import { give } from '../../src/server/answer.ts';
import type { Route } from '../../src/server/route.ts';
import { Tickets } from '../../src/server/tickets.ts';
import { echo, fetchText, serve, statusOf, Wire } from './served.ts';

const TOKEN = 'a-token-of-the-tests';
const UI = 'https://ui.example';

describe('on TCP', () => {
  it('only names of this machine with its port, and those that were allowed, are answered', async () => {
    const { port } = await serve([{}], { allowHosts: ['Greenroom.Example', 'proxy.example:443'] });
    const status = async (host: string): Promise<number> => statusOf(port, ['GET / HTTP/1.1', `Host: ${host}`]);
    const good = [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`];
    for (const host of [...good, 'greenroom.example', `greenroom.example:${port}`, 'proxy.example:443'])
      expect([host, await status(host)]).toEqual([host, 200]);
    const bad = ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, 'proxy.example', ''];
    for (const host of [...bad, `127.0.0.1:${port}, 127.0.0.1:${port}`, `x@127.0.0.1:${port}`])
      expect([host, await status(host)]).toEqual([host, 421]);
  });

  it('pages of other sites are refused, by their origin or by what the browser says of them', async () => {
    const { port } = await serve([{}], { allowOrigins: [UI] });
    const status = async (...lines: string[]): Promise<number> =>
      statusOf(port, ['GET / HTTP/1.1', `Host: 127.0.0.1:${port}`, ...lines]);
    const own = `Origin: http://127.0.0.1:${port}`;
    expect(await status(own)).toBe(200);
    expect(await status(`Origin: ${UI}`)).toBe(200);
    expect(await status(`Origin: ${UI}`, 'Sec-Fetch-Site: cross-site')).toBe(200);
    expect(await status('Sec-Fetch-Mode: cors')).toBe(200);
    expect(await status('Sec-Fetch-Site: none')).toBe(200);
    expect(await status('Sec-Fetch-Site: same-origin')).toBe(200);
    for (const line of ['Origin: null', 'Origin: ', 'Origin: http://ui.example', 'Origin: https://ui.example:444'])
      expect([line, await status(line)]).toEqual([line, 403]);
    for (const site of ['cross-site', 'same-site', 'x'])
      expect([site, await status(`Sec-Fetch-Site: ${site}`)]).toEqual([site, 403]);
    expect(await status(`Origin: http://localhost:${port}`)).toBe(403);
    expect(await status(own, 'Origin: http://evil.example')).toBe(403);
    expect(await status(`Origin: ${UI}`, `Origin: ${UI}`)).toBe(403);
  });

  it('a preflight is answered for an allowed origin, and the answer can be read by its page alone', async () => {
    const { port } = await serve([{}, echo(10)], { allowOrigins: [UI], token: () => TOKEN });
    const preflight = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const allowed = await fetchText({ port }, '/echo', { method: 'OPTIONS', headers: { origin: UI, ...preflight } });
    expect(allowed).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': UI,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization,content-type',
        vary: 'Origin',
      },
    });
    const origin = 'https://evil.example';
    const refused = await fetchText({ port }, '/echo', { method: 'OPTIONS', headers: { origin, ...preflight } });
    expect(refused.status).toBe(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    const answer = await fetchText({ port }, '/', { headers: { origin: UI } });
    expect(answer).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': UI, vary: 'Origin' } });
    expect((await fetchText({ port }, '/')).headers['access-control-allow-origin']).toBeUndefined();
    // A page has to see why it is refused.
    const missing = await fetchText({ port }, '/nothing', { headers: { origin: UI } });
    expect(missing).toMatchObject({ status: 404, headers: { 'access-control-allow-origin': UI } });
  });

  it('the token opens what is not open to all, and only as a header', async () => {
    let token = TOKEN;
    const { port } = await serve([{}, { path: '/closed', access: 'token' }], { token: () => token });
    const status = async (headers: Record<string, string>, path = '/closed'): Promise<number> =>
      (await fetchText({ port }, path, { headers })).status;
    expect(await status({}, '/')).toBe(200);
    expect(await status({ authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(await status({ authorization: `bearer ${TOKEN}` })).toBe(200);
    const wrong = [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN, 'Bearer ', ''];
    for (const authorization of wrong)
      expect([authorization, await status({ authorization })]).toEqual([authorization, 401]);
    expect(await status({}, `/closed?token=${TOKEN}`)).toBe(401);
    expect(await status({ cookie: `token=${TOKEN}` })).toBe(401);
    const refused = await fetchText({ port }, '/closed');
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    token = 'another-token';
    expect(await status({ authorization: `Bearer ${TOKEN}` })).toBe(401);
    expect(await status({ authorization: 'Bearer another-token' })).toBe(200);
  });

  it('a ticket opens one request of a route for tickets, once', async () => {
    const tickets = new Tickets();
    const routes = [
      { path: '/events', access: 'ticket' as const },
      { path: '/closed', access: 'token' as const },
    ];
    const { port } = await serve(routes, { token: () => TOKEN, tickets });
    const status = async (path: string): Promise<number> => (await fetchText({ port }, path)).status;
    const ticket = tickets.issue();
    expect(await status(`/closed?ticket=${ticket}`)).toBe(401);
    expect(await status(`/events?ticket=${ticket}`)).toBe(200);
    expect(await status(`/events?ticket=${ticket}`)).toBe(401);
    expect(await status('/events?ticket=')).toBe(401);
    expect(await status(`/events?ticket=${TOKEN}`)).toBe(401);
  });
});

describe('a request that two programs might read in two ways', () => {
  it('is refused before its route is looked for', async () => {
    let handled = 0;
    const { port } = await serve([
      { path: '/*', handle: ({ response }) => give(response, 'text/plain', `${++handled}`) },
      echo(10),
    ]);
    const host = `Host: 127.0.0.1:${port}`;
    const refused: [number, string[], string?][] = [
      [400, ['GET / HTTP/1.1', host, host]],
      [400, ['GET / HTTP/1.1', host, 'Host: evil.example']],
      [400, ['GET / HTTP/1.1']],
      [421, ['GET / HTTP/1.0']],
      [400, [`GET http://127.0.0.1:${port}/ HTTP/1.1`, host]],
      [400, [`GET http://evil.example/ HTTP/1.1`, host]],
      ...[
        '//evil/api',
        '/a//b',
        '/a/../b',
        '/..',
        '/.',
        '/a/.',
        '/a/%2e%2e/b',
        '/a/%2E./b',
        '/a/.%2e',
        '/a%2f..%2fb',
        '/a/..%5cb',
        '/a\\b',
        '/a#b',
      ].map((path): [number, string[]] => [400, [`GET ${path} HTTP/1.1`, host]]),
      [400, ['OPTIONS * HTTP/1.1', host]],
      [405, ['CONNECT evil.example:80 HTTP/1.1', host]],
      [431, ['GET / HTTP/1.1', host, ...Array.from({ length: 300 }, (_, n) => `X-${n}: 1`)]],
      [431, ['GET / HTTP/1.1', host, `X: ${'x'.repeat(20_000)}`]],
      [400, ['POST /echo HTTP/1.1', host, 'Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.1', host, 'Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.1', host, 'Transfer-Encoding: xchunked'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.0', host, 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Content-Length: 4'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.1', host, 'Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
      [400, ['POST /echo HTTP/1.1', host, 'Content-Length: 4', 'Content-Length: 4'], 'abcd'],
      [400, ['POST /echo HTTP/1.1', host, 'Content-Length: 4, 4'], 'abcd'],
      [400, ['POST /echo HTTP/1.1', host, 'Content-Length: +4'], 'abcd'],
      [400, ['POST /echo HTTP/1.1', host, 'Content-Length: -1']],
      [400, ['GET / HTTP/1.1', `Host : 127.0.0.1:${port}`]],
      [400, ['GET / HTTP/1.1', host, 'X: a', ' b: folded']],
      [400, ['GET / HTTP/1.1', host, 'X: a\rY: b']],
      [400, [`GET / HTTP/1.1\n${host}`]],
      [400, ['GET / HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 4'], 'abcd'],
      [
        400,
        ['POST /echo HTTP/1.1', host, 'Connection: Upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ],
      [413, ['GET / HTTP/1.1', host, 'Content-Length: 4'], 'abcd'],
      [400, ['BREW / HTTP/1.1', host]],
      [400, ['hello']],
    ];
    for (const [status, lines, body] of refused)
      expect([lines.slice(0, 4), await statusOf(port, lines, body)]).toEqual([lines.slice(0, 4), status]);
    expect(handled).toBe(0);
    for (const path of ['/a.b', '/...', '/a/..b', '/a%2fb', '/a%20b'])
      expect([path, await statusOf(port, [`GET ${path} HTTP/1.1`, host])]).toEqual([path, 200]);
  });

  it('in its body ends the exchange that it has begun', async () => {
    const { port } = await serve([echo(1_000)]);
    const head = ['POST /echo HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Transfer-Encoding: chunked'];
    const bodies = [
      'zz\r\nabc\r\n0\r\n\r\n',
      '0x3\r\nabc\r\n0\r\n\r\n',
      '3\r\nabcd\r\n0\r\n\r\n',
      '3\nabc\n0\n\n',
      '-3\r\nabc\r\n',
    ];
    for (const body of bodies) expect([body, await statusOf(port, head, body)]).toEqual([body, 400]);
    expect(await statusOf(port, head, `3;${'x'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`)).toBe(413);
    expect(await statusOf(port, head, '3\r\nabc\r\n0\r\n\r\n')).toBe(200);
  });

  it('smuggles no second request: what follows a refused one is not answered', async () => {
    let stopped = 0;
    const stop = { method: 'POST' as const, path: '/stop', takesBody: true, handle: () => void (stopped += 1) };
    const { port } = await serve([{}, echo(10), stop]);
    const host = `Host: 127.0.0.1:${port}`;
    const inner = `POST /stop HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\n\r\n`;
    for (const text of [
      `POST /echo HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      `POST /echo HTTP/1.1\r\n${host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${inner}`,
      `GET / HTTP/1.1\r\n${host}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
      `GET / HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx${inner}`,
      `CONNECT a:80 HTTP/1.1\r\n${host}\r\n\r\n${inner}`,
    ]) {
      // The client ends its side: what is answered keeps its connection for the next request.
      const wire = new Wire(port).write(text);
      wire.socket.end();
      const answers = (await wire.ended).match(/HTTP\/1\.1 \d{3}/g);
      expect([text.slice(0, 60), answers?.length]).toEqual([text.slice(0, 60), 1]);
    }
    expect(stopped).toBe(0);
  });
});

it('a path is found with escapes, its parts without; methods that it has not are refused with those that it has', async () => {
  const named: Partial<Route> = {
    path: '/of/:name',
    handle: ({ response, params }) => give(response, 'text/plain', params['name'] ?? ''),
  };
  const { port } = await serve([named, echo(10, { path: '/of/:name' })]);
  expect((await fetchText({ port }, '/of/a%20b%2Fc%C3%A9')).body).toBe('a b/cé');
  expect((await fetchText({ port }, `/of/${'%C3%A9'.repeat(128)}`)).body).toBe('é'.repeat(128));
  for (const path of ['/of/%zz', '/of/%', '/nothing', '/of', '/of/a/b'])
    expect([path, (await fetchText({ port }, path)).status]).toEqual([path, 404]);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE']) {
    const { status, headers } = await fetchText({ port }, '/of/a', { method });
    expect([method, status, headers.allow]).toEqual([method, 405, 'GET, HEAD, POST']);
  }
  const { status, headers, body } = await fetchText({ port }, '/of/abc', { method: 'HEAD' });
  expect([status, headers['content-length'], body]).toEqual([200, '3', '']);
});
