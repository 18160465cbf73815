import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDaemonStream } from '../../src/mcp-relay/daemon-stream.ts';
import { relay } from '../../src/mcp-relay/relay.ts';

type Message = Record<string, unknown>;

/** Messages as they come, which tests take one by one. */
class Inbox {
  readonly #messages: Message[] = [];
  #onMessage = (): void => {};

  put(message: Message): void {
    this.#messages.push(message);
    this.#onMessage();
  }

  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#onMessage = resolve;
      });
    }
  }
}

/** A daemon of which a test says the answers. */
interface FakeDaemon {
  readonly server: Server;
  readonly said: Inbox;
  readonly path: Promise<string>;
  socket(): Socket;
  send(message: Message): void;
  kill(): void;
}

let folder: string;
let socketPath: string;
let daemon: FakeDaemon | undefined;
let signal: AbortController;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-relay-'));
  socketPath = join(folder, 's');
  signal = new AbortController();
});

afterEach(() => {
  signal.abort();
  daemon?.kill();
  daemon = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function startDaemon(refuse?: string): Promise<FakeDaemon> {
  const server = createServer((_, response) => response.writeHead(404).end(refuse));
  const said = new Inbox();
  const sockets: Socket[] = [];
  const path = new Promise<string>((resolve) => {
    if (refuse !== undefined) return;
    server.on('upgrade', (request, socket: Socket) => {
      resolve(request.url ?? '');
      sockets.push(socket);
      socket.on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: greenroom-mcp-lines\r\n\r\n');
      createInterface({ input: socket }).on('line', (line) => said.put(JSON.parse(line) as Message));
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const socket = (): Socket => sockets.at(-1) as Socket;
  daemon = {
    server,
    said,
    path,
    socket,
    send: (message) => void socket().write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    kill() {
      for (const each of sockets) each.destroy();
      server.close();
      server.closeAllConnections();
      rmSync(socketPath, { force: true });
    },
  };
  return daemon;
}

/** A client that a relay joins with whatever daemon there is; `begin` has one started where there is none. */
function startClient(begin: () => Promise<unknown> = () => Promise.resolve()) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const heard = new Inbox();
  createInterface({ input: output }).on('line', (line) => heard.put(JSON.parse(line) as Message));
  const notes: string[] = [];
  const connect = async (over: AbortSignal): Promise<Socket> => {
    await begin();
    return openDaemonStream(socketPath, '/mcp?compact=1', over);
  };
  const done = relay({ input, output, connect, note: (message) => void notes.push(message) }, signal.signal);
  done.catch(() => {});
  const say = (message: Message): void => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  return { input, heard, notes, done, say };
}

test('messages go both ways, at the address that was asked for', async () => {
  const { said, send, path } = await startDaemon();
  const client = startClient();
  client.say({ id: 1, method: 'ping' });
  expect(await path).toBe('/mcp?compact=1');
  expect(await said.next()).toEqual({ jsonrpc: '2.0', id: 1, method: 'ping' });
  send({ id: 1, result: {} });
  expect(await client.heard.next()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  send({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
  expect(await client.heard.next()).toMatchObject({ method: 'notifications/progress' });
});

test('a new daemon is told what the client said before, and the client hears no second answer', async () => {
  const first = await startDaemon();
  const client = startClient();
  client.say({ id: 'a', method: 'initialize', params: { protocolVersion: '2025-11-25' } });
  await first.said.next();
  first.send({ id: 'a', result: { protocolVersion: '2025-11-25' } });
  await client.heard.next();
  for (const message of [
    { method: 'notifications/initialized' },
    { id: 'b', method: 'logging/setLevel', params: { level: 'error' } },
    { id: 'c', method: 'resources/subscribe', params: { uri: 'x:1' } },
    { id: 'd', method: 'resources/subscribe', params: { uri: 'x:2' } },
    { id: 'e', method: 'resources/unsubscribe', params: { uri: 'x:1' } },
  ]) {
    client.say(message);
    await first.said.next();
  }
  for (const id of ['b', 'c', 'd', 'e']) {
    first.send({ id, result: {} });
    await client.heard.next();
  }
  first.kill();
  const second = await startDaemon();
  client.say({ id: 'f', method: 'tools/list' });
  const again = [];
  for (let at = 0; at < 5; at += 1) again.push(await second.said.next());
  expect(again.map(({ method }) => method)).toEqual([
    'initialize',
    'notifications/initialized',
    'logging/setLevel',
    'resources/subscribe',
    'tools/list',
  ]);
  expect(again[3]).toMatchObject({ params: { uri: 'x:2' } });
  for (const { id } of again.slice(0, 4)) if (id !== undefined) second.send({ id, result: {} });
  second.send({ id: 'f', result: { tools: [] } });
  const changed = await client.heard.next();
  expect(changed).toMatchObject({ method: 'notifications/tools/list_changed' });
  expect(await client.heard.next()).toEqual({ jsonrpc: '2.0', id: 'f', result: { tools: [] } });
});

test('a call that is lost with its daemon is an error, and a question is asked again', async () => {
  const first = await startDaemon();
  let started: Promise<FakeDaemon> | undefined;
  const client = startClient(() => (daemon === undefined ? (started ??= startDaemon()) : Promise.resolve()));
  client.say({ id: 1, method: 'tools/call', params: { name: 'x' } });
  client.say({ id: 2, method: 'tools/list' });
  client.say({ id: 3, method: 'tools/call', params: { name: 'y' } });
  client.say({ method: 'notifications/cancelled', params: { requestId: 3 } });
  for (let at = 0; at < 4; at += 1) await first.said.next();
  daemon = undefined;
  first.kill();
  expect(await client.heard.next()).toMatchObject({
    id: 1,
    error: { code: -32000, message: expect.stringContaining('may have been done') },
  });
  const second = await started;
  expect(await second?.said.next()).toMatchObject({ id: 2, method: 'tools/list' });
  second?.send({ id: 2, result: { tools: [] } });
  expect(await client.heard.next()).toMatchObject({ id: 2, result: {} });
});

test('what a daemon that is ending has not begun is for the next one, unless the client gives it up', async () => {
  const first = await startDaemon();
  let started: Promise<FakeDaemon> | undefined;
  const client = startClient(() => (daemon === undefined ? (started ??= startDaemon()) : Promise.resolve()));
  for (const id of [1, 2, 3, 4]) client.say({ id, method: 'tools/call', params: { name: `tool-${id}` } });
  for (let at = 0; at < 4; at += 1) await first.said.next();
  const mark = { 'io.github.greenroom/notBegun': true };
  first.send({ id: 1, result: { content: [], isError: true, _meta: mark } });
  first.send({ id: 2, error: { code: -32603, message: 'It is ending.', data: { code: 'E_STOPPING', ...mark } } });
  first.send({ id: 3, result: { content: [], isError: true, _meta: mark } });
  // A tool may say the same of something else.
  first.send({ id: 4, result: { content: [], structuredContent: mark } });
  expect(await client.heard.next()).toMatchObject({ id: 4 });
  client.say({ method: 'notifications/cancelled', params: { requestId: 3 } });
  await first.said.next();
  daemon = undefined;
  first.kill();
  await expect.poll(() => started).toBeDefined();
  const second = await started;
  expect(await second?.said.next()).toMatchObject({ id: 1, params: { name: 'tool-1' } });
  expect(await second?.said.next()).toMatchObject({ id: 2, params: { name: 'tool-2' } });
  second?.send({ id: 2, result: { content: [] } });
  expect(await client.heard.next()).toMatchObject({ id: 2, result: { content: [] } });
  client.say({ id: 5, method: 'ping' });
  expect(await second?.said.next()).toMatchObject({ id: 5 });
});

test('what a daemon asked that has ended is taken back, unless it was answered or taken back already', async () => {
  const first = await startDaemon();
  const client = startClient();
  client.say({ method: 'notifications/initialized' });
  await first.said.next();
  for (const id of ['q-1', 'q-2', 'q-3']) {
    first.send({ id, method: 'elicitation/create', params: {} });
    expect(await client.heard.next()).toMatchObject({ id, method: 'elicitation/create' });
  }
  client.say({ id: 'q-1', result: { action: 'accept' } });
  expect(await first.said.next()).toMatchObject({ id: 'q-1' });
  first.send({ method: 'notifications/cancelled', params: { requestId: 'q-2', reason: 'no longer needed' } });
  expect(await client.heard.next()).toMatchObject({ params: { requestId: 'q-2' } });
  first.kill();
  expect(await client.heard.next()).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 'q-3' } });
});

test('a request whose id is larger than numbers are is answered once', async () => {
  const first = await startDaemon();
  const client = startClient();
  client.input.write('{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"x"}}\n');
  await first.said.next();
  first.socket().write('{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}\n');
  expect(await client.heard.next()).toMatchObject({ result: {} });
  first.kill();
  const second = await startDaemon();
  client.say({ id: 2, method: 'ping' });
  await second.said.next();
  second.send({ id: 2, result: {} });
  expect(await client.heard.next()).toEqual({ jsonrpc: '2.0', id: 2, result: {} });
});

test('where no daemon can be started, requests are answered with why, and the next one tries again', async () => {
  let fails = true;
  const client = startClient(() => (fails ? Promise.reject(new Error('the disk is full')) : startDaemon()));
  client.say({ id: 1, method: 'tools/list' });
  expect(await client.heard.next()).toMatchObject({ id: 1, error: { code: -32000, message: 'the disk is full' } });
  fails = false;
  client.say({ id: 2, method: 'tools/list' });
  await expect.poll(() => daemon).toBeDefined();
  expect(await daemon?.said.next()).toMatchObject({ id: 2 });
});

test('a line that is no message is refused, and those after it are not', async () => {
  const { said } = await startDaemon();
  const client = startClient();
  client.input.write('hello\n');
  expect(await client.heard.next()).toMatchObject({ id: null, error: { code: -32700 } });
  client.say({ id: 1, method: 'ping' });
  expect(await said.next()).toMatchObject({ id: 1 });
});

test('a front that the daemon does not have ends the relay in the words of the daemon', async () => {
  await startDaemon('{"error":{"code":-32600,"message":"There is no plugin \\"flies\\". Did you mean \\"files\\"?"}}');
  const client = startClient();
  await expect(client.done).rejects.toMatchObject({
    code: 'E_DAEMON',
    message: expect.stringContaining('Did you mean "files"?'),
  });
});

test('the end of the client ends the connection and the relay', async () => {
  const { path, socket } = await startDaemon();
  const client = startClient();
  await path;
  const ended = once(socket(), 'end');
  client.input.end();
  await client.done;
  await ended;
});
