import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type HeldPort, holdPort } from '../../src/process/ports.ts';
import { eventually } from '../eventually.ts';
import { becomes, door, failure, lives, openSupervisor } from '../runtime/greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/processes/http-server.mjs', import.meta.url));

/** The manifest of a server of the fixtures. */
const server = (args: readonly string[] = ['--port', '{port}'], more: Record<string, unknown> = {}) => ({
  worker: 'http',
  command: process.execPath,
  args: [SERVER, ...args],
  ...more,
});

/** A server of the test itself, closed after it. */
async function listen(port: number, status: () => number): Promise<Server> {
  const own = createServer((_request, response) => void response.writeHead(status()).end());
  await new Promise<void>((resolve) => {
    own.listen(port, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    own.closeAllConnections();
    own.close();
  });
  return own;
}

const addressOf = (own: Server): string => `http://127.0.0.1:${(own.address() as AddressInfo).port}`;

/** What stands in a file, once it does. */
const written = (file: string): Promise<string> =>
  eventually(
    () => {
      const text = readFileSync(file, 'utf8');
      expect(text).not.toBe('');
      return text;
    },
    { interval: 5 },
  );

test('a server is ready once its health path answers 200, and not while that answers 503', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    a: server(['--port', '{port}', '--door', join(scratch, 'door'), '--told', join(scratch, 'told')]),
  }));
  const loading = opened.supervisor.load('a');
  const port = await written(join(opened.scratch, 'told'));
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(503));
  expect(opened.snapshot('a')).toMatchObject({ state: 'spawning' });
  door(opened).open();
  await loading;
  expect(Number(port)).toBeGreaterThanOrEqual(20_000);
  expect(Number(port)).toBeLessThanOrEqual(32_000);
  await expect.poll(() => opened.supervisor.logs('a')).toContain(`listening on ${port}`);
});

test('a server that names no port is given the variable PORT', async () => {
  const opened = await openSupervisor({ a: server([]) });
  await opened.supervisor.load('a');
  expect(opened.snapshot('a').state).toBe('ready');
});

test('a server that never is ready fails with what it answered last', async () => {
  const opened = await openSupervisor({
    a: server(undefined, { ready: { path: '/missing' }, start_timeout_ms: 1_000, restart: { policy: 'temporary' } }),
  });
  expect(await failure(opened.supervisor.load('a'))).toMatchObject({
    code: 'E_START_TIMEOUT',
    message: expect.stringMatching(
      /still waiting for GET \/missing at http:\/\/127\.0\.0\.1:\d+ to answer 200 \(it answers 404\) after 1000 ms/,
    ),
  });
});

test('a server that ends before it is ready fails with what it printed', async () => {
  const opened = await openSupervisor({
    a: {
      worker: 'http',
      command: process.execPath,
      args: ['-e', 'throw new Error("no such model")'],
      restart: { policy: 'temporary' },
    },
  });
  expect(await failure(opened.supervisor.load('a'))).toMatchObject({
    code: 'E_START',
    message: expect.stringContaining('no such model'),
  });
});

test('a server whose port another program has taken is started with another', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    a: server(['--port', '{port}', '--told', join(scratch, 'told'), '--before', join(scratch, 'door')]),
  }));
  const loading = opened.supervisor.load('a');
  const told = join(opened.scratch, 'told');
  const taken = await written(told);
  await listen(Number(taken), () => 200);
  writeFileSync(told, '');
  const { pid } = opened.snapshot('a');
  door(opened).open();
  await loading;
  expect(await written(told)).not.toBe(taken);
  const snapshot = opened.snapshot('a');
  expect(snapshot).toMatchObject({ generation: 1, restarts: 0 });
  expect(snapshot.pid).not.toBe(pid);
  expect(lives(snapshot.pid as number)).toBe(true);
});

test('where every port is taken a start fails, its sockets are given back, and it may start once there is one', async () => {
  const opened = await openSupervisor({ a: server(['--socket', '{socket}', '--port', '{port}']) });
  const held: HeldPort[] = [];
  onTestFinished(() => held.forEach((port) => port.release()));
  const holdAll = async (): Promise<void> => {
    for (;;) held.push(await holdPort(() => Promise.resolve(true)));
  };
  await expect(holdAll()).rejects.toThrow('is in use');
  expect(await failure(opened.supervisor.load('a'))).toMatchObject({
    code: 'E_START',
    message: expect.stringContaining('Every port from 20000 to 32000 is in use') as string,
  });
  // With the last sockets goes the folder that had them.
  expect(readdirSync(process.env['XDG_RUNTIME_DIR'] as string)).toEqual([]);
  for (const port of held.splice(0)) port.release();
  await opened.supervisor.load('a');
});

test('a server whose port always is in use is started four times', async () => {
  const script =
    'require("fs").appendFileSync(process.argv[1], process.env.PORT + "\\n"); throw new Error("EADDRINUSE")';
  const opened = await openSupervisor(({ scratch }) => ({
    a: {
      worker: 'http',
      command: process.execPath,
      args: ['-e', script, join(scratch, 'ports')],
      restart: { policy: 'temporary' },
    },
  }));
  expect((await failure(opened.supervisor.load('a'))).code).toBe('E_START');
  const ports = readFileSync(join(opened.scratch, 'ports'), 'utf8').trim().split('\n');
  expect(ports).toHaveLength(4);
});

