import { expect, test } from 'vitest';
import { type BootLine, HandshakeExchange } from '../../src/process/handshake-exchange.ts';
import type { StartRequest } from '../../src/process/start-request.ts';

const never = new AbortController().signal;

function exchange(
  line: BootLine = { descriptor: 0, waits: true },
  openSockets: StartRequest['openSockets'] = () => undefined,
  protocol: StartRequest['protocol'] = 2,
) {
  return new HandshakeExchange({ plugin: { name: 'p', folder: '/p' }, concurrency: 2, protocol, openSockets }, line);
}

function answerOf({ nonce }: { readonly nonce: string }): string {
  return JSON.stringify({ greenroom: 1, nonce, pid: 7, address: 'tcp:127.0.0.1:80' });
}

test('a worker is told who it is and where to listen', () => {
  const told = exchange();
  const { nonce, token } = told;
  expect(JSON.parse(told.bootLine)).toEqual({
    protocol: [1, 2],
    nonce,
    token,
    listen: { tcp: '127.0.0.1' },
    plugin: { name: 'p', folder: '/p' },
    concurrency: 2,
  });
  expect(exchange().nonce).not.toBe(nonce);
  expect(JSON.parse(exchange(undefined, undefined, 1).bootLine)).toMatchObject({ protocol: [1] });
});

test('the sockets of a worker are named in its boot line, and removed with it', async () => {
  let removed = 0;
  const sockets = {
    path: '/s',
    worker: '/s/w',
    control: '/s/c',
    frames: '/s/frames.sock',
    remove: async () => void (removed += 1),
  };
  const told = exchange(undefined, () => sockets);
  expect(JSON.parse(told.bootLine)).toMatchObject({
    listen: { unix: '/s/w', control: '/s/c', frames: '/s/frames.sock' },
  });
  await told.close();
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

const FRAMES = 'tcp:127.0.0.1:81';

test('a worker chooses one of the versions that it was offered, and says of version 2 where it listens for frames', async () => {
  for (const chosen of [{ greenroom: 1 }, { greenroom: 2, frames: FRAMES }]) {
    const asked = exchange();
    asked.take(JSON.stringify({ ...JSON.parse(answerOf(asked)), ...chosen }));
    expect(await asked.answer(never)).toMatchObject(chosen);
  }
});

test.each([
  [2, { greenroom: 3, frames: FRAMES }, 'it chose protocol version 3, but was offered only 1 and 2. It must choose of'],
  [
    1,
    { greenroom: 2, frames: FRAMES },
    'it chose protocol version 2, but was offered only 1. It must choose of those.',
  ],
  [2, { greenroom: 2 }, 'frames: missing. With protocol version 2 it must say where it listens for frames, or choose'],
  [2, { greenroom: 2, frames: '/s/f' }, 'frames: must be "unix:/path" or "tcp:127.0.0.1:port"'],
  [
    2,
    { greenroom: 1, frames: FRAMES },
    'frames: unexpected with protocol version 1. It must choose version 2, or leave',
  ],
] as const)(
  'offered versions up to %i, a worker that answers %j is told what is wrong',
  async (protocol, chosen, message) => {
    const asked = exchange(undefined, undefined, protocol);
    asked.take(JSON.stringify({ ...JSON.parse(answerOf(asked)), ...chosen }));
    await expect(asked.answer(never)).rejects.toMatchObject({
      code: 'E_HANDSHAKE',
      message: expect.stringContaining(`sent an invalid handshake: ${message}`),
    });
  },
);
