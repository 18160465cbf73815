import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer as createNetServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Front, listening, opened, playing, Raw, serving } from './ends.ts';

const GET = 'GET / HTTP/1.1\r\nHost: front\r\n\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';
const SIZED = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc';
const UNTIL_CLOSED = 'HTTP/1.1 200 OK\r\n\r\nabc';

/** Plays one answer, then does something to the connection once the client has what was sent. */
async function playedBefore(sent: string): Promise<{ front: Front; socket: Promise<Socket> }> {
  let told: (socket: Socket) => void = () => {};
  const socket = new Promise<Socket>((resolve) => {
    told = resolve;
  });
  const upstream = await playing((each) => {
    each.once('data', () => {
      each.write(sent);
      told(each);
    });
  });
  return { front: await Front.before(upstream), socket };
}

describe('a server that ends in the middle of its answer', () => {
  it.each([
    ['chunks', 'ends', CHUNKED],
    ['chunks', 'resets', CHUNKED],
    ['a length', 'ends', SIZED],
    ['a length', 'resets', SIZED],
    ['no length', 'resets', UNTIL_CLOSED],
  ])('of %s and %s the connection: the client can tell', async (_, how, sent) => {
    const { front, socket } = await playedBefore(sent);
    const client = new Raw(front.port, GET);
    await client.until((all) => all.includes('abc'));
    if (how === 'ends') (await socket).end();
    else (await socket).resetAndDestroy();
    await client.end();
    expect(client.received).not.toContain('\r\n0\r\n');
    expect(await front.outcome()).toMatchObject({ kind: 'upstreamFailed', begun: true });
  });

  it('is reset for a client of HTTP/1.0, to which an end would be the end of the answer', async () => {
    const { front, socket } = await playedBefore(CHUNKED);
    const client = new Raw(front.port, 'GET / HTTP/1.0\r\n\r\n');
    await client.until((all) => all.includes('abc'));
    (await socket).end();
    expect(await client.end()).toBe('reset');
  });

  it('is no failure where the answer lasts until its end', async () => {
    const { front, socket } = await playedBefore(UNTIL_CLOSED);
    const client = new Raw(front.port, GET);
    await client.until((all) => all.includes('abc'));
    (await socket).end();
    await client.until((all) => all.endsWith('\r\n0\r\n\r\n'));
    expect(await front.outcome()).toEqual({ kind: 'done', status: 200 });
  });

  it('can be told in the words of a front', async () => {
    const begun: boolean[] = [];
    const upstream = await playing((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', () => socket.end());
      });
    });
    const front = await Front.before(upstream, {
      onEarlyEnd: (response, some) => {
        begun.push(some);
        response.end('event: error\n\n');
      },
    });
    const client = new Raw(front.port, GET);
    await client.until((all) => all.endsWith('\r\n0\r\n\r\n'));
    expect(client.received).toMatch(/abc[^]*event: error/);
    expect([begun, await front.outcome()]).toMatchObject([[true], { kind: 'upstreamFailed', begun: true }]);
  });
});

