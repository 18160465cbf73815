import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Front, playing, Raw, serving } from './ends.ts';

const GET = 'GET / HTTP/1.1\r\nHost: front\r\n\r\n';

describe('a forwarded request', () => {
  it('arrives with its path, its body and its headers, without those of the connection', async () => {
    let seen: string[] = [];
    const upstream = await serving((request, response) => {
      seen = request.rawHeaders;
      void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
    });
    const front = await Front.before({ ...upstream, prefix: '/below' });
    const client = new Raw(
      front.port,
      'POST /a?b=%2e HTTP/1.1\r\nHost: front:1\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nProxy-Authorization: no\r\nTE: trailers\r\nX-Forwarded-For: 10.0.0.1\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 4\r\n\r\nbody',
    );
    expect(await client.until((all) => all.includes('body'))).toContain('POST /below/a?b=%2e body');
    expect(await front.outcome()).toEqual({ kind: 'done', status: 200 });
    expect(seen).toEqual([
      ...['host', new URL(upstream.origin).host, 'connection', 'keep-alive', 'X-Two', 'a', 'X-Two', 'b'],
      ...['x-forwarded-for', '10.0.0.1, 127.0.0.1', 'x-forwarded-host', 'front:1', 'x-forwarded-proto', 'http'],
      ...['content-length', '4'],
    ]);
  });

  it('is sent what its caller changes: headers, path and body', async () => {
    const upstream = await serving((request, response) => {
      void text(request).then((body) =>
        response.end(JSON.stringify([request.url, body, request.headers.authorization, request.headers['x-set']])),
      );
    });
    const front = await Front.before(upstream, {
      path: '/other',
      body: Buffer.from('changed'),
      headers: { drop: ['authorization'], set: { 'x-set': 'mine' } },
    });
    const answer = await fetch(`http://127.0.0.1:${front.port}/`, {
      headers: { authorization: 'x', 'x-set': 'theirs' },
    });
    expect(await answer.json()).toEqual(['/other', 'changed', null, 'mine']);
  });

  it('keeps its chunks chunks, and its length its length', async () => {
    const upstream = await serving((request, response) => {
      void text(request).then((body) =>
        response.end(`${request.headers['transfer-encoding']} ${request.headers['content-length']} ${body.length}`),
      );
    });
    const front = await Front.before(upstream);
    const chunked = new Raw(
      front.port,
      'POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    );
    expect(await chunked.until((all) => all.includes('chunked'))).toContain('chunked undefined 3');
    const long = new Raw(
      front.port,
      `POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`,
    );
    expect(await long.until((all) => all.includes('undefined'))).toContain('undefined 100000 100000');
  });

  it.each([
    ['two codings', 'POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a whole URL', 'GET http://elsewhere/ HTTP/1.1\r\nHost: f\r\n\r\n'],
  ])('is refused with %s', async (_, sent) => {
    let asked = 0;
    const upstream = await serving((_, response) => {
      asked += 1;
      response.end();
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, sent);
    expect(await client.until((all) => all.includes('\r\n\r\n'))).toContain('HTTP/1.1 400');
    expect([(await front.outcome())?.kind, asked]).toEqual(['badRequest', 0]);
  });

  it('is told to go on with its body only when the server is there to take it', async () => {
    const order: string[] = [];
    const upstream = await serving((request, response) => {
      order.push('asked');
      void text(request).then((body) => response.end(body));
    });
    const front = await Front.before(upstream);
    const client = new Raw(
      front.port,
      'POST / HTTP/1.1\r\nHost: f\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    );
    await client.until((all) => all === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.socket.write('body');
    expect(await client.until((all) => all.includes('body'))).toContain('HTTP/1.1 200');
    upstream.close();
    const second = new Raw(
      front.port,
      'POST / HTTP/1.1\r\nHost: f\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    );
    expect(await second.until((all) => all.includes('no answer'))).not.toContain('100 Continue');
  });
});

describe('a forwarded answer', () => {
  it('arrives with its headers in order, each as often as it came, and its trailers', async () => {
    const upstream = await playing((socket) => {
      socket.on('data', () =>
        socket.write(
          'HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nX-One: \xe9\r\nSet-Cookie: b=2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nProxy-Authenticate: x\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n',
          'latin1',
        ),
      );
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, GET);
    const received = await client.until((all) => all.endsWith('\r\n0\r\nX-Sum: 9\r\n\r\n'));
    expect(received).toMatch(
      /^HTTP\/1.1 201 Made\r\nSet-Cookie: a=1\r\nX-One: \xe9\r\nSet-Cookie: b=2\r\nTrailer: X-Sum\r\n/,
    );
    expect(received).not.toMatch(/x-hop|proxy-/i);
  });

  it('keeps cookies apart where the response has headers already', async () => {
    const upstream = await serving((_, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']).end('x');
    });
    const front = await Front.before(upstream);
    front.server.prependListener('request', (_, response) => response.setHeader('x-request-id', '7'));
    const answer = await fetch(`http://127.0.0.1:${front.port}/`);
    expect([answer.headers.getSetCookie(), answer.headers.get('x-request-id')]).toEqual([['a=1', 'b=2'], '7']);
  });

  it.each([
    ['HEAD', 200, 'content-length: 5'],
    ['GET', 304, 'content-length: 5'],
    ['GET', 204, ''],
  ])('to %s with status %i has no body', async (method, status, length) => {
    const upstream = await playing((socket) => {
      socket.on('data', () => socket.write(`HTTP/1.1 ${status} x\r\ncontent-length: 5\r\n\r\n`));
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, `${method} / HTTP/1.1\r\nHost: f\r\n\r\n`);
    const received = await client.until((all) => all.includes('\r\n\r\n'));
    expect(received).toMatch(/\r\n\r\n$/);
    expect(received.match(/content-length.*/)?.[0] ?? '').toBe(length);
    expect(await front.outcome()).toEqual({ kind: 'done', status });
  });

  it('is preceded by the hints that came before it', async () => {
    const upstream = await serving((_, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-hint': '1' });
      response.end('then');
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, GET);
    const received = await client.until((all) => all.includes('then'));
    expect(received).toMatch(
      /^HTTP\/1.1 103 Early Hints\r\nLink: <\/a.css>; rel=preload\r\nx-hint: 1\r\n\r\nHTTP\/1.1 200/i,
    );
  });

  it('has its head sent at once, and each event as it comes', async () => {
    let write: (event: string) => void = () => {};
    const upstream = await serving((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      write = (event) => void response.write(event);
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, GET);
    await client.until((all) => all.includes('\r\n\r\n'));
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      write(event);
      await client.until((all) => all.includes(event));
    }
    client.socket.destroy();
    expect(await front.outcome()).toEqual({ kind: 'clientGone' });
  });

  it('comes before the body is sent, and the rest of the body is thrown away', async () => {
    const upstream = await serving((_, response) => {
      response.writeHead(413).end('too much');
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, 'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 50000000\r\n\r\n');
    const chunk = Buffer.alloc(1_000_000);
    for (let sent = 0; sent < 50; sent += 1) if (!client.socket.write(chunk)) await once(client.socket, 'drain');
    // The connection is as good as before.
    client.socket.write(GET);
    await client.until((all) => all.split('HTTP/1.1 413').length === 3);
    expect(await front.outcome()).toEqual({ kind: 'done', status: 413 });
  });

  it('is read from the server only as fast as the client reads it', async () => {
    let written = 0;
    let full = false;
    const upstream = await serving((_, response) => {
      const more = (): void => {
        full = false;
        for (; written < 60 && !full; written += 1) full = !response.write(Buffer.alloc(1_000_000));
        if (full) response.once('drain', more);
        else response.end();
      };
      more();
    });
    const front = await Front.before(upstream);
    const client = ask({ port: front.port });
    client.end();
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    for (let turns = 0, before = 0; turns < 200; turns += 1, before = written) {
      if (!full || before !== written) turns = 0;
      if (written === 60) break;
      await setImmediate();
    }
    expect(written).toBeLessThan(40);
    let length = 0;
    for await (const chunk of answer) length += (chunk as Buffer).length;
    expect(length).toBe(60_000_000);
  });
});
