import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createNetServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { fetchFrom } from '../../src/proxy/fetch-from.ts';
import { Front, listening, opened, playing, Raw } from './ends.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that closes a connection as soon as a second request comes over it, as one does that had just decided to. */
function closingAtTheSecond(seen: string[] = []): (socket: Socket) => void {
  return (socket) => {
    let requests = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (!/^[A-Z]+ \//.test(String(data))) return;
      requests += 1;
      seen.push(String(data));
      if (requests === 1) socket.write(OK);
      else socket.resetAndDestroy();
    });
  };
}

describe('a request whose connection was closed by its server before any answer', () => {
  it('is sent once more if the connection had been used before: 120 of 120 are answered', async () => {
    const front = await Front.before(await playing(closingAtTheSecond()));
    for (let count = 1; count <= 120; count += 1) {
      const post = count % 2 === 0;
      const client = new Raw(
        front.port,
        post ? 'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 4\r\n\r\nbody' : 'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
      );
      await client.until((all) => all.endsWith('ok'));
      client.socket.destroy();
      await front.outcome(count);
    }
    expect(front.outcomes.every(({ kind }) => kind === 'done')).toBe(true);
  });

  it('is sent with the same body', async () => {
    const seen: string[] = [];
    const front = await Front.before(await playing(closingAtTheSecond(seen)));
    for (let count = 1; count <= 2; count += 1) {
      const client = new Raw(front.port, `POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 4\r\n\r\nbod${count}`);
      await client.until((all) => all.endsWith('ok'));
    }
    expect(seen.map((each) => each.slice(-4))).toEqual(['bod1', 'bod2', 'bod2']);
  });

  it('is not sent once more on a new connection', async () => {
    let connections = 0;
    const upstream = await playing((socket) => {
      connections += 1;
      socket.on('error', () => {}).once('data', () => socket.resetAndDestroy());
    });
    const front = await Front.before(upstream);
    const client = new Raw(front.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n');
    await client.until((all) => all.includes('no answer'));
    expect(connections).toBe(1);
  });

  it.each([
    ['POST', 502],
    ['GET', 200],
  ])('is sent once more long after it was sent only if twice does what once does: %s', async (method, status) => {
    let now = 0;
    const seen: string[] = [];
    const server = createNetServer((socket) => {
      socket
        .on('error', () => {})
        .on('data', (data) => {
          seen.push(String(data));
          if (seen.length !== 2) return void socket.write(OK);
          // It worked at it for a while, and died of it.
          now += 3_000;
          socket.resetAndDestroy();
        });
    });
    const front = await Front.before(opened(await listening(server), undefined, () => now));
    const head = `${method} / HTTP/1.1\r\nHost: f\r\n${method === 'POST' ? 'Content-Length: 4\r\n\r\nbody' : '\r\n'}`;
    await new Raw(front.port, head).until((all) => all.endsWith('ok'));
    const answer = await new Raw(front.port, head).until((all) => /ok$|no answer/.test(all));
    expect([Number(answer.slice(9, 12)), seen.length]).toEqual(status === 200 ? [200, 3] : [502, 2]);
  });

  it('is sent no third time', async () => {
    let connections = 0;
    const upstream = await playing((socket) => {
      connections += 1;
      const first = connections === 1;
      let requests = 0;
      socket
        .on('error', () => {})
        .on('data', () => {
          requests += 1;
          if (first && requests === 1) socket.write(OK);
          else socket.resetAndDestroy();
        });
    });
    const front = await Front.before(upstream);
    await new Raw(front.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n').until((all) => all.endsWith('ok'));
    await new Raw(front.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n').until((all) => all.includes('no answer'));
    expect(connections).toBe(2);
  });

  it('is not sent once more where a byte of a stream was sent', async () => {
    const seen: string[] = [];
    const front = await Front.before(await playing(closingAtTheSecond(seen)));
    const chunked = 'POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';
    await new Raw(front.port, `${chunked}0\r\n\r\n`).until((all) => all.endsWith('ok'));
    await new Raw(front.port, chunked).until((all) => all.includes('no answer'));
    expect(seen).toHaveLength(2);
  });

  it('is sent once more where nothing of its stream was read', async () => {
    // The stream says nothing until the connection is closed, which it hears of.
    const sockets: Socket[] = [];
    const upstream = await playing((socket) => {
      sockets.push(socket);
      socket
        .on('error', () => {})
        .on('data', (data) => {
          if (String(data).endsWith('0\r\n\r\n') || String(data).startsWith('GET')) socket.write(OK);
        });
    });
    const warm = await Front.before(upstream);
    await new Raw(warm.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n').until((all) => all.endsWith('ok'));
    const body = new Readable({ read() {} });
    const front = await Front.before(upstream, { body });
    const wanted = once(body, 'resume');
    const client = new Raw(front.port, 'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 0\r\n\r\n');
    await wanted;
    sockets[0]?.resetAndDestroy();
    await once(body, 'pause');
    body.push('late');
    body.push(null);
    await client.until((all) => all.endsWith('ok'));
    expect(sockets).toHaveLength(2);
  });

  it('does not count as unsent where its server has died of it, though no connection is made the second time', async () => {
    let requests = 0;
    const server = createNetServer((socket) => {
      socket
        .on('error', () => {})
        .on('data', () => {
          requests += 1;
          if (requests === 1) return void socket.write(OK);
          server.close();
          socket.resetAndDestroy();
        });
    });
    const front = await Front.before(opened(await listening(server)));
    for (let count = 1; count <= 2; count += 1) {
      const client = new Raw(front.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n');
      await client.until((all) => all.endsWith('ok') || all.includes('no answer'));
    }
    const failed = await front.outcome(2);
    expect(failed).toMatchObject({ kind: 'upstreamFailed', begun: false, error: { syscall: 'read' } });
  });

  it('is sent once more by fetch as well', async () => {
    const upstream = await playing(closingAtTheSecond());
    for (let count = 0; count < 6; count += 1) {
      const response = await fetchFrom(upstream, '/');
      expect(await response.text()).toBe('ok');
    }
  });
});

describe('an idle connection', () => {
  it('is dropped before the server says that it drops it', async () => {
    const server = createServer((_, response) => void response.end('ok'));
    server.keepAliveTimeout = 1_000;
    const front = await Front.before(opened(await listening(server)));
    const connected = once(server, 'connection') as Promise<[Socket]>;
    await new Raw(front.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n').until((all) => all.endsWith('ok'));
    const [socket] = await connected;
    let byServer = false;
    server.on('timeout', () => {
      byServer = true;
    });
    await once(socket, 'end');
    expect(byServer).toBe(false);
  });

  it('is kept for the next request', async () => {
    let connections = 0;
    const server = createNetServer((socket) => {
      connections += 1;
      socket.on('error', () => {}).on('data', () => socket.write(OK));
    });
    const front = await Front.before(opened(await listening(server)));
    for (let count = 1; count <= 5; count += 1) {
      await new Raw(front.port, 'GET / HTTP/1.1\r\nHost: f\r\n\r\n').until((all) => all.endsWith('ok'));
      await front.outcome(count);
    }
    expect(connections).toBe(1);
  });
});