test.runIf(process.platform === 'linux')('a stranger on the port of a server is found, with its pid', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    a: server(['--told', join(scratch, 'told'), '--before', join(scratch, 'never')]),
  }));
  const failed = failure(opened.supervisor.load('a'));
  await listen(Number(await written(join(opened.scratch, 'told'))), () => 200);
  expect(await failed).toMatchObject({
    code: 'E_HANDSHAKE',
    message: expect.stringContaining(`Another process (pid ${process.pid}) listens on port`),
  });
});

test('a server may listen elsewhere than in its own process tree, if its manifest says so', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    a: server(['--told', join(scratch, 'told'), '--before', join(scratch, 'never')], { ready: { owner: false } }),
  }));
  const loading = opened.supervisor.load('a');
  await listen(Number(await written(join(opened.scratch, 'told'))), () => 200);
  await loading;
});

test.runIf(process.platform === 'linux')(
  'a server in a session of its own is its worker, and ends with it',
  async () => {
    const opened = await openSupervisor(({ scratch }) => ({
      a: server(['--grandchild', '--port', '{port}', '--told', join(scratch, 'told')]),
    }));
    await opened.supervisor.load('a');
    const port = readFileSync(join(opened.scratch, 'told'), 'utf8');
    const { pid } = (await (await fetch(`http://127.0.0.1:${port}/about`)).json()) as { pid: number };
    expect(pid).not.toBe(opened.snapshot('a').pid);
    await opened.supervisor.unload('a');
    expect(lives(pid)).toBe(false);
  },
);

test('a call of a server is refused, and says what to do', async () => {
  const opened = await openSupervisor({ a: server() });
  const { supervisor } = opened;
  const error = { code: 'E_UNSUPPORTED', message: expect.stringContaining('fetch("a", "/path")') };
  await expect(supervisor.execute('a', {})).rejects.toMatchObject(error);
  await expect(supervisor.stream('a').next()).rejects.toMatchObject(error);
  expect(await supervisor.tools('a')).toEqual([]);
  expect(opened.snapshot('a').state).toBe('discovered');
});

test('a server that says that it is alive no more is restarted, if it is asked', async () => {
  const liveness = { path: '/health', interval_ms: 20, timeout_ms: 200 };
  const opened = await openSupervisor(({ scratch }) => ({
    asked: server(['--port', '{port}', '--told', join(scratch, 'told')], { liveness }),
  }));
  await opened.supervisor.load('asked');
  const hung = opened.entered('asked', 'crashed');
  await fetch(`http://127.0.0.1:${readFileSync(join(opened.scratch, 'told'), 'utf8')}/break`);
  expect(await hung).toMatchObject({ reason: expect.stringContaining('did not answer within 200 ms') });
  await becomes(opened, 'asked', { state: 'ready', restarts: 1 });
});

test('the stop command runs when a server is unloaded, and when it has ended by itself', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    a: server(['--port', '{port}', '--told', join(scratch, 'told')], {
      stop_command: ['/bin/sh', '-c', `echo "{port}" >> ${join(scratch, 'stopped')}`],
    }),
  }));
  const file = join(opened.scratch, 'told');
  await opened.supervisor.load('a');
  const first = readFileSync(file, 'utf8');
  await opened.supervisor.unload('a');
  await opened.supervisor.load('a');
  const second = readFileSync(file, 'utf8');
  await fetch(`http://127.0.0.1:${second}/exit`).catch(() => {});
  await becomes(opened, 'a', { state: 'ready', generation: 3 });
  expect(readFileSync(join(opened.scratch, 'stopped'), 'utf8').split('\n')).toEqual([first, second, '']);
});

test('a server that another program runs is waited for, and has no process', async () => {
  let status = 503;
  const own = await listen(0, () => status);
  const opened = await openSupervisor({
    a: { worker: 'http', url: `${addressOf(own)}/v1`, ready: { path: '/models' } },
  });
  const asked = new Promise<string | undefined>((resolve) => own.once('request', ({ url }) => resolve(url)));
  const loading = opened.supervisor.load('a');
  expect(await asked).toBe('/v1/models');
  status = 200;
  await loading;
  expect(opened.snapshot('a')).toMatchObject({ state: 'ready', pid: undefined });
  await expect(opened.supervisor.stats('a')).rejects.toMatchObject({ code: 'E_NOT_LOADED' });
  await opened.supervisor.reload('a');
  await opened.supervisor.unload('a');
  expect(opened.snapshot('a')).toMatchObject({ state: 'discovered' });
});

test('a server below a path is asked there for everything, whether it is ready among it', async () => {
  const program = `require('node:http').createServer((request, response) => {
    response.writeHead(request.url.startsWith('/below/') ? 200 : 404).end(request.url);
  }).listen(process.env.PORT, '127.0.0.1');`;
  const { supervisor } = await openSupervisor({
    a: { worker: 'http', command: process.execPath, args: ['-e', program], base_path: '/below/' },
  });
  expect(await (await supervisor.fetch('a', '/v1/models')).text()).toBe('/below/v1/models');
});

test('a server that another program runs leaves the only slot to others', async () => {
  const own = await listen(0, () => 200);
  const { supervisor, snapshot } = await openSupervisor(
    { a: { worker: 'http', url: addressOf(own) }, b: server() },
    { capacity: { slots: 1 } },
  );
  await supervisor.load('b');
  await supervisor.load('a');
  expect([snapshot('a').state, snapshot('b').state]).toEqual(['ready', 'ready']);
});
