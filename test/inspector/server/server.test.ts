import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startTrace } from '../../../src/calls/call-trace.ts';
import type { RateSeries, Rates, Sync } from '../../../src/inspector/wire.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Bench, get, inspect, openBench, Reader } from '../bench.ts';

/** A page with a script beside a file that is none of the page's. */
function pageOf(bench: Bench): string {
  const folder = join(bench.folder, 'page');
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'assets', 'main-Ab_1.js'), 'export {};');
  writeFileSync(join(folder, 'notes.txt'), 'not of the page');
  writeFileSync(join(bench.folder, 'outside.json'), '"outside"');
  symlinkSync(join(bench.folder, 'outside.json'), join(folder, 'link.json'));
  return folder;
}

/** What a server says to bytes, and then closes. */
function say(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text)).on('error', reject);
  });
}

describe('who is answered', () => {
  it('is refused by a wrong name, origin, method or token, each in its way', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected, { folder: pageOf(bench) });
    const own = `127.0.0.1:${port}`;
    const good = { authorization: `Bearer ${token}` };
    const hostile: [string, Record<string, string>, string, number][] = [
      ['/', { host: `evil.example:${port}` }, 'GET', 421],
      ['/', { host: `127.evil.example:${port}` }, 'GET', 421],
      ['/', { host: `127.0.0.1.:${port}` }, 'GET', 421],
      ['/', { host: '127.0.0.1' }, 'GET', 421],
      ['/', { host: `127.0.0.1:${port + 1}` }, 'GET', 421],
      ['/', { host: `user@${own}` }, 'GET', 421],
      ['/api/snapshot', { ...good, host: `evil.example:${port}` }, 'GET', 421],
      ['/api/snapshot', { ...good, origin: 'http://evil.example' }, 'GET', 403],
      ['/api/stream', { ...good, origin: 'null' }, 'GET', 403],
      ['/api/stream', { ...good, origin: '' }, 'GET', 403],
      ['/api/stream', { ...good, origin: 'http://127.0.0.1:3000' }, 'GET', 403],
      ['/api/stream', { ...good, origin: `https://${own}` }, 'GET', 403],
      ['/api/stream', { ...good, origin: `http://${own}.evil.example` }, 'GET', 403],
      ['/api/stream', { ...good, 'sec-fetch-site': 'cross-site' }, 'GET', 403],
      ['/api/stream', { ...good, 'sec-fetch-site': 'same-site' }, 'GET', 403],
      ['/', { origin: 'http://evil.example' }, 'GET', 403],
      ['/api/stream', {}, 'GET', 401],
      ['/api/snapshot', {}, 'GET', 401],
      ['/api/export', {}, 'GET', 401],
      ['/api/payload/1', {}, 'GET', 401],
      ['/api/rates?plugin=bench', {}, 'GET', 401],
      ['/api/nothing', {}, 'GET', 404],
      ['/api/snapshot', { authorization: 'Bearer x' }, 'GET', 401],
      ['/api/snapshot', { authorization: `Bearer ${token}x` }, 'GET', 401],
      ['/api/snapshot', { authorization: `Bearer ${token.slice(1)}` }, 'GET', 401],
      ['/api/snapshot', { authorization: `Basic ${token}` }, 'GET', 401],
      ['/api/snapshot', { authorization: token }, 'GET', 401],
      ['/api/snapshot', { cookie: `token=${token}` }, 'GET', 401],
      [`/api/snapshot?token=${token}`, {}, 'GET', 401],
      ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'].flatMap((method): typeof hostile => [
        ['/', good, method, 405],
        ['/api/snapshot', good, method, 405],
        ['/api/control', good, method, 405],
      ]),
    ];
    for (const [path, headers, method, status] of hostile) {
      const answer = await get(port, path, headers, { method });
      expect([path, headers, method, answer.status]).toEqual([path, headers, method, status]);
      expect(answer.body).not.toContain(token);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    expect((await get(port, '/api/snapshot', { ...good, origin: `http://${own}` })).status).toBe(200);
    expect((await get(port, '/api/snapshot', { ...good, host: `LocalHost:${port}` })).status).toBe(200);
    expect((await get(port, '/api/snapshot', { ...good, host: `[::1]:${port}` })).status).toBe(200);
    expect((await get(port, '/api/control', good)).status).toBe(404);
    for (const path of ['/', '/api/snapshot', '/api/stream', '/api/export']) {
      const { status, body } = await get(port, path, good, { method: 'HEAD' });
      expect([path, status, body]).toEqual([path, 200, '']);
    }
    expect((await get(port, '/api/stream', {}, { method: 'HEAD' })).status).toBe(401);
  });

  it('is refused what is no proper request', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected);
    const own = `Host: 127.0.0.1:${port}\r\n`;
    const bearer = `Authorization: Bearer ${token}\r\n`;
    const statusOf = async (bytes: string): Promise<string | undefined> => (await say(port, bytes)).split(' ')[1];
    expect(await statusOf(`GET / HTTP/1.0\r\n\r\n`)).toBe('421');
    expect(await statusOf(`GET / HTTP/1.1\r\n\r\n`)).toBe('400');
    expect(await statusOf(`GET / HTTP/1.1\r\nHost:\r\n\r\n`)).toBe('421');
    expect(await statusOf(`GET /api/snapshot HTTP/1.1\r\n${own}Host: evil.example\r\n${bearer}\r\n`)).toMatch(
      /^4(00|21)$/,
    );
    expect(await statusOf(`GET http://evil.example/api/snapshot HTTP/1.1\r\n${own}${bearer}\r\n`)).toBe('400');
    expect(
      await statusOf(
        `GET /api/snapshot HTTP/1.1\r\n${own}${bearer}Origin: http://127.0.0.1:${port}\r\nOrigin: null\r\n\r\n`,
      ),
    ).toBe('403');
    expect(await statusOf(`CONNECT evil.example:80 HTTP/1.1\r\n${own}\r\n`)).toBe('405');
    expect(await statusOf(`GET /api/stream HTTP/1.1\r\n${own}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)).toBe(
      '401',
    );
  });

  it('is on this machine: no other address listens', async () => {
    const bench = await openBench();
    const { port } = await inspect(bench.inspected);
    const others = Object.values(networkInterfaces())
      .flat()
      .flatMap((each) => (each === undefined || each.address === '127.0.0.1' ? [] : [each]))
      .filter(({ address }) => !address.startsWith('fe80'));
    for (const { address } of others) {
      const outcome = await new Promise((resolve) => {
        const socket = connect(port, address, () => resolve('open'));
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
        socket.on('close', () => socket.destroy());
      });
      expect([address, outcome]).not.toEqual([address, 'open']);
    }
  });

  it('has a token of 192 bits in the fragment of the address, another one each time', async () => {
    const bench = await openBench();
    const one = await inspect(bench.inspected);
    const other = await inspect(bench.inspected);
    expect(Buffer.from(one.token, 'base64url')).toHaveLength(24);
    expect(one.token).not.toBe(other.token);
    expect(one.inspector.url).toBe(`http://127.0.0.1:${one.port}/#token=${one.token}`);
    expect((await get(one.port, '/api/snapshot', { authorization: `Bearer ${other.token}` })).status).toBe(401);
  });
});

