import { tracingChannel } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { CALL_CHANNEL, type CallTrace } from '../../src/calls/call-trace.ts';
import type { GreenroomError, Supervisor } from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import { becomes, door, failure, type OpenedSupervisor, openSupervisor } from './greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/processes/http-server.mjs', import.meta.url));

const server = (more: Record<string, unknown> = {}) => ({
  worker: 'http',
  command: process.execPath,
  args: [SERVER, '--port', '{port}'],
  ...more,
});

const about = async (answer: Response) =>
  (await answer.json()) as { pid: number; url: string; headers: Record<string, string>; env: Record<string, string> };

/** A request that the server has begun to answer, and ends when the file is there. */
async function begin(opened: OpenedSupervisor, plugin: string, name: string) {
  const file = door(opened, name);
  const answer = await opened.supervisor.fetch(plugin, `/wait?file=${file.file}`);
  return { end: () => file.open(), text: () => answer.text(), answer };
}

/** A server of the test's own, as a program that uses plugins has one; closed after the test. */
async function front(own: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    own.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    own.closeAllConnections();
    own.close();
  });
  return (own.address() as AddressInfo).port;
}

/** One that forwards everything to a plugin; `outcomes` are those of its requests, errors among them. */
async function forwarding(supervisor: Supervisor, plugin: string) {
  const outcomes: unknown[] = [];
  const note = (outcome: unknown): void => void outcomes.push(outcome);
  const own = createServer((incoming, response) => {
    supervisor.forward(plugin, incoming, response).then(note, (error: GreenroomError) => {
      note(error);
      response.writeHead(503).end(error.code);
    });
  });
  own.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    supervisor.forwardUpgrade(plugin, incoming, socket, head).then(note, note);
  });
  return { port: await front(own), outcomes };
}

test('a request loads its server, and is answered by it as it is', async () => {
  const opened = await openSupervisor({ a: server({ env_vars: { BOUND: '{host}:{port}' } }) });
  const answer = await opened.supervisor.fetch('a', '/about?x=1', { headers: { 'x-own': 'yes' } });
  expect(answer.status).toBe(200);
  const { pid, url, headers, env } = await about(answer);
  expect({ pid, url, own: headers['x-own'] }).toEqual({ pid: opened.snapshot('a').pid, url: '/about?x=1', own: 'yes' });
  expect(env['BOUND']).toBe(`127.0.0.1:${env['PORT']}`);
  const echoed = await opened.supervisor.fetch('a', new Request('http://any/echo', { method: 'POST', body: 'hello' }));
  expect(await echoed.text()).toBe('hello');
  expect((await opened.supervisor.fetch('a', '/missing')).status).toBe(404);
});

test('what a server answers is passed on, errors too, and is no reason to end it', async () => {
  const opened = await openSupervisor({ a: server() });
  await (await opened.supervisor.fetch('a', '/break')).text();
  const { pid } = opened.snapshot('a');
  expect((await opened.supervisor.fetch('a', '/health')).status).toBe(500);
  expect(opened.snapshot('a')).toMatchObject({ pid, restarts: 0 });
});

test.skipIf(process.platform === 'win32')('a server may listen on a socket in a folder of its own', async () => {
  const opened = await openSupervisor({ a: server({ args: [SERVER, '--socket', '{socket}'] }) });
  const { env } = await about(await opened.supervisor.fetch('a', '/about'));
  expect(env['PORT']).toBeUndefined();
});

test('a request holds a lease until its body was read, and further ones wait in the queue', async () => {
  const opened = await openSupervisor({ a: server({ max_concurrency: 1, max_waiting: 1 }) });
  const first = await begin(opened, 'a', 'first');
  expect(opened.snapshot('a')).toMatchObject({ state: 'busy', inFlight: 1 });
  const second = opened.supervisor.fetch('a', '/about');
  await becomes(opened, 'a', { waiting: 1 });
  expect(await failure(opened.supervisor.fetch('a', '/about'))).toMatchObject({ code: 'E_QUEUE_FULL' });
  first.end();
  await first.text();
  await about(await second);
  await becomes(opened, 'a', { inFlight: 0, waiting: 0 });
});