describe('a server that answers with', () => {
  it.each([
    ['nothing', ''],
    ['garbage', '\x00\x01\x02garbage\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nX-Hal'],
    [
      'both framings',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ])('%s leaves the answer to the caller', async (_, sent) => {
    const upstream = await playing((socket) => {
      socket.once('data', () => socket.end(sent, 'latin1'));
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, GET);
    expect(await client.until((all) => all.includes('no answer'))).toMatch(/^HTTP\/1.1 502/);
    expect(await front.outcome()).toMatchObject({ kind: 'upstreamFailed', begun: false });
  });

  it('a chunk that is none ends the client', async () => {
    const { front } = await playedBefore('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n');
    const client = new Raw(front.port, GET);
    await client.end().catch(() => {});
    expect((await front.outcome())?.kind).toBe('upstreamFailed');
    expect(client.received).not.toContain('\r\n0\r\n');
  });

  it('two answers has the second one given to nobody', async () => {
    let connections = 0;
    const upstream = await playing((socket) => {
      connections += 1;
      socket.on('data', () => {
        const one = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none';
        socket.write(connections === 1 ? `${one}${one.replace('one', 'TWO')}` : one);
      });
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, GET);
    await client.until((all) => all.includes('one'));
    await front.outcome();
    const second = new Raw(front.port, GET);
    await second.until((all) => all.includes('\r\n\r\none'));
    expect([second.received.includes('TWO'), connections]).toEqual([false, 2]);
  });

  it('no connection leaves the answer to the caller', async () => {
    const closed = createNetServer();
    const origin = await listening(closed);
    closed.close();
    await once(closed, 'close');
    const front = await Front.before(opened(origin));
    const client = new Raw(front.port, GET);
    await client.until((all) => all.includes('no answer'));
    expect(await front.outcome()).toMatchObject({ kind: 'upstreamFailed', error: { code: 'ECONNREFUSED' } });
  });
});

describe('an exchange ends at the server', () => {
  it.each([
    ['before the answer', ''],
    ['in the middle of it', CHUNKED],
  ])('when its client goes %s', async (_, sent) => {
    const { front, socket } = await playedBefore(sent);
    const client = new Raw(front.port, GET);
    const upstream = await socket;
    if (sent !== '') await client.until((all) => all.includes('abc'));
    const closed = once(upstream, 'close');
    client.socket.destroy();
    upstream
      .on('error', () => {})
      .once('end', () => upstream.end())
      .resume();
    await closed;
    expect(await front.outcome()).toEqual({ kind: 'clientGone' });
  });

  it('when its client goes in the middle of the body', async () => {
    let ended = (): void => {};
    const gone = new Promise<void>((resolve) => {
      ended = resolve;
    });
    let begin = (): void => {};
    const asked = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const upstream = await serving((request) => {
      request.on('error', ended).once('data', begin);
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, 'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 1000000\r\n\r\nabc');
    await asked;
    client.socket.destroy();
    await gone;
    expect(await front.outcome()).toEqual({ kind: 'clientGone' });
  });

  it('when its body has a chunk that is none', async () => {
    const upstream = await serving((request) => void request.on('error', () => {}).resume());
    const front = await Front.before(upstream);
    const client = new Raw(
      front.port,
      'POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n',
    );
    await client.end();
    expect(await front.outcome()).toEqual({ kind: 'clientGone' });
  });

  it('when its caller says so', async () => {
    const stop = new AbortController();
    let asked = (): void => {};
    const begun = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const upstream = await serving(() => asked());
    const front = await Front.before(upstream, { signal: stop.signal });
    const client = new Raw(front.port, GET);
    await begun;
    stop.abort(new Error('enough'));
    expect(await client.until((all) => all.includes('\r\n\r\n'))).toMatch(/^HTTP\/1.1 503/);
    expect(await front.outcome()).toMatchObject({ kind: 'aborted', begun: false, error: { message: 'enough' } });
  });

  it('when nothing moves any more, and says at which side', async () => {
    const upstream = await serving((request) => void request.resume());
    const front = await Front.before(upstream, { idleMs: 50 });
    const silent = new Raw(front.port, GET);
    expect(await silent.until((all) => all.includes('\r\n\r\n'))).toMatch(/^HTTP\/1.1 504/);
    const slow = new Raw(front.port, 'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 1000000\r\n\r\nabc');
    expect(await slow.until((all) => all.includes('\r\n\r\n'))).toMatch(/^HTTP\/1.1 408/);
    expect(front.outcomes.map((outcome) => outcome.kind === 'stalled' && outcome.side)).toEqual(['upstream', 'client']);
  });

  it('when its client reads nothing of what waits for it, while a server may take longer', async () => {
    const upstream = await serving((request, response) => {
      if (request.url === '/slow') setTimeout(() => response.end('late'), 200);
      else response.end(Buffer.alloc(20_000_000));
    });
    const front = await Front.before(upstream, { clientIdleMs: 50 });
    await new Raw(front.port, GET.replace('/', '/slow')).until((all) => all.includes('late'));
    const client = new Raw(front.port, GET);
    client.socket.pause();
    expect(await front.outcome(2)).toEqual({ kind: 'stalled', side: 'client', begun: true, limitMs: 50 });
  });

  it('when its client does not read that its answer has ended early', async () => {
    const stop = new AbortController();
    const upstream = await serving((_, response) => void response.end(Buffer.alloc(20_000_000)));
    const front = await Front.before(upstream, {
      clientIdleMs: 300,
      signal: stop.signal,
      onEarlyEnd: (response) => void response.end(),
    });
    front.server.once('request', (_, response: ServerResponse) => {
      const look = (): void => {
        if (response.writableNeedDrain) stop.abort(new Error('enough'));
        else setImmediate(look);
      };
      look();
    });
    const client = new Raw(front.port, GET);
    client.socket.pause();
    expect(await front.outcome()).toMatchObject({ kind: 'aborted', begun: true });
  });
});