describe('the page', () => {
  it('is given to anybody, under a policy that lets nothing in from elsewhere', async () => {
    const bench = await openBench();
    const { port } = await inspect(bench.inspected, { folder: pageOf(bench) });
    const page = await get(port, '/');
    expect(page).toMatchObject({ status: 200, body: '<!doctype html>' });
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http/);
    expect(await get(port, '/assets/main-Ab_1.js')).toMatchObject({ status: 200, body: 'export {};' });
  });

  it('is all that is given of the disk', async () => {
    const bench = await openBench();
    const { port } = await inspect(bench.inspected, { folder: pageOf(bench) });
    const paths = [
      '/../outside.json',
      '/assets/../../outside.json',
      '/..%2foutside.json',
      '/%2e%2e/outside.json',
      '/..\\outside.json',
      '//etc/hostname.json',
      '/link.json',
      '/notes.txt',
      '/assets',
      '/assets/',
      '/index.html%00.js',
      '/.',
      '/..',
      '/missing.js',
      `/${bench.folder}/outside.json`,
    ];
    for (const path of paths) {
      const answer = await get(port, path);
      expect([path, answer.status]).toEqual([path, expect.toSatisfy((status) => status === 400 || status === 404)]);
      expect(answer.body).not.toContain('outside');
    }
  });
});