test('a server takes ten requests at once where its manifest does not say', async () => {
  const opened = await openSupervisor({ a: server() });
  const running = await Promise.all(Array.from({ length: 10 }, () => begin(opened, 'a', 'end')));
  const next = opened.supervisor.fetch('a', '/about');
  await becomes(opened, 'a', { inFlight: 10, waiting: 1 });
  running[0]?.end();
  await Promise.all(running.map((each) => each.text()));
  await about(await next);
});

test('a request waits until a busy server can be evicted for its own', async () => {
  const opened = await openSupervisor({ a: server(), b: server() }, { capacity: { slots: 1 } });
  const busy = await begin(opened, 'a', 'end');
  const { pid } = opened.snapshot('a');
  const other = opened.supervisor.fetch('b', '/about');
  await becomes(opened, 'b', { waiting: 1 });
  expect(opened.snapshot('a').pid).toBe(pid);
  busy.end();
  expect(await busy.text()).toContain(String(pid));
  await about(await other);
  expect(opened.snapshot('a').pid).toBeUndefined();
});

test('a request that is late or cancelled ends, whether it waits or runs', async () => {
  const opened = await openSupervisor({ a: server({ max_concurrency: 1 }) });
  const { supervisor } = opened;
  const running = await begin(opened, 'a', 'never');
  expect(await failure(supervisor.fetch('a', '/about', { timeoutMs: 20 }))).toMatchObject({
    code: 'E_TIMEOUT',
    message: expect.stringContaining('waiting for its worker'),
  });
  const controller = new AbortController();
  const waiting = failure(supervisor.fetch('a', '/about', { signal: controller.signal }));
  controller.abort();
  expect((await waiting).code).toBe('E_CANCELLED');
  supervisor.cancelCalls('a');
  await expect(running.text()).rejects.toThrow();
  await about(await supervisor.fetch('a', '/about'));
});

test('options of a request that are not valid are named', async () => {
  const { supervisor } = await openSupervisor({ a: server() });
  expect(await failure(supervisor.fetch('a', '/about', { timeoutMs: -1 }))).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringContaining('The option "timeoutMs" of fetch() to "a"'),
  });
});

test('a server that ends in the middle of a request fails it with why, and is restarted', async () => {
  const opened = await openSupervisor({ a: server() });
  expect(await failure(opened.supervisor.fetch('a', '/exit'))).toMatchObject({
    code: 'E_CRASHED',
    message: expect.stringContaining('exited with status 3'),
  });
  await about(await opened.supervisor.fetch('a', '/about'));
  expect(opened.snapshot('a')).toMatchObject({ generation: 2, restarts: 1 });
});

/** Whether somebody listens at a port. */
function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

test('a request that no connection was made for is sent to the next worker', async () => {
  const opened = await openSupervisor({ a: server() });
  await opened.supervisor.load('a');
  const { pid } = opened.snapshot('a');
  await eventually(async () => expect(await opened.supervisor.logs('a')).toMatch(/listening on \d+/));
  const port = Number(/listening on (\d+)/.exec(await opened.supervisor.logs('a'))?.[1]);
  process.kill(pid as number, 'SIGKILL');
  // Its exit is not told yet, or just now. A thread of it may take connections a little longer than its process lasts.
  await eventually(() => expect(connects(port)).resolves.toBe(false), { interval: 1 });
  const answers = await Promise.all(Array.from({ length: 5 }, () => opened.supervisor.fetch('a', '/about')));
  for (const answer of answers) expect((await about(answer)).pid).not.toBe(pid);
});

