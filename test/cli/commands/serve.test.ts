import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { statusSchema } from '../../../src/api/schemas.ts';
import { takeStartLock } from '../../../src/daemon/start-lock.ts';
import { readProcStat } from '../../../src/process/proc-stat.ts';
import { eventually } from '../../eventually.ts';
import { fetchText } from '../../server/served.ts';
import { folder, greenroom, shown, start, usePlugin, write } from '../command-line.ts';
import { type Served, serve } from '../served-daemon.ts';

const call = (served: Served, input: unknown): ReturnType<typeof fetchText> =>
  served.ask('/api/plugins/workbench/tools/execute', { method: 'POST', body: JSON.stringify(input) });

const portOf = ({ started }: Served): number => Number(new URL(started.url ?? '').port);

test('a daemon serves its socket to this user alone until SIGTERM, and leaves nothing', async () => {
  usePlugin('workbench');
  const served = await serve();
  expect(served.started).toEqual({
    type: 'started',
    socket: expect.stringMatching(/\.sock$/),
    dataDir: join(folder, 'home'),
    searchPaths: expect.any(Array),
    plugins: ['workbench'],
  });
  expect(statSync(served.started.socket).mode & 0o777).toBe(0o600);
  expect((await call(served, { value: 7 })).body).toBe('7');
  const status = JSON.parse((await served.ask('/api/status')).body) as object;
  expect(statusSchema.parse(status).daemon).toMatchObject({ pid: served.pid, addresses: [served.started.socket] });
  expect(await served.ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  expect(await served.ask('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
  expect((await served.ask('/metrics')).body).toContain('greenroom_');
  expect((await served.ask('/')).body).toContain('/api/openapi.json');
  served.child.kill('SIGTERM');
  const { status: exit, stdout } = await served.ended;
  expect([exit, stdout.trim().split('\n').at(-1)]).toEqual([0, '{"type":"stopped"}']);
  expect([existsSync(served.started.socket), existsSync(join(folder, 'home/daemon.json'))]).toEqual([false, false]);
});

test('on a terminal it tells where it listens, and Ctrl-C ends it', async () => {
  const { child, ended } = start(['serve', '--listen', '127.0.0.1:0', '--inspect'], { terminal: true });
  await shown(child, 'New manifests', 'stdout');
  child.stdin?.write('\n');
  const { stdout } = await ended;
  expect(stdout).toMatch(
    /Socket.*\.sock[^]*Address.*http:\/\/127\.0\.0\.1:\d+[^]*Inspector.*#token=[^]*Plugins.*none yet/,
  );
});

test('a second daemon is refused and names the first; --replace takes over after the calls of the first', async () => {
  usePlugin('workbench');
  const first = await serve();
  const second = await greenroom('serve');
  expect(second.status).toBe(5);
  expect(second.stderr).toContain(`${first.pid}`);
  expect(second.stderr).toContain('--replace');
  const door = join(folder, 'door');
  const running = call(first, { do: 'wait', for: door });
  await eventually(async () => expect((await first.ask('/api/plugins/workbench')).body).toContain('"inFlight":1'));
  const third = serve(['--replace']);
  await eventually(async () => expect((await first.ask('/readyz')).status).toBe(503));
  // What would start a daemon where none runs sees that another is to come, for as long as that goes on.
  const lock = join(folder, 'home/daemon-start');
  const { pid: successor } = JSON.parse(readFileSync(lock, 'utf8')) as { pid: number };
  utimesSync(lock, 0, 0);
  await eventually(() => expect(statSync(lock).mtimeMs).toBeGreaterThan(0));
  expect(takeStartLock(join(folder, 'home'))).toBeUndefined();
  writeFileSync(door, '');
  expect(await running).toMatchObject({ status: 200, body: '"waited"' });
  expect(await first.ended).toMatchObject({ status: 0 });
  const served = await third;
  expect(served.pid).toBe(successor);
  expect(existsSync(lock)).toBe(false);
  expect((await call(served, { value: 1 })).status).toBe(200);
  expect((await served.ask('/api/stop', { method: 'POST' })).status).toBe(204);
  expect(await served.ended).toMatchObject({ status: 0 });
  // Where there is none, it starts as it would without.
  const alone = await serve(['--replace']);
  alone.child.kill('SIGINT');
  expect(await alone.ended).toMatchObject({ status: 0 });
});

test('SIGHUP reads manifests again, also after one that cannot be read', async () => {
  const served = await serve();
  usePlugin('workbench');
  write('.greenroom/plugins/broken.json', '{');
  served.child.kill('SIGHUP');
  await eventually(async () => expect((await served.ask('/api/plugins')).body).toContain('workbench'));
  write('greenroom.json', '{');
  const told = shown(served.child, 'reload failed');
  served.child.kill('SIGHUP');
  await told;
  expect((await call(served, { value: 1 })).status).toBe(200);
});

test('one that is killed leaves no worker, and its socket and lock do not keep the next from starting', async () => {
  usePlugin('workbench');
  const killed = await serve();
  const { pid } = JSON.parse((await call(killed, { do: 'about' })).body) as { pid: number };
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  await eventually(() => expect(existsSync(`/proc/${pid}`)).toBe(false));
  expect([existsSync(killed.started.socket), existsSync(join(folder, 'home/daemon.json'))]).toEqual([true, true]);
  const next = await serve();
  expect((await call(next, { value: 1 })).status).toBe(200);
  expect(existsSync(killed.started.socket)).toBe(false);
});

test('one that is killed leaves nothing of an HTTP server, nor of what that has started in sessions of its own', async () => {
  const processes = (name: string): string =>
    fileURLToPath(new URL(`../../fixtures/processes/${name}`, import.meta.url));
  write('.greenroom/plugins/web.json', {
    name: 'web',
    worker: 'http',
    command: '/bin/sh',
    args: ['-c', 'python3 "$1" & shift; exec "$@"', 'sh', processes('family.py')].concat(
      [process.execPath, processes('http-server.mjs')],
      ['--grandchild', '--port', '{port}'],
    ),
  });
  const { child, ended, ask } = await serve();
  // It is answered by a process in a session of its own, which the worker's child has started.
  const { pid: server } = JSON.parse((await ask('/upstream/web/about')).body) as { pid: number };
  const { pid: worker } = JSON.parse((await ask('/api/plugins/web')).body) as { pid: number };
  const family = await eventually(async () => {
    const [line] = /\{\\"leader\\".*?\}/.exec((await ask('/api/plugins/web/logs')).body) ?? [];
    return JSON.parse((line ?? '').replaceAll('\\', '')) as Record<string, number>;
  });
  const { stranger = 0, ...covered } = family;
  onTestFinished(() => {
    // It has given up its environment, so that it is found in a control group alone.
    if (readProcStat(stranger) !== null) process.kill(stranger, 'SIGKILL');
  });
  const pids = [worker, server, ...Object.values(covered)];
  const lives = (pid: number): boolean => readProcStat(pid)?.zombie === false;
  expect(new Set(pids.filter(lives)).size).toBe(6);
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ signal: 'SIGKILL' });
  await eventually(() => expect(pids.filter(lives)).toEqual([]));
});

describe('on TCP', () => {
  test('the token opens it, and a new one counts from the next request on', async () => {
    usePlugin('workbench');
    const served = await serve(['--listen', '127.0.0.1:0', '--allow-host', 'proxy.example']);
    const port = portOf(served);
    const status = async (token: string, path = '/api/plugins', host = `127.0.0.1:${port}`): Promise<number> =>
      (await fetchText({ port }, path, { headers: { host, authorization: `Bearer ${token}` } })).status;
    const { stdout } = await greenroom('token');
    const token = stdout.trim();
    expect(await status(token)).toBe(200);
    expect(await status(token, '/api/plugins', 'proxy.example')).toBe(200);
    expect(await status(token, '/api/plugins', 'evil.example')).toBe(421);
    expect(await status('x')).toBe(401);
    expect(await status('x', '/metrics')).toBe(401);
    expect(await status('x', '/healthz')).toBe(200);
    const { stdout: file } = await greenroom('token', '--file');
    expect([readFileSync(file.trim(), 'utf8').trim(), statSync(file.trim()).mode & 0o777]).toEqual([token, 0o600]);
    const rotated = JSON.parse((await greenroom('token', '--rotate', '--json')).stdout) as { token: string };
    expect(rotated.token).not.toBe(token);
    expect([await status(token), await status(rotated.token)]).toEqual([401, 200]);
  });

  test('the inspector is served below /inspector, with its own link', async () => {
    usePlugin('workbench');
    const served = await serve(['--inspect']);
    const { pathname, port, hash } = new URL(served.started.inspector ?? '');
    expect(pathname).toBe('/inspector/');
    expect((await fetchText({ port: Number(port) }, '/inspector/')).body).toContain('<title>Greenroom</title>');
    const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
    expect((await fetchText({ port: Number(port) }, '/inspector/api/snapshot', { headers })).status).toBe(200);
  });

  test.each([
    ['0.0.0.0:0', /Other machines reach/],
    ['[::]:0', /Other machines reach/],
    ['192.168.0.1:80', /Other machines reach/],
    ['example.com:80', /must be an address and a port/],
    ['127.0.0.1', /must be an address and a port/],
    ['127.0.0.1:99999', /must be an address and a port/],
    ['::1:80', /must be an address and a port/],
    ['[::1%lo]:80', /must be an address and a port/],
    ['/run/x.sock', /must be an address and a port/],
    ['', /must be an address and a port/],
  ])('--listen %s is refused', async (address, why) => {
    const { status, stderr } = await greenroom('serve', '--listen', address);
    expect([status, stderr]).toEqual([2, expect.stringMatching(why)]);
  });

  test('what makes no sense together, or is no origin, is refused', async () => {
    expect(await greenroom('serve', '--allow-host', 'a')).toMatchObject({ status: 2 });
    const { status, stderr } = await greenroom('serve', '--listen', '0', '--allow-origin', 'ui.example');
    expect([status, stderr]).toEqual([2, expect.stringContaining('must be an origin')]);
  });

  test.each([['[::1]:0'], ['localhost:0'], ['0'], ['127.0.0.9:0']])('--listen %s is loopback', async (address) => {
    const served = await serve(['--listen', address]);
    expect(served.started.url).toMatch(/^http:\/\/(127\.0\.0\.\d|\[::1\]):\d+$/);
  });

  test('other addresses are warned of', async () => {
    const running = start(['serve', '--listen', '0.0.0.0:0', '--allow-remote']);
    await shown(running.child, 'Put a proxy with TLS before it');
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ status: 0 });
  });

  test('a port that is taken is named, and the data directory is free again', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = await greenroom('serve', '--listen', `127.0.0.1:${port}`);
    expect([status, stderr]).toEqual([4, expect.stringContaining(`127.0.0.1:${port}: the port is already in use`)]);
    expect(existsSync(join(folder, 'home/daemon.json'))).toBe(false);
  });
});