describe('control', () => {
  it('acts only where it is open, by POST, with JSON and the token, and records what was asked and what came of it', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected, { control: true });
    const good = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const post = (body: string, headers: Record<string, string> = good): ReturnType<typeof get> =>
      get(port, '/api/control', headers, { method: 'POST', body });
    const load = JSON.stringify({ action: 'load', plugin: 'bench' });
    expect((await post(load, { 'content-type': 'application/json' })).status).toBe(401);
    expect((await post(load, { ...good, origin: 'http://evil.example' })).status).toBe(403);
    expect((await post(load, { ...good, 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post('x'.repeat(10_000))).status).toBe(413);
    for (const body of ['', 'null', '[]', '{}', '{"action":"stop","plugin":"bench"}', '{"action":"load","plugin":1}'])
      expect((await post(body)).status).toBe(400);
    expect((await post(JSON.stringify({ action: 'load', plugin: '__proto__' }))).status).toBe(404);
    expect((await get(port, '/api/control', good)).status).toBe(404);
    expect((await get(port, '/api/snapshot', good, { method: 'POST' })).status).toBe(405);
    expect(bench.supervisor.plugin('bench').snapshot().state).toBe('discovered');

    const reader = new Reader(port, token);
    expect((await reader.sync()).control).toBe(true);
    const done = async (action: string): Promise<void> => {
      expect(await post(JSON.stringify({ action, plugin: 'bench' }))).toMatchObject({
        status: 202,
        body: '{"ok":true}',
      });
      await reader.record(
        (record) => record.kind === 'control' && record.action === action && record.outcome === 'done',
      );
    };
    await done('load');
    expect(bench.supervisor.plugin('bench').snapshot().state).toBe('ready');
    await done('restart');
    expect(bench.supervisor.plugin('bench').snapshot().generation).toBe(2);
    const call = bench.supervisor.execute('bench', { do: 'wait', for: join(bench.folder, 'never') });
    const ended = call.then(
      () => 'ended',
      (error: { code: string }) => error.code,
    );
    await eventuallyTrue(() => bench.supervisor.plugin('bench').snapshot().inFlight === 1);
    await done('cancel');
    expect(await ended).toBe('E_CANCELLED');
    await done('release');
    expect(bench.supervisor.plugin('bench').snapshot().state).toBe('released');
    await done('reset');
    expect(reader.records().filter((record) => record.kind === 'control')).toHaveLength(10);
  });
});

