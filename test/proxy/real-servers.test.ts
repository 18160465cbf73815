import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Front, listening, opened, Raw } from './ends.ts';

const PYTHON = '/usr/bin/python3';
const hasUvicorn = spawnSync(PYTHON, ['-c', 'import uvicorn']).status === 0;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gr-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a program; resolves with its process and what it printed, once that matches. */
async function started(command: string, args: string[], ready: RegExp): Promise<RegExpExecArray> {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return new Promise((resolve, reject) => {
    let printed = '';
    const read = (part: Buffer): void => {
      printed += String(part);
      const found = ready.exec(printed);
      if (found !== null) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(printed)));
  });
}

describe('what is forwarded', () => {
  it('is answered by http.server of Python, which speaks HTTP/1.0', async () => {
    const path = folder();
    writeFileSync(join(path, 'a.txt'), 'hello');
    const args = ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', path, '0'];
    const [, port] = await started('python3', args, /port (\d+)/);
    const front = await Front.before(opened(`http://127.0.0.1:${port}`));
    for (let count = 1; count <= 3; count += 1) {
      const answer = await fetch(`http://127.0.0.1:${front.port}/a.txt`);
      expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
    }
    const post = await fetch(`http://127.0.0.1:${front.port}/a.txt`, { method: 'POST', body: 'x' });
    expect(post.status).toBe(501);
  });

  it.skipIf(!hasUvicorn)('is answered by uvicorn over a Unix socket, as it comes', async () => {
    const path = folder();
    writeFileSync(
      join(path, 'app.py'),
      [
        'async def app(scope, receive, send):',
        '    if scope["type"] != "http": return',
        '    body = b""',
        '    while True:',
        '        event = await receive()',
        '        body += event.get("body", b"")',
        '        if not event.get("more_body"): break',
        '    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})',
        '    await send({"type": "http.response.body", "body": b"data: 1\\n\\n", "more_body": True})',
        '    await send({"type": "http.response.body", "body": b"data: " + str(len(body)).encode() + b"\\n\\n"})',
      ].join('\n'),
    );
    const socket = join(path, 'u.sock');
    const args = ['-m', 'uvicorn', '--app-dir', path, '--uds', socket, 'app:app'];
    await started(PYTHON, args, /running on unix socket/);
    const front = await Front.before(opened(`unix:${socket}`));
    for (const length of [0, 10, 300_000]) {
      const client = new Raw(front.port, `POST / HTTP/1.1\r\nHost: f\r\nContent-Length: ${length}\r\n\r\n`);
      client.socket.write('x'.repeat(length));
      expect(await client.until((all) => all.endsWith('0\r\n\r\n'))).toContain(`data: ${length}\n\n`);
    }
    expect(front.outcomes.every(({ kind }) => kind === 'done')).toBe(true);
  });
});

describe('a thousand exchanges', () => {
  it.skipIf(process.platform !== 'linux')('leave nothing open and no listener behind', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/dies') response.write('x', () => response.destroy());
      else request.pipe(response);
    });
    const upstream = opened(await listening(server), 8);
    const front = await Front.before(upstream);
    const counts: number[][] = [];
    front.server.on('request', (request, response) => {
      response.once('close', () =>
        counts.push([
          request.socket.listenerCount('close'),
          response.listenerCount('drain'),
          request.listenerCount('data'),
        ]),
      );
    });
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 100; round += 1) {
      const clients = Array.from({ length: 10 }, (_, index) => {
        const path = ['/', '/dies', '/', '/', '/gone'][index % 5];
        const client = new Raw(
          front.port,
          `POST ${path} HTTP/1.1\r\nHost: f\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello`,
        );
        if (path === '/gone') client.socket.destroy();
        return path === '/gone' ? Promise.resolve() : client.end().then(() => void client.socket.destroy());
      });
      await Promise.all(clients);
    }
    upstream.close();
    while (readdirSync('/proc/self/fd').length > before) await setImmediate();
    expect(counts.flatMap(([, drain, data]) => [drain, data]).every((count) => count === 0)).toBe(true);
    expect(Math.max(...counts.map(([close = 0]) => close))).toBeLessThan(8);
    expect(new Set(front.outcomes.map(({ kind }) => kind))).toEqual(new Set(['done', 'upstreamFailed']));
    expect(front.outcomes.length).toBeGreaterThanOrEqual(800);
  });
});
