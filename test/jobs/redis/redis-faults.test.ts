import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { JobStore, NewJob, TakenJob } from '../../../src/jobs/job-store.ts';
import { RedisLink } from '../../../src/jobs/redis/redis-link.ts';
import { redisPeers } from '../../../src/jobs/redis/redis-peers.ts';
import { failure } from '../../runtime/greenroom.ts';
import { newJob } from '../new-job.ts';
import { hasRedis, RedisServer, type RedisServerOptions } from '../redis-server.ts';
import { closeNodes, openNode } from './redis-stores.ts';

test('without the packages the one line that installs them is said', async () => {
  const error = await failure(redisPeers(() => Promise.reject(new Error("Cannot find module 'ioredis'\nmore"))));
  expect(error).toMatchObject({ code: 'E_JOB_STORE' });
  expect(error.message).toContain('run "npm install bullmq@6 ioredis@5". Cannot find module \'ioredis\'');
});

test.each(['5.80.0', '6.3.2', '7.0.0'])('BullMQ %s is refused, and both versions are named', async (version) => {
  const error = await failure(redisPeers(async (name) => (name === 'bullmq/package.json' ? { version } : {})));
  expect(error.message).toContain(`need BullMQ 6.3.3 or later of 6, and the one installed is ${version}`);
});

test('BullMQ of a fitting version with other scripts is refused', async () => {
  const load = async (name: string): Promise<unknown> => (name.endsWith('.json') ? { version: '6.9.0' } : {});
  expect((await failure(redisPeers(load))).message).toContain('the one installed is 6.9.0');
});

test.each(['', 'localhost', 'http://localhost', 'redis://:secret@', 'redis://host/db'])(
  'the address %j is refused, without saying it again',
  async (url) => {
    const error = await failure(RedisLink.open({ url }));
    expect(error).toMatchObject({ code: 'E_OPTIONS' });
    expect(error.message).not.toContain('secret');
  },
);

test('a Redis that is not there is named, within 5 s', async () => {
  const socket = join(tmpdir(), 'gr-no-redis.sock');
  const error = await failure(RedisLink.open({ url: `unix://user:secret@${socket}` }));
  expect(error).toMatchObject({ code: 'E_JOB_STORE' });
  expect(error.message).toContain(`The Redis at ${socket} does not answer (connect ENOENT`);
  expect(error.message).not.toContain('secret');
});

test('a server that is no Redis is named', async () => {
  const http = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = http.address() as { port: number };
    const error = await failure(RedisLink.open({ url: `redis://127.0.0.1:${port}` }));
    expect(error).toMatchObject({ code: 'E_JOB_STORE' });
    expect(error.message).toContain(`The Redis at 127.0.0.1:${port}`);
  } finally {
    http.closeAllConnections();
    http.close();
  }
});