test.runIf(process.getuid?.() === 0)('a full disk and one that cannot be written are told of', async () => {
  const home = join(folder, 'home');
  mkdirSync(home);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=0700', 'tmpfs', home], { stdio: 'ignore' });
  } catch {
    // No file system can be mounted here.
    return;
  }
  try {
    writeFileSync(join(home, 'filler'), '');
    try {
      for (;;) writeFileSync(join(home, 'filler'), 'x'.repeat(1024), { flag: 'a' });
    } catch {
      // It is full.
    }
    const full = await greenroom('serve', '--listen', '127.0.0.1:0');
    expect([full.status, full.stderr]).toEqual([5, expect.stringMatching(/ENOSPC|no space/)]);
    execFileSync('mount', ['-o', 'remount,ro', home]);
    const readOnly = await greenroom('serve');
    expect([readOnly.status, readOnly.stderr]).toEqual([5, expect.stringMatching(/EROFS|read-only/)]);
    expect(readdirSync(home)).toEqual(['filler']);
  } finally {
    execFileSync('umount', [home]);
  }
});

test.runIf(process.getuid?.() !== 0)('a data directory that cannot be written is told of', async () => {
  mkdirSync(join(folder, 'home'));
  chmodSync(join(folder, 'home'), 0o500);
  const { status, stderr } = await greenroom('serve');
  expect([status, stderr]).toEqual([5, expect.stringContaining('EACCES')]);
});