describe('the stream', () => {
  it('begins with everything, goes on with what happens, and resumes where a reader was', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected);
    const reader = new Reader(port, token);
    const sync = await reader.sync();
    expect(Object.keys(sync.machines)).toEqual(['plugin', 'worker', 'supervisor', 'scheduler']);
    expect(sync.plugins).toMatchObject([{ name: 'bench', state: 'discovered', phase: 'idle' }]);
    expect(sync.actors.map(({ id }) => id)).toEqual(['supervisor', 'scheduler', 'plugin:bench']);
    expect(sync.supervisor).toMatchObject({ state: 'running', counts: { discovered: 1 } });

    await bench.supervisor.execute('bench', { do: 'about' });
    const ready = await reader.record((record) => record.kind === 'transition' && record.to === 'ready');
    expect(ready).toMatchObject({ actor: 'plugin:bench', from: 'spawning.initializing', event: 'WORKER.READY' });
    await reader.record(
      (record) => record.kind === 'transition' && record.actor === 'worker:bench#1' && record.to === 'up',
    );
    const seqs = reader.records().map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => sync.seq + 1 + index));
    await reader.leave();

    await bench.supervisor.unload('bench');
    const resumed = new Reader(port, token, ready.seq);
    await resumed.record((record) => record.kind === 'transition' && record.to === 'discovered.idle');
    expect(resumed.events.every(({ event }) => event === 'batch')).toBe(true);
    expect(resumed.records()[0]?.seq).toBe(ready.seq + 1);
    const stranger = new Reader(port, token, 1_000_000);
    await stranger.sync();
  });

  it('costs little memory when it is never read, and holds nobody up', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected);
    const sockets = Array.from({ length: 8 }, () => {
      const socket = connect(port, '127.0.0.1').pause();
      socket.write(`GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      return socket;
    });
    const good = { authorization: `Bearer ${token}` };
    await eventuallyTrue(async () => (await get(port, '/api/snapshot', good)).status === 429);
    const before = process.memoryUsage();
    for (let n = 0; n < 300; n += 1) {
      const text = 'x'.repeat(3_000);
      for (let m = 0; m < 20; m += 1)
        bench.runtime.records.get('bench')?.send({ type: 'NOTHING', text: `${n} ${m} ${text}` } as never);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.external - before.heapUsed - before.external;
    expect(grown / 2 ** 20).toBeLessThan(50);
    expect(await bench.supervisor.execute('bench', { do: 'say', text: 'x' })).toBeNull();
    for (const socket of sockets) socket.destroy();
    await eventuallyTrue(async () => (await get(port, '/api/snapshot', good)).status === 200);
  }, 120_000);

  it('ends with the inspector, and the program with nothing left', async () => {
    const bench = await openBench();
    const { inspector, port, token } = await inspect(bench.inspected);
    const reader = new Reader(port, token);
    await reader.sync();
    await inspector.close();
    await reader.leave();
    await expect(get(port, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(bench.runtime.transitions.any).toBe(false);
    expect(bench.runtime.problems.any).toBe(false);
    expect(startTrace(bench.supervisor, 'bench', '1', 'execute', 'execute', undefined)).toBeUndefined();
  });
});

describe('a port that is taken', () => {
  it('is told, and nothing stays behind', async () => {
    const bench = await openBench();
    const { port } = await inspect(bench.inspected);
    await expect(inspect(bench.inspected, { port })).rejects.toMatchObject({ code: 'E_OPTIONS' });
  });
});

describe('a snapshot', () => {
  it('is what a stream begins with', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected);
    const { body } = await get(port, '/api/snapshot', { authorization: `Bearer ${token}` });
    const sync = await new Reader(port, token).sync();
    expect(JSON.parse(body) as Sync).toEqual({ ...sync, at: expect.any(Number) as number });
  });
});

it('gives the rates of the plugins that are asked for, those after a time, and in no sync', async () => {
  const bench = await openBench();
  const { port, token } = await inspect(bench.inspected);
  const reader = new Reader(port, token);
  await bench.supervisor.execute('bench', { do: 'about' });
  await bench.supervisor.execute('bench', { do: 'fail' }).catch(() => {});
  const ask = async (query: string): Promise<Rates> => {
    const { body } = await get(port, `/api/rates?${query}`, { authorization: `Bearer ${token}` });
    return JSON.parse(body) as Rates;
  };
  const sum = (series: RateSeries['calls'] = []): number => series.reduce<number>((all, each) => all + (each ?? 0), 0);
  const rates = await eventuallyTrue(
    async () => {
      const found = await ask('plugin=bench&plugin=missing');
      return sum(found.plugins['bench']?.calls) === 2 ? found : undefined;
    },
    { interval: 100 },
  );
  expect(Object.keys(rates.plugins)).toEqual(['bench']);
  const { errors, memoryMb, cpuPercent } = rates.plugins['bench'] as RateSeries;
  expect(sum(errors)).toBe(1);
  expect(memoryMb.at(-1)).toBeGreaterThan(1);
  expect(memoryMb).toHaveLength(rates.at.length);
  expect(cpuPercent.at(-1)).toBeGreaterThanOrEqual(0);
  expect(rates.total).toEqual(rates.plugins['bench']);
  const later = await ask(`plugin=bench&since=${rates.at.at(-1)}`);
  expect(later.at.length).toBeLessThan(rates.at.length);
  expect(await ask('')).toMatchObject({ plugins: {}, busy: {} });
  expect(JSON.stringify(await reader.sync())).not.toContain('cpuPercent');
});
