import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { daemonFile } from '../../src/daemon/daemon-record.ts';
import { daemonToken } from '../../src/daemon/token-file.ts';
import { packageVersion } from '../../src/files/package-version.ts';
import { ownIdentity } from '../../src/process/process-identity.ts';
import type { TransitionEvent } from '../../src/runtime/supervisor-events.ts';
import { eventually } from '../eventually.ts';
import { useDaemons } from './daemon.ts';

const bench = useDaemons();
const BIG = 2n ** 80n;

async function all(chunks: AsyncIterable<unknown>): Promise<unknown[]> {
  const found = [];
  for await (const chunk of chunks) found.push(chunk);
  return found;
}

/** The stacks of two calls differ in what the worker did before them. */
function withoutStack(remote: unknown): unknown {
  return remote === undefined ? undefined : { ...(remote as object), stack: undefined };
}

describe('a call', () => {
  test('carries integers of any size and bytes both ways, over the socket and over TCP', async () => {
    const daemon = await bench.start({ listen: { host: '127.0.0.1', port: 0 } });
    const token = daemonToken(bench.dataDir);
    const bytes = Buffer.from([0, 255, 10, 13]);
    const input = { value: { id: BIG, bytes, list: [1.5, -0, null, 'ä\u2028'] } };
    for (const target of [{ socket: daemon.socket }, { url: daemon.url ?? '', token }, { dataDir: bench.dataDir }]) {
      const client = bench.client(target);
      const result = (await client.execute('workbench', input)) as typeof input.value;
      expect(result).toEqual(input.value);
      expect(Object.is(result.list[1], -0)).toBe(true);
      const rounded = await client.execute('workbench', { value: BIG }, { integers: 'number' });
      expect(rounded).toBe(Number(BIG));
    }
  });

  test('without an input, and with a result of nothing', async () => {
    await bench.start();
    await expect(bench.client().execute('workbench')).resolves.toBeNull();
  });

  test('tells of its progress in order, before its result', async () => {
    await bench.start();
    const seen: unknown[] = [];
    const result = await bench
      .client()
      .execute('workbench', { do: 'steps', count: 3 }, { onProgress: (progress) => seen.push(progress) });
    expect([...seen, result]).toEqual([
      { progress: 1 / 3, message: 'step 1' },
      { progress: 2 / 3, message: 'step 2' },
      { progress: 1, message: 'step 3' },
      'done',
    ]);
  });

  test('fails as it does at a supervisor: code, plugin, details and the error of the plugin', async () => {
    const { supervisor } = await bench.start();
    const client = bench.client();
    // What is known of them decides whether a call is refused before it is sent.
    await Promise.all([client.tools('workbench'), supervisor.tools('workbench')]);
    const calls: [string, unknown, object?][] = [
      ['workbench', { do: 'fail' }],
      ['workbench', { do: 'complain', details: { id: 12345678901234567890n } }],
      ['workbnech', {}],
      ['workbench', {}, { tool: 'nosuch' }],
      ['workbench', { value: new Map() }],
      ['workbench', {}, { timeoutMs: -1 }],
      ['workbench', {}, { tmeout: 1 }],
      ['workbench', { do: 'exit', code: 3 }],
    ];
    for (const [plugin, input, options] of calls) {
      const [own, theirs] = await Promise.all([
        client.execute(plugin, input, options).catch((error: unknown) => error),
        supervisor.execute(plugin, input, options).catch((error: unknown) => error),
      ]);
      const { code, message, remote, details } = theirs as Record<string, object>;
      expect(own).toMatchObject({ name: 'GreenroomError', code, plugin, message });
      expect(withoutStack((own as { remote: unknown }).remote)).toEqual(withoutStack(remote));
      if (plugin === 'workbnech') expect((own as { details: unknown }).details).toEqual(details);
    }
  });

  test('that is cancelled rejects at once, and the worker is told', async () => {
    await bench.start();
    const client = bench.client();
    const reason = new Error('enough');
    const input = { do: 'wait', for: join(bench.folder, 'never') };
    const isIdle = async (): Promise<void> =>
      expect(await client.plugin('workbench').snapshot()).toMatchObject({ inFlight: 0 });
    const told = new AbortController();
    const onProgress = (): void => told.abort(reason);
    const following = client.execute('workbench', input, { signal: told.signal, onProgress });
    await expect(following).rejects.toMatchObject({ code: 'E_CANCELLED', plugin: 'workbench', cause: reason });
    await eventually(isIdle);
    expect(await client.execute('workbench', { do: 'about' })).toMatchObject({ cancelled: 1 });
    const never = new AbortController();
    const waiting = client.execute('workbench', input, { signal: never.signal });
    await eventually(async () => expect(await client.plugin('workbench').snapshot()).toMatchObject({ inFlight: 1 }));
    never.abort(reason);
    await expect(waiting).rejects.toMatchObject({ code: 'E_CANCELLED', plugin: 'workbench', cause: reason });
    await eventually(isIdle);
    const early = client.execute('workbench', {}, { signal: AbortSignal.abort() });
    await expect(early).rejects.toMatchObject({ code: 'E_CANCELLED' });
  });

  test('that takes longer than its timeout is ended by the daemon', async () => {
    await bench.start();
    const call = bench
      .client()
      .execute('workbench', { do: 'wait', for: join(bench.folder, 'never') }, { timeoutMs: 50 });
    await expect(call).rejects.toMatchObject({ code: 'E_TIMEOUT', plugin: 'workbench' });
  });

  test('ends with the client', async () => {
    await bench.start();
    const client = bench.client();
    const call = client.execute('workbench', { do: 'wait', for: join(bench.folder, 'never') });
    const ended = expect(call).rejects.toMatchObject({ code: 'E_STOPPING' });
    await eventually(async () => expect(await client.plugin('workbench').snapshot()).toMatchObject({ inFlight: 1 }));
    await client[Symbol.asyncDispose]();
    await ended;
    await expect(client.plugins()).rejects.toMatchObject({ code: 'E_STOPPING' });
    await eventually(async () =>
      expect(await bench.client().plugin('workbench').snapshot()).toMatchObject({ inFlight: 0 }),
    );
  });
});

