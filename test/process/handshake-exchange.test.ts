import { expect, test } from 'vitest';
import { type BootLine, HandshakeExchange } from '../../src/process/handshake-exchange.ts';
import type { StartRequest } from '../../src/process/start-request.ts';

const never = new AbortController().signal;

function exchange(
  line: BootLine = { descriptor: 0, waits: true },
  openSockets: StartRequest['openSockets'] = () => undefined,
) {
  return new HandshakeExchange({ plugin: { name: 'p', folder: '/p' }, concurrency: 2, openSockets }, line);
}

function answerOf({ nonce }: { readonly nonce: string }): string {
  return JSON.stringify({ greenroom: 1, nonce, pid: 7, address: 'tcp:127.0.0.1:80' });
}

test('a worker is told who it is and where to listen', () => {
  const told = exchange();
  const { nonce, token } = told;
  expect(JSON.parse(told.bootLine)).toEqual({
    protocol: [1],
    nonce,
    token,
    listen: { tcp: '127.0.0.1' },
    plugin: { name: 'p', folder: '/p' },
    concurrency: 2,
  });
  expect(exchange().nonce).not.toBe(nonce);
});

test('the sockets of a worker are named in its boot line, and removed with it', () => {
  let removed = 0;
  const sockets = {
    path: '/s',
    worker: '/s/w',
    control: '/s/c',
    frames: '/s/frames.sock',
    remove: () => void (removed += 1),
  };
  const told = exchange(undefined, () => sockets);
  expect(JSON.parse(told.bootLine)).toMatchObject({ listen: { unix: '/s/w', control: '/s/c' } });
  told.close();
  expect(removed).toBe(1);
});

test('the handshake is taken once, with the empty line before it, and every other line is the output of the plugin', async () => {
  const asked = exchange();
  const answer = asked.answer(never);
  expect(['loading', '', answerOf(asked), answerOf(asked), ''].map((line) => asked.take(line))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(await answer).toMatchObject({ pid: 7, control: 'tcp:127.0.0.1:80' });
  expect(asked.isAnswered).toBe(true);
  expect(exchange({ descriptor: 0, waits: false }).take('')).toBe(false);
});

test('the handshake of another start is refused, and whoever gives up waiting is told why', async () => {
  const asked = exchange();
  asked.take(answerOf({ nonce: 'another' }));
  await expect(asked.answer(never)).rejects.toMatchObject({ code: 'E_HANDSHAKE', plugin: 'p' });
  const controller = new AbortController();
  const waiting = exchange().answer(controller.signal);
  controller.abort(new Error('late'));
  await expect(waiting).rejects.toThrow('late');
});