describe.skipIf(!hasRedis)('with a redis-server', () => {
  const servers: RedisServer[] = [];
  afterEach(async () => {
    await closeNodes();
    await Promise.all(servers.splice(0).map((server) => server.remove()));
  });
  const start = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
    const server = await RedisServer.start(options);
    servers.push(server);
    return server;
  };

  test('a wrong password is said, and no password is', async () => {
    const server = await start({ args: ['--requirepass', 'right'] });
    for (const url of [server.url, server.url.replace('unix://', 'unix://default:wrong@')]) {
      const error = await failure(RedisLink.open({ url }));
      expect(error).toMatchObject({ code: 'E_JOB_STORE' });
      expect(error.message).toContain('refuses the name or password');
      expect(error.message).not.toContain('wrong@');
    }
    await (await RedisLink.open({ url: server.url.replace('unix://', 'unix://default:right@') })).close();
  });

  test('a user of Redis who may not do what is needed is told so', async () => {
    const server = await start({
      args: ['--user', ...'reader on >pw ~* &* +@read +@connection +info +subscribe'.split(' ')],
    });
    const link = await RedisLink.open({ url: server.url.replace('unix://', 'unix://reader:pw@') });
    const error = await failure(link.send(['SET', 'a', 'b']));
    expect(error.message).toContain('does not permit this to its user');
    await link.close();
  });

  test('a Redis in cluster mode is refused by name', async () => {
    const server = await start({ args: ['--cluster-enabled', 'yes', '--port', '0'] });
    expect((await failure(RedisLink.open({ url: server.url }))).message).toContain('is part of a cluster');
  });

  test('what may be lost as a Redis is set up is said', async () => {
    const warned = async (options: RedisServerOptions): Promise<string> => {
      const { url } = await start(options);
      const warnings: string[] = [];
      await (await RedisLink.open({ url, onWarning: (warning) => warnings.push(warning) })).close();
      return warnings.join('\n');
    };
    expect(await warned({ appendfsync: 'everysec' })).toBe('');
    const said = await warned({ args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] });
    expect(said).toContain('removes keys when it is full (maxmemory-policy allkeys-lru)');
    expect(said).toContain('appendonly no');
  });

  test('while Redis is full nothing is added or taken, what runs ends, and nobody seems dead', async () => {
    const server = await start({ args: ['--maxmemory-policy', 'noeviction'] });
    const { store, link, node } = await openNode(server.url);
    const other = await openNode(server.url);
    await store.add([newJob(), newJob()]);
    const [job] = (await store.take([{ plugin: 'plugin', count: 1 }])) as [TakenJob];
    await store.begin([{ ...job, generation: 1 }]);
    await link.send(['CONFIG', 'SET', 'maxmemory', '1mb']);
    for (const ask of [() => store.add([newJob()]), () => store.take([{ plugin: 'plugin', count: 1 }])]) {
      const error = await failure(ask());
      expect(error).toMatchObject({ code: 'E_JOB_STORE' });
      expect(error.message).toContain(`The Redis at ${server.socket} is full`);
    }
    expect(link.health.state).toBe('full');
    const beats = await link.send(['ZSCORE', link.key('nodes'), node]);
    while ((await other.link.send(['ZSCORE', link.key('nodes'), node])) === beats);
    expect(await other.store.nodes()).toHaveLength(2);
    const outcome = { end: 'done', result: new Uint8Array(1) } as const;
    expect(await store.settle([{ ...job, outcome }])).toEqual(['ok']);
    await link.send(['CONFIG', 'SET', 'maxmemory', '0']);
    await store.add([newJob()]);
    expect(link.health.state).toBe('connected');
    expect(await store.take([{ plugin: 'plugin', count: 9 }])).toHaveLength(2);
  });

  test('while Redis is away an add is refused within 5 s, and is not made later', async () => {
    const server = await start({ appendfsync: 'always' });
    const { store, link } = await openNode(server.url);
    await store.add([newJob()]);
    const [job] = (await store.take([{ plugin: 'plugin', count: 1 }])) as [TakenJob];
    await server.kill();
    const error = await failure(store.add([newJob()]));
    expect(error).toMatchObject({ code: 'E_JOB_STORE' });
    expect(error.message).toContain(`The Redis at ${server.socket} does not answer`);
    expect(link.health).toMatchObject({ state: 'cutOff' });
    // What waits for it when it comes back is done.
    const settled = store.settle([{ ...job, outcome: { end: 'done', result: new Uint8Array() } }]);
    await server.begin();
    expect(await settled).toEqual(['ok']);
    expect(await store.counts()).toEqual([{ plugin: 'plugin', state: 'done', count: 1 }]);
    expect(link.health.state).toBe('connected');
  });

  test('programs that Redis was away from are not thought gone when it is back', async () => {
    const server = await start({ appendfsync: 'always' });
    const liveness = { beatMs: 50, goneMs: 2_000, lookMs: 60_000 };
    const nodes = [await openNode(server.url, { liveness }), await openNode(server.url, { liveness })] as const;
    await nodes[0].store.add([newJob(), newJob()]);
    const jobs = await Promise.all(nodes.map(({ store }) => store.take([{ plugin: 'plugin', count: 1 }])));
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 2 * liveness.goneMs));
    await server.begin();
    for (const { store } of nodes) while ((await store.nodes()).length < 2);
    for (const [index, { store }] of nodes.entries()) {
      const outcome = { end: 'done', result: new Uint8Array() } as const;
      expect(await store.settle((jobs[index] ?? []).map((job) => ({ ...job, outcome })))).toEqual(['ok']);
    }
  });

  test('hints come again after Redis was away', async () => {
    const server = await start({ appendfsync: 'always' });
    const { store } = await openNode(server.url);
    await server.kill();
    await server.begin();
    const told = new AbortController();
    store.onHint((hint) => hint.kind === 'waiting' && told.abort());
    // The two connections come back at different moments.
    while (!told.signal.aborted) {
      await store.add([newJob()]);
      await store.nodes();
    }
  });

  test('of what several programs add while Redis is killed again and again, nothing acknowledged is lost or doubled', async () => {
    const server = await start({ appendfsync: 'always' });
    const nodes = [await openNode(server.url), await openNode(server.url), await openNode(server.url)];
    const acknowledged: string[] = [];
    let told: () => void = () => {};
    const stop = new AbortController();
    const isIn = (store: JobStore, job: NewJob): Promise<boolean> =>
      store.add([job]).then(
        () => true,
        () => false,
      );
    const add = async ({ store }: (typeof nodes)[number]): Promise<void> => {
      while (!stop.signal.aborted) {
        const job = newJob();
        // As somebody does who wants it in: again until it is, with the same identifier.
        while (!(await isIn(store, job))) if (stop.signal.aborted) return;
        acknowledged.push(job.id);
        told();
      }
    };
    const adders = nodes.flatMap((node) => [add(node), add(node)]);
    try {
      for (let n = 0; n < 5; n += 1) {
        for (const enough = acknowledged.length + 20; acknowledged.length < enough; )
          await new Promise<void>((resolve) => (told = resolve));
        await server.kill();
        await server.begin();
      }
    } finally {
      stop.abort();
      await Promise.all(adders);
    }
    const { store } = await openNode(server.url);
    const taken: string[] = [];
    for (let count = 1; count > 0; ) {
      const some = await store.take([{ plugin: 'plugin', count: 100 }]);
      count = some.length;
      taken.push(...some.map(({ id }) => id));
    }
    expect(new Set(taken).size).toBe(taken.length);
    for (const id of acknowledged) expect(taken).toContain(id);
  });

  test('an idle program with 100 plugins has two connections and sends next to nothing', async () => {
    const server = await start();
    const plugins = Array.from({ length: 100 }, (_, index) => `plugin-${index}`);
    const { link } = await openNode(server.url, {
      plugins: () => plugins,
      // A hundredth of the true times: in 1 s happens what happens in 100 s.
      liveness: { beatMs: 20, goneMs: 6_000, lookMs: 100 },
    });
    const sent = async (): Promise<number> => {
      const stats = String(await link.send(['INFO', 'commandstats']));
      return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
    };
    const clients = String(await link.send(['CLIENT', 'LIST']))
      .trim()
      .split('\n');
    expect(clients).toHaveLength(2);
    await link.send(['CONFIG', 'RESETSTAT']);
    const beats = 20;
    await new Promise((resolve) => setTimeout(resolve, beats * 20));
    // One a beat, and two a look: of a true second 0.5 and 0.2.
    expect(await sent()).toBeLessThanOrEqual(beats + 2 * (beats / 5 + 2) + 1);
  });
});