describe('a stream', () => {
  test('yields its chunks', async () => {
    const { supervisor } = await bench.start();
    const input = { count: 5 };
    const theirs = await all(supervisor.stream('workbench', input));
    expect(theirs.length).toBeGreaterThan(1);
    expect(await all(bench.client().stream('workbench', input))).toEqual(theirs);
  });

  test('that is left is cancelled', async () => {
    await bench.start();
    const client = bench.client();
    for await (const _ of client.stream('workbench', { count: 1_000_000 })) break;
    await eventually(async () => expect(await client.plugin('workbench').snapshot()).toMatchObject({ inFlight: 0 }));
    const waiting = client.stream('workbench', { count: 1, do: 'wait', for: join(bench.folder, 'never') });
    const next = waiting.next();
    await waiting.return?.();
    await next.catch(() => {});
    await eventually(async () => expect(await client.plugin('workbench').snapshot()).toMatchObject({ inFlight: 0 }));
  });

  test('of an unknown plugin rejects its first next()', async () => {
    await bench.start();
    await expect(bench.client().stream('nosuch').next()).rejects.toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
  });
});

test('every look at the supervisor gives what the supervisor says itself', async () => {
  const { supervisor, socket } = await bench.start({ settings: { capacity: { slots: 2, vramMb: 100 } } });
  const client = bench.client();
  await client.load('workbench', { config: { depth: 3 } });
  const plain = (value: unknown): unknown => structuredClone(JSON.parse(JSON.stringify(value)));
  expect(await client.plugins()).toEqual(plain(supervisor.plugins()));
  expect(await client.plugins({ loaded: false })).toEqual([]);
  expect(await client.snapshot()).toEqual(plain(supervisor.snapshot()));
  expect(await client.plugin('workbench').info()).toEqual(plain(supervisor.plugin('workbench').info));
  expect(await client.tools('workbench')).toEqual(plain(await supervisor.tools('workbench')));
  expect(await client.problems()).toEqual(supervisor.problems());
  expect(await client.categories()).toEqual(supervisor.categories());
  expect(await client.config('workbench')).toEqual({ depth: 3 });
  expect(await client.configSchema('workbench')).toEqual(await supervisor.configSchema('workbench'));
  expect(await client.configs()).toEqual({ workbench: { depth: 3 } });
  await client.updateConfig('workbench', { depth: 4 });
  expect(await supervisor.config('workbench')).toEqual({ depth: 4 });
  expect(await client.stats('workbench')).toMatchObject({ pid: supervisor.plugins()[0]?.pid });
  expect(await client.systemStats()).toHaveProperty('memoryTotalMb');
  expect((await client.allStats()).plugins).toHaveProperty('workbench');
  const { daemon, ...status } = await client.status();
  expect(daemon).toMatchObject({ pid: process.pid, addresses: [socket] });
  expect(status).toEqual(plain(supervisor.status()));
  const explained = await client.explain('workbench');
  // What has no limit is no null.
  expect(explained.free).toEqual(supervisor.explain('workbench').free);
  expect(explained.free.slots).toBe(1);
  expect((await client.manifests()).plugins).toMatchObject([{ name: 'workbench', worker: 'node', shadows: [] }]);
});