test('a server is replaced without a gap: no request is lost', async () => {
  const opened = await openSupervisor({ a: server() });
  const { supervisor } = opened;
  await supervisor.load('a');
  const pids = new Set<number>();
  const over = new AbortController();
  const client = async (): Promise<void> => {
    while (!over.signal.aborted) pids.add((await about(await supervisor.fetch('a', '/about'))).pid);
  };
  const clients = [client(), client(), client()];
  await eventually(() => expect(pids.size).toBe(1));
  await supervisor.reload('a');
  await eventually(() => expect(pids.size).toBe(2));
  await supervisor.reload('a');
  await eventually(() => expect(pids.size).toBe(3));
  over.abort();
  await Promise.all(clients);
  expect(opened.snapshot('a').restarts).toBe(0);
});

test('a request of a client is forwarded, and its answer back', async () => {
  const opened = await openSupervisor({ a: server() });
  const { port, outcomes } = await forwarding(opened.supervisor, 'a');
  const answer = await fetch(`http://127.0.0.1:${port}/echo`, { method: 'POST', body: 'hello' });
  expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
  await eventually(() => expect(outcomes).toEqual([{ kind: 'done', status: 200 }]));
  expect(opened.snapshot('a').inFlight).toBe(0);
});

test('a client whose request cannot be forwarded is answered by the program', async () => {
  const opened = await openSupervisor({
    a: { worker: 'http', command: process.execPath, args: ['-e', ''], restart: { policy: 'temporary' } },
  });
  const { port } = await forwarding(opened.supervisor, 'a');
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect([answer.status, await answer.text()]).toEqual([503, 'E_START']);
});

test('the connection of a client is broken where its server ends in the middle of the answer', async () => {
  const opened = await openSupervisor({ a: server() });
  const { port, outcomes } = await forwarding(opened.supervisor, 'a');
  const answer = await fetch(`http://127.0.0.1:${port}/begin-and-exit`);
  await expect(answer.text()).rejects.toThrow();
  await eventually(() => expect(outcomes).toMatchObject([{ begun: true }]));
});

test('a client that leaves while its request waits is waited for no more', async () => {
  const opened = await openSupervisor({ a: server({ max_concurrency: 1 }) });
  const { port, outcomes } = await forwarding(opened.supervisor, 'a');
  const running = await begin(opened, 'a', 'end');
  const client = request({ port, host: '127.0.0.1', path: '/about' });
  client.on('error', () => {});
  client.end();
  await becomes(opened, 'a', { waiting: 1 });
  client.destroy();
  await becomes(opened, 'a', { waiting: 0, inFlight: 1 });
  await eventually(() => expect(outcomes).toEqual([{ kind: 'clientGone' }]));
  running.end();
  await running.text();
});

/** Asks the front to upgrade a connection. */
function upgrading(port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write('GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
  return socket;
}

test('an upgrade that waits for a worker ends with the half of its client, and loses nothing that it has sent', async () => {
  const opened = await openSupervisor({ a: server({ max_concurrency: 1 }) });
  const { port, outcomes } = await forwarding(opened.supervisor, 'a');
  const running = await begin(opened, 'a', 'end');
  const leaving = upgrading(port);
  await becomes(opened, 'a', { waiting: 1 });
  const closed = new Promise((resolve) => {
    leaving.resume().once('close', resolve);
  });
  leaving.end();
  await becomes(opened, 'a', { waiting: 0, inFlight: 1 });
  expect(outcomes).toEqual([{ kind: 'clientGone' }]);
  await closed;
  const staying = upgrading(port);
  await becomes(opened, 'a', { waiting: 1 });
  staying.write('early ');
  staying.write('and late');
  running.end();
  await running.text();
  const seen = await new Promise<string>((resolve) => {
    let text = '';
    staying.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith('late')) resolve(text);
    });
  });
  expect(seen).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nearly and late$/);
});

