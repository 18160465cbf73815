import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { forwardUpgrade, type UpgradeOptions } from '../../src/proxy/forward-upgrade.ts';
import type { ForwardOutcome } from '../../src/proxy/outcome.ts';
import type { Upstream } from '../../src/proxy/upstream.ts';
import { listening, playing, Raw } from './ends.ts';

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: f\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n';
const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** A front that forwards upgrades, the port it is at, and what becomes of the first. */
async function upgrading(
  upstream: Upstream,
  options: UpgradeOptions = {},
): Promise<{ port: number; outcome: Promise<ForwardOutcome> }> {
  let told: (outcome: ForwardOutcome) => void = () => {};
  const outcome = new Promise<ForwardOutcome>((resolve) => {
    told = resolve;
  });
  const server = createServer().on('upgrade', (request, socket, head) => {
    void forwardUpgrade(request, socket, head, upstream, options).then((what) => {
      if ('begun' in what && !what.begun) socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      if (what.kind === 'badRequest') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      told(what);
    });
  });
  const origin = await listening(server);
  return { port: Number(new URL(origin).port), outcome };
}

/** An upstream that accepts; and its socket, once it has. */
async function accepting(answer = ACCEPTED): Promise<{ upstream: Upstream; far: Promise<Socket>; seen: string[] }> {
  const seen: string[] = [];
  let told: (socket: Socket) => void = () => {};
  const far = new Promise<Socket>((resolve) => {
    told = resolve;
  });
  const upstream = await playing((socket) => {
    socket.once('data', (head) => {
      seen.push(String(head));
      socket.write(answer);
      told(socket);
    });
  });
  return { upstream, far, seen };
}

describe('an upgrade', () => {
  it('passes bytes both ways, with those that came right after the heads', async () => {
    const { upstream, far, seen } = await accepting(`${ACCEPTED}first`);
    const { port } = await upgrading(upstream);
    const client = new Raw(port, `${UPGRADE}early`);
    await client.until((all) => all.endsWith('first'));
    const server = await far;
    expect(String(((await once(server, 'data')) as [Buffer])[0])).toBe('early');
    server.write('down');
    await client.until((all) => all.endsWith('down'));
    client.socket.write('up');
    expect(String(((await once(server, 'data')) as [Buffer])[0])).toBe('up');
    expect(seen[0]).toMatch(/^GET \/ws HTTP\/1.1\r\nSec-WebSocket-Key: k\r\nx-forwarded-for: 127.0.0.1\r\n/);
    expect(seen[0]).toMatch(/\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  });

  it('keeps one half open while the other has ended', async () => {
    const { upstream, far } = await accepting();
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE);
    await client.until((all) => all.includes('101'));
    const server = await far;
    const ended = once(server, 'end');
    server.resume();
    client.socket.end();
    await ended;
    server.end('still');
    await client.until((all) => all.endsWith('still'));
    expect(await outcome).toEqual({ kind: 'done', status: 101 });
  });

  it.each(['client', 'server'])('that the %s resets ends at the other side', async (who) => {
    const { upstream, far } = await accepting();
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE);
    await client.until((all) => all.includes('101'));
    const server = await far;
    server.on('error', () => {});
    if (who === 'client') {
      const closed = once(server, 'end').catch(() => {});
      server.resume();
      client.socket.resetAndDestroy();
      await closed;
      server.destroy();
    } else {
      server.resetAndDestroy();
      await client.end();
      client.socket.destroy();
    }
    expect((await outcome).kind).toMatch(/done|clientGone/);
  });

  it('that is refused has its answer passed on', async () => {
    const { upstream } = await accepting('HTTP/1.1 403 No\r\nContent-Length: 4\r\nX-Why: w\r\n\r\nnope');
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE);
    expect(await client.end()).toBe('end');
    expect(client.received).toBe('HTTP/1.1 403 No\r\nContent-Length: 4\r\nX-Why: w\r\nConnection: close\r\n\r\nnope');
    expect(await outcome).toEqual({ kind: 'done', status: 403 });
  });

  it('that is refused with half an answer has its client reset', async () => {
    const { upstream, far } = await accepting('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n');
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE);
    await client.until((all) => all.endsWith('nope'));
    (await far).destroy();
    expect(await client.end()).toBe('reset');
    expect(await outcome).toMatchObject({ kind: 'upstreamFailed', begun: true });
  });

  it('that the server resets before it answers leaves the answer to the caller', async () => {
    const upstream = await playing((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE);
    await client.until((all) => all.includes('502'));
    expect(await outcome).toMatchObject({ kind: 'upstreamFailed', begun: false });
  });

  it('whose client goes before the answer ends at the server', async () => {
    let asked: (socket: Socket) => void = () => {};
    const far = new Promise<Socket>((resolve) => {
      asked = resolve;
    });
    const upstream = await playing((socket) => void socket.once('data', () => asked(socket)));
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE);
    const server = await far;
    server.on('error', () => {}).resume();
    client.socket.resetAndDestroy();
    expect(await outcome).toEqual({ kind: 'clientGone' });
    if (!server.readableEnded && !server.destroyed) await Promise.race([once(server, 'end'), once(server, 'close')]);
  });

  it('with a body is refused', async () => {
    const { upstream } = await accepting();
    const { port, outcome } = await upgrading(upstream);
    const client = new Raw(port, UPGRADE.replace('\r\n\r\n', '\r\nContent-Length: 4\r\n\r\nbody'));
    await client.until((all) => all.includes('400'));
    expect((await outcome).kind).toBe('badRequest');
  });

  it('ends at both sides when its caller says so', async () => {
    const stop = new AbortController();
    const { upstream, far } = await accepting();
    const { port, outcome } = await upgrading(upstream, { signal: stop.signal });
    const client = new Raw(port, UPGRADE);
    await client.until((all) => all.includes('101'));
    const server = await far;
    const closed = once(server.resume(), 'end');
    stop.abort(new Error('enough'));
    await Promise.all([closed, client.end()]);
    expect(await outcome).toMatchObject({ kind: 'aborted', begun: true });
  });
});