test('plugins are acted on, one and all', async () => {
  await bench.start();
  const client = bench.client();
  expect([...(await client.loadAll({ workbench: { depth: 1 } }))]).toEqual([['workbench', { ok: true }]]);
  const { pid } = await client.plugin('workbench').snapshot();
  await client.reload('workbench');
  const after = await client.plugin('workbench').snapshot();
  expect(after).toMatchObject({ state: 'ready' });
  expect(after.pid).not.toBe(pid);
  await client.disable('workbench');
  await expect(client.execute('workbench')).rejects.toMatchObject({ code: 'E_DISABLED' });
  await client.enable('workbench');
  await client.release('workbench');
  const call = client.execute('workbench', { do: 'wait', for: join(bench.folder, 'never') });
  const cancelled = expect(call).rejects.toMatchObject({ code: 'E_CANCELLED' });
  await eventually(async () => expect(await client.plugin('workbench').snapshot()).toMatchObject({ inFlight: 1 }));
  await client.cancelCalls('workbench');
  await cancelled;
  expect([...(await client.unloadAll())]).toEqual([['workbench', { ok: true }]]);
  expect((await client.loadAll({ workbench: { refuse: 'all' } })).get('workbench')).toMatchObject({ ok: false });
  await expect(client.load('nosuch')).rejects.toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
  await expect(client.load('workbench', { signal: AbortSignal.abort('no') })).rejects.toMatchObject({
    code: 'E_CANCELLED',
    cause: 'no',
  });
  await expect(client.load('workbench', { config: { f() {} } })).rejects.toMatchObject({ code: 'E_SERIALIZE' });
  expect(await client.discover()).toHaveLength(1);
});