/** An upgraded connection, through the front. */
async function upgraded(port: number): Promise<Socket> {
  const socket = upgrading(port);
  const head = await new Promise<string>((resolve, reject) => {
    socket.once('error', reject).once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

const said = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });

test.each([
  ['lease', 1],
  ['free', 0],
])('an open WebSocket of a manifest that says "%s" holds %i leases', async (websockets, leases) => {
  const opened = await openSupervisor({ a: server({ websockets }) });
  const { port, outcomes } = await forwarding(opened.supervisor, 'a');
  const socket = await upgraded(port);
  socket.write('hello');
  expect(await said(socket)).toBe('hello');
  await becomes(opened, 'a', { inFlight: leases });
  socket.end();
  await eventually(() => expect(outcomes).toHaveLength(1));
  await becomes(opened, 'a', { inFlight: 0 });
});

test('a WebSocket that is free ends with its server, which is evicted for another', async () => {
  const opened = await openSupervisor({ a: server({ websockets: 'free' }), b: server() }, { capacity: { slots: 1 } });
  const { port } = await forwarding(opened.supervisor, 'a');
  const socket = await upgraded(port);
  socket.on('error', () => {});
  const closed = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  await about(await opened.supervisor.fetch('b', '/about'));
  await closed;
});

test('a WebSocket that is free ends when its plugin is unloaded, though another program runs the server', async () => {
  const theirs = createServer((_incoming, response) => void response.end());
  const closedThere = new Promise((resolve) => {
    theirs.on('upgrade', (_incoming, far: Socket) => {
      far.on('error', () => {}).once('close', resolve);
      far.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
      far.pipe(far);
    });
  });
  const url = `http://127.0.0.1:${await front(theirs)}`;
  const opened = await openSupervisor({ a: { url, ready: { path: '/' }, websockets: 'free' } });
  const { port } = await forwarding(opened.supervisor, 'a');
  const socket = await upgraded(port);
  const closed = new Promise((resolve) => {
    socket.on('error', () => {}).once('close', resolve);
  });
  await becomes(opened, 'a', { inFlight: 0 });
  await opened.supervisor.unload('a');
  await Promise.all([closed, closedThere]);
});

test('a server that another program runs is used, and found again when it was away', async () => {
  let answer = 'first';
  const own = (): Server => createServer((_incoming, response) => void response.end(answer));
  let running = own();
  const port = await front(running);
  const opened = await openSupervisor({ a: { url: `http://127.0.0.1:${port}`, ready: { path: '/' } } });
  const text = async () => (await opened.supervisor.fetch('a', '/')).text();
  expect(await text()).toBe('first');
  running.closeAllConnections();
  await new Promise((resolve) => running.close(resolve));
  const waiting = text();
  await becomes(opened, 'a', { state: 'spawning', restarts: 1 });
  answer = 'second';
  running = own();
  await new Promise<void>((resolve) => {
    running.listen(port, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    running.closeAllConnections();
    running.close();
  });
  expect(await waiting).toBe('second');
});

test('the headers of a manifest are in every request, with keys that nothing shows', async () => {
  const key = 'sk-very-secret-1234';
  vi.stubEnv('OFFICE_KEY', key);
  onTestFinished(() => void vi.unstubAllEnvs());
  const seen: string[] = [];
  const theirs = createServer((incoming, response) => {
    seen.push([incoming.url, incoming.headers.authorization, incoming.headers['x-team']].join(' '));
    response.end();
  });
  theirs.on('upgrade', (incoming, far: Socket) => {
    seen.push([incoming.url, incoming.headers.authorization, incoming.headers['x-team']].join(' '));
    far.on('error', () => {});
    far.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
  });
  const opened = await openSupervisor(
    {
      a: {
        url: `http://127.0.0.1:${await front(theirs)}`,
        ready: { path: '/ready' },
        headers: { authorization: 'Bearer ${env:OFFICE_KEY}', 'x-team': 'blue' },
      },
      unset: { url: 'http://127.0.0.1:1', headers: { 'x-api-key': '${env:NOT_SET_AT_ALL}' } },
      open: { url: 'http://127.0.0.1:1', headers: { 'x-api-key': 'sk-1234', 'X-Upper': 'a', host: 'b' } },
    },
    { inspect: true },
  );
  const { supervisor } = opened;
  await (await supervisor.fetch('a', '/fetch', { headers: { authorization: 'Bearer mine', 'x-team': 'red' } })).text();
  const { port } = await forwarding(supervisor, 'a');
  await (await fetch(`http://127.0.0.1:${port}/forward`, { headers: { authorization: 'Bearer mine' } })).text();
  await upgraded(port);
  expect(seen).toEqual(['/ready', '/fetch', '/forward', '/socket'].map((path) => `${path} Bearer ${key} blue`));
  const { origin, hash } = new URL(supervisor.inspector?.url ?? '');
  const authorization = `Bearer ${hash.slice('#token='.length)}`;
  const inspected = await (await fetch(`${origin}/api/snapshot`, { headers: { authorization } })).text();
  expect(inspected).toContain('"a"');
  const shown = [inspected, JSON.stringify([supervisor.plugins(), supervisor.plugin('a').info, supervisor.snapshot()])];
  for (const text of shown) expect(text).not.toContain(key);
  await expect(supervisor.load('unset')).rejects.toMatchObject({
    code: 'E_MANIFEST',
    message: expect.stringContaining('NOT_SET_AT_ALL') as string,
  });
  const fields = supervisor.problems().map(({ field }) => field);
  expect(fields).toEqual(expect.arrayContaining(['headers.x-api-key', 'headers.X-Upper', 'headers.host']));
});

test('a small body is sent again with its request, which found its server away', async () => {
  const echo = (): Server => createServer((incoming, response) => void incoming.pipe(response));
  let running = echo();
  const port = await front(running);
  const opened = await openSupervisor({ a: { url: `http://127.0.0.1:${port}`, ready: { path: '/' } } });
  const { port: ours } = await forwarding(opened.supervisor, 'a');
  await (await fetch(`http://127.0.0.1:${ours}/`)).text();
  running.closeAllConnections();
  await new Promise((resolve) => running.close(resolve));
  const waiting = fetch(`http://127.0.0.1:${ours}/`, { method: 'POST', body: 'hello' });
  await becomes(opened, 'a', { state: 'spawning', restarts: 1 });
  running = echo();
  await new Promise<void>((resolve) => {
    running.listen(port, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    running.closeAllConnections();
    running.close();
  });
  expect(await (await waiting).text()).toBe('hello');
  await becomes(opened, 'a', { inFlight: 0 });
});

test('requests are traced beside calls', async () => {
  const opened = await openSupervisor({ a: server() });
  const kinds: string[] = [];
  const channel = tracingChannel<unknown, CallTrace>(CALL_CHANNEL);
  const onEnd = (trace: unknown): void => {
    const { supervisor, kind, error } = trace as CallTrace;
    if (supervisor === opened.supervisor) kinds.push(`${kind} ${error?.code ?? 'ok'}`);
  };
  channel.asyncEnd.subscribe(onEnd);
  onTestFinished(() => {
    channel.asyncEnd.unsubscribe(onEnd);
  });
  const { port } = await forwarding(opened.supervisor, 'a');
  await (await fetch(`http://127.0.0.1:${port}/about`)).text();
  await failure(opened.supervisor.fetch('a', '/exit'));
  await eventually(() => expect(kinds).toEqual(['forward ok', 'fetch E_CRASHED']));
});

test('a plugin that is no HTTP server takes no requests', async () => {
  const opened = await openSupervisor({ a: { fixture: 'gated' } });
  expect(await failure(opened.supervisor.fetch('a', '/'))).toMatchObject({ code: 'E_UNSUPPORTED' });
  expect(opened.snapshot('a').state).toBe('discovered');
  expect(await failure(opened.supervisor.fetch('b', '/'))).toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
});

test.runIf(process.platform === 'linux')('a server in Python is one as well', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    a: {
      worker: 'http',
      command: 'python3',
      args: ['-m', 'http.server', '{port}', '--bind', '{host}', '--directory', scratch],
      ready: { path: '/' },
    },
  }));
  const { supervisor } = opened;
  const answer = await supervisor.fetch('a', '/');
  expect(await answer.text()).toContain('Directory listing');
  await expect.poll(() => supervisor.logs('a')).toContain('"GET / HTTP/1.1" 200');
});
