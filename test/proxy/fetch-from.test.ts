import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { fetchFrom } from '../../src/proxy/fetch-from.ts';
import { listening, opened, serving } from './ends.ts';

/** Counts the ends that a fetch tells of. */
class Ends {
  count = 0;
  readonly first: Promise<void>;
  readonly onEnd: () => void;

  constructor() {
    let told = (): void => {};
    this.first = new Promise((resolve) => {
      told = resolve;
    });
    this.onEnd = () => {
      this.count += 1;
      told();
    };
  }
}

describe('a fetch from an upstream', () => {
  it('takes a path, a URL or a Request, below the prefix', async () => {
    const server = createServer((request, response) => {
      void text(request).then((body) =>
        response.end(`${request.method} ${request.url} ${String(request.headers['x-a'])} ${body}`),
      );
    });
    const origin = await listening(server);
    const upstream = opened(`${origin}/v1/`);
    const asked = async (...what: [string | URL | Request, RequestInit?]): Promise<string> =>
      (await fetchFrom(upstream, ...what)).text();
    expect(await asked('/a?b')).toBe('GET /v1/a?b undefined ');
    expect(await asked(new URL(`${origin}/v1/a`), { method: 'POST', body: 'x' })).toBe('POST /v1/a undefined x');
    const request = new Request(`${origin}/v1/r`, { method: 'PUT', body: 'y', headers: { 'x-a': '1' } });
    expect(await asked(request)).toBe('PUT /v1/r 1 y');
  });

  it.each(['http://127.0.0.1:1/', '//127.0.0.1:1/', 'relative', '/../outside', 'http://{origin}/outside'])(
    'refuses what is not below the upstream: %s',
    async (given) => {
      const origin = await listening(createServer((_, response) => void response.end('x')));
      const upstream = opened(`${origin}/v1`);
      const ends = new Ends();
      const url = given.replace('http://{origin}', origin);
      const answer = fetchFrom(upstream, url, {}, ends).then((response) => response.url);
      if (given.startsWith('//')) expect(await answer).toBe(`${origin}/v1//127.0.0.1:1/`);
      else await expect(answer).rejects.toMatchObject({ code: 'E_OPTIONS' });
    },
  );

  it('follows redirects to the upstream alone, and tells of one end', async () => {
    const upstream = await serving((request, response) => {
      const to = { '/here': '/there', '/away': 'http://127.0.0.1:1/' }[request.url ?? ''];
      if (to === undefined) response.end('there');
      else response.writeHead(302, { location: to }).end();
    });
    const ends = new Ends();
    expect(await (await fetchFrom(upstream, '/here', {}, ends)).text()).toBe('there');
    await ends.first;
    await expect(fetchFrom(upstream, '/away')).rejects.toThrow('fetch failed');
    expect(ends.count).toBe(1);
  });

  it.each(['read', 'cancelled', 'failed', 'collected', 'unreachable'])('tells once of its end: %s', async (how) => {
    const upstream = await serving((_, response) => {
      response.writeHead(200).flushHeaders();
      if (how === 'read') response.end('x');
      if (how === 'failed') response.write('x', () => response.destroy());
    });
    const ends = new Ends();
    if (how === 'unreachable') upstream.close();
    await (async () => {
      const answer = fetchFrom(upstream, '/', {}, ends);
      if (how === 'unreachable') return expect(answer).rejects.toThrow('fetch failed');
      const response = await answer;
      if (how === 'read') await response.text();
      if (how === 'cancelled') await response.body?.cancel();
      if (how === 'failed') await expect(response.text()).rejects.toThrow('terminated');
    })();
    if (how === 'collected') {
      setFlagsFromString('--expose_gc');
      const collect = runInNewContext('gc') as () => void;
      while (ends.count === 0) {
        collect();
        await setImmediate();
      }
    }
    await ends.first;
    expect(ends.count).toBe(1);
  });

  it('ends at the server when it is aborted', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const upstream = await serving((request) => {
      closed = once(request.socket, 'close');
      stop.abort();
    });
    const stop = new AbortController();
    const ends = new Ends();
    await expect(fetchFrom(upstream, '/', { signal: stop.signal }, ends)).rejects.toThrow('aborted');
    await Promise.all([closed, ends.first]);
  });
});