test.each(['', '.', '..', 'x'.repeat(5_000)])(
  'a plugin of the name %j is unknown, as to a supervisor',
  async (name) => {
    await bench.start();
    const client = bench.client();
    for (const asked of [client.load(name), client.execute(name), client.logs(name), client.plugin(name).snapshot()])
      await expect(asked).rejects.toMatchObject({
        code: 'E_UNKNOWN_PLUGIN',
        message: expect.stringMatching(/^There is no plugin "/),
      });
  },
);

test('logs are read as text, and followed line by line until the reader leaves', async () => {
  await bench.start();
  const client = bench.client();
  await client.execute('workbench', { do: 'say', text: 'first' });
  await eventually(async () => expect(await client.logs('workbench')).toContain('first'));
  const lines: string[] = [];
  for await (const line of client.logs('workbench', { lines: 1, follow: true })) {
    lines.push(line);
    if (lines.length === 1) await client.execute('workbench', { do: 'say', text: 'second' });
    if (line.includes('second')) break;
  }
  expect(lines.join('\n')).toMatch(/first[^]*second/);
  const stop = new AbortController();
  const followed = client.logs('workbench', { lines: 1, follow: true, signal: stop.signal });
  for await (const _ of followed) stop.abort();
});

describe('events', () => {
  test('come in order, and snapshots follow them', async () => {
    const { supervisor } = await bench.start();
    const client = bench.client();
    const [own, theirs]: [TransitionEvent[], TransitionEvent[]] = [[], []];
    const states: string[] = [];
    const stops = [
      client.on('transition', (event) => own.push(event)),
      client.subscribe(({ plugins }) => states.push(plugins[0]?.state ?? '')),
      client.plugin('workbench').subscribe(() => {}),
    ];
    await eventually(() => expect(states).toContain('discovered'));
    supervisor.on('transition', (event) => theirs.push(event));
    await client.execute('workbench');
    await client.unload('workbench');
    await eventually(() => {
      expect(own.length).toBeGreaterThan(3);
      expect(own).toEqual(JSON.parse(JSON.stringify(theirs)));
    });
    await eventually(() => expect(states.at(-1)).toBe('discovered'));
    for (const stop of stops) stop();
    expect(() => client.on('nosuch' as 'problem', () => {})).toThrow(expect.objectContaining({ code: 'E_OPTIONS' }));
  });

  test('go on at the daemon that takes over', async () => {
    const first = await bench.start();
    const client = bench.client();
    const seen: string[] = [];
    const states: string[] = [];
    // Each reload has one, also where the feed comes too late for the transitions of the first call.
    client.on('decision', ({ plugin }) => seen.push(plugin));
    client.subscribe(({ state }) => states.push(state));
    await eventually(() => expect(states).not.toEqual([]));
    await first.stop();
    await expect(client.plugins()).rejects.toMatchObject({ code: 'E_DAEMON' });
    await bench.start();
    const before = seen.length;
    await expect(client.execute('workbench', { value: 1 })).resolves.toBe(1);
    // The feed tries again after a while.
    const heard = async (): Promise<void> => {
      await client.reload('workbench');
      expect(seen.length).toBeGreaterThan(before);
    };
    await eventually(heard);
  });
});

describe('events that will not come', () => {
  const ended = (client: ReturnType<typeof bench.client>): Promise<Error> =>
    new Promise((resolve) => {
      client.on('transition', () => {}, resolve);
    });

  test('because the daemon refuses the token end with its error, until somebody listens again', async () => {
    const { url = '' } = await bench.start({ listen: { host: '127.0.0.1', port: 0 } });
    let token = 'wrong';
    const client = bench.client({ url, token: () => token });
    expect(await ended(client)).toMatchObject({ code: 'E_DAEMON', message: expect.stringContaining('401') as string });
    // Who does not want to know is warned; whoever listens next has it asked again.
    const warned = once(process, 'warning');
    const other = bench.client({ url, token: 'wrong' });
    other.on('transition', () => {});
    expect((await warned)[0]).toMatchObject({ code: 'E_DAEMON' });
    token = daemonToken(bench.dataDir);
    const seen: string[] = [];
    client.on('transition', ({ to }) => seen.push(to));
    await eventually(async () => {
      await client.reload('workbench');
      expect(seen).toContain('ready');
    });
  });

  test('because its interface is another end with what to do', async () => {
    const socket = join(bench.folder, 'other.sock');
    const server = createServer((_request, response) => {
      response.end(JSON.stringify({ daemon: { version: '99.0.0' } }));
    }).listen(socket);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const error = await ended(bench.client({ socket }));
    expect(error).toMatchObject({ message: expect.stringContaining('greenroom serve --replace') as string });
  });

  test('for now are waited for: the daemon is not there yet, or has too much to do', async () => {
    const socket = join(bench.folder, 'busy.sock');
    const client = bench.client({ socket });
    let isEnded = false;
    const told = new Promise((resolve) => {
      client.on('problem', resolve, () => (isEnded = true));
    });
    let asked = 0;
    const server = createServer((request, response) => {
      if (request.url === '/api/status') response.end(JSON.stringify({ daemon: { version: packageVersion() } }));
      else if (asked++ === 0) response.writeHead(503).end(JSON.stringify({ code: 'E_STOPPING', detail: 'It stops.' }));
      else response.end('event: problem\ndata: {"problems":[]}\n\n');
    }).listen(socket);
    onTestFinished(() => void server.close());
    expect(await told).toEqual([]);
    expect(isEnded).toBe(false);
  });
});

describe('a daemon', () => {
  test('that is not there, has died, or was replaced is told apart from one that refuses the token', async () => {
    const client = bench.client();
    await expect(client.plugins()).rejects.toMatchObject({
      code: 'E_DAEMON',
      message: expect.stringContaining('greenroom serve') as string,
    });
    const daemon = await bench.start({ listen: { host: '127.0.0.1', port: 0 } });
    await expect(client.plugins()).resolves.toHaveLength(1);
    const stranger = bench.client({ url: daemon.url ?? '', token: 'wrong' });
    await expect(stranger.plugins()).rejects.toMatchObject({
      code: 'E_DAEMON',
      message: expect.stringContaining('401') as string,
    });
    const { socket } = daemon;
    await daemon.stop();
    await expect(bench.client({ socket }).plugins()).rejects.toMatchObject({
      code: 'E_DAEMON',
      message: expect.stringContaining(socket) as string,
    });
  });

  test('that dies in the middle of a call is the error of the call', async () => {
    const socket = join(bench.folder, 'dying.sock');
    const server = createServer((request, response) => {
      if (request.url === '/api/status') response.end(JSON.stringify({ daemon: { version: packageVersion() } }));
      else if (request.url?.includes('stream') === true) {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        response.destroy();
      } else request.socket.destroy();
    }).listen(socket);
    await once(server, 'listening');
    try {
      const client = bench.client({ socket });
      const message = expect.stringContaining('ended before the answer') as string;
      await expect(client.execute('any')).rejects.toMatchObject({ code: 'E_DAEMON', message });
      await expect(client.stream('any').next()).rejects.toMatchObject({ code: 'E_DAEMON', message });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('of another interface is refused at the first request, with what to do', async () => {
    mkdirSync(bench.dataDir);
    const record = { ...ownIdentity(), id: '0123456789ab', machine: '', socket: '/s', tcp: null, version: '99.0.0' };
    writeFileSync(
      daemonFile(bench.dataDir),
      JSON.stringify({ ...record, searchPaths: [], listening: true, startedAt: 1 }),
    );
    await expect(bench.client().plugins()).rejects.toMatchObject({
      code: 'E_DAEMON',
      message: expect.stringContaining('greenroom serve --replace') as string,
    });
    expect(existsSync('/s')).toBe(false);
  });

  test.each([
    {},
    { socket: '' },
    { socket: '/a', dataDir: '/b' },
    { url: 'nowhere', token: 'x' },
    { url: 'http://h' },
    'text',
  ])('is not named by %j', (target) => {
    expect(() => createClient(target as { socket: string })).toThrow(expect.objectContaining({ code: 'E_OPTIONS' }));
  });
});
