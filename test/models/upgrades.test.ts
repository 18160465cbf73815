import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { openFront } from './front.ts';

function upgrade(url: string, plugin: string, key: string): Socket {
  const { host, port } = new URL(url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
  const lines = [`GET /upstream/${plugin}/ws HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: echo'];
  socket.write(`${lines.join('\r\n')}\r\nx-api-key: ${key}\r\n\r\n`);
  return socket;
}

const answered = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0]);

test.each([
  ['without a key', 'other', 401],
  ['of an unknown plugin', 'k', 404],
])('the connection of an upgrade %s is read to its end and closed', async (_what, key, status) => {
  const { url } = await openFront({ a: {} }, { keys: ['k'] });
  const socket = upgrade(url, 'unknown', key);
  expect(await answered(socket)).toContain(`HTTP/1.1 ${status} `);
  // More than the system keeps for a program that does not read.
  socket.end(Buffer.alloc(40 * 1024 * 1024));
  await once(socket, 'close');
  expect(socket.errored).toBeNull();
});

test('an upgrade that is refused has the status and headers of a request that is', async () => {
  const { opened, url } = await openFront({ a: {} }, { keys: ['k'] });
  opened.supervisor.disable('a');
  const socket = upgrade(url, 'a', 'k');
  expect(await answered(socket)).toMatch(/^HTTP\/1.1 409 Conflict\r\n[^]*x-should-retry: false\r\n/);
  socket.destroy();
});

test('an upgrade is told that the keys cannot be read, and not why', async () => {
  const keysError = new Error('/secret/token has mode 0644');
  const { url } = await openFront({ a: {} }, { keys: ['k'], keysError });
  const socket = upgrade(url, 'a', 'k');
  const answer = await answered(socket);
  expect(answer).toMatch(/^HTTP\/1.1 500 /);
  expect(answer).not.toContain('/secret');
  socket.destroy();
});
