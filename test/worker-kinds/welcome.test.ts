import { afterEach, expect, test, vi } from 'vitest';
import type { HandshakeStart } from '../../src/process/worker-start.ts';
import type { Handshake } from '../../src/protocol.ts';
import { connectByHandshake } from '../../src/worker-kinds/handshake-connection.ts';
import type { KindTarget } from '../../src/worker-kinds/kind.ts';
import { awaitWelcome } from '../../src/worker-kinds/welcome.ts';
import { type FramePeer, NONCE, playFrames } from '../channel/played-frames.ts';
import { Moment, never, type Played, playHttp, reply, told } from '../channel/played-worker.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A worker whose handshake says that it listens there, and which answers its health checks. */
async function announced(frames: Played, onHealth = (): void => {}): Promise<[KindTarget<HandshakeStart>, Played]> {
  const control = await playHttp((_request, response) => {
    reply(response, 200, { status: 'ok', pid: 1, nonce: NONCE });
    onHealth();
  });
  const { address } = control;
  const handshake: Partial<Handshake> = {
    address,
    control: address,
    frames: frames.address,
    capabilities: [],
    concurrency: 4,
  };
  const start = { handshake: { token: 'secret', nonce: NONCE, answer: () => Promise.resolve(handshake) } };
  const process = { onExit: () => {} };
  return [{ plugin: 'p', process, start, concurrency: 2 } as unknown as KindTarget<HandshakeStart>, control];
}

function refused(target: KindTarget<HandshakeStart>): Promise<unknown> {
  return connectByHandshake(target, never).then(
    () => 'connected',
    (error: unknown) => error,
  );
}

const silent = (greet: (peer: FramePeer) => void): ReturnType<typeof playFrames> => playFrames(() => {}, 'unix', greet);

test('a worker that has welcomed the first connection is sent calls over it', async () => {
  const frames = await playFrames(({ call }, peer) => peer.send('result', call, 'hello'));
  const [target] = await announced(frames);
  const { channel, concurrency } = await connectByHandshake(target, never);
  expect(concurrency).toBe(2);
  const input = { args: '[]', kwargs: '{}', bytes: [] };
  const so = await told((sink) => channel.execute({ id: 'c', input, integers: 'bigint' }, sink));
  expect(so).toMatchObject({ result: 'hello' });
  expect(frames.peers.map(({ hello }) => hello)).toEqual([{ token: 'secret', shared: true }]);
  channel.close();
});

test.each<[string, () => Promise<Played>, string]>([
  [
    'does not listen',
    async () => {
      const frames = await silent(() => {});
      await frames.stop();
      return frames;
    },
    'The connection to the worker of "p" broke.',
  ],
  ['hangs up', () => silent(({ socket }) => socket.destroy()), 'The connection to the worker of "p" broke.'],
  ['speaks HTTP', () => playHttp(() => {}), 'sent a frame of '],
  ['is that of another start', () => silent((peer) => peer.send('welcome', 0, { nonce: 'x' })), 'without the nonce'],
])('one that at its address for frames %s is told so at its start', async (_what, play, reason) => {
  const frames = await play();
  const [target] = await announced(frames);
  const error = await refused(target);
  expect(error).toMatchObject({ code: 'E_HANDSHAKE', plugin: 'p' });
  const { message } = error as Error;
  expect(message).toContain(
    'chose version 2 of the worker protocol, but does not answer "hello" with "welcome" at unix:',
  );
  expect(message).toContain(reason);
  expect(message).toContain('It must listen there for frames, or choose version 1.');
});

test('one that says nothing at its address for frames is told so after a while', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const hello = new Moment();
  const health = new Moment();
  const frames = await silent(hello.happen);
  const [target] = await announced(frames, health.happen);
  const ended: unknown[] = [];
  const waiting = refused(target).then((error) => ended.push(error));
  await Promise.all([hello.happened, health.happened]);
  while (ended.length === 0) await vi.advanceTimersByTimeAsync(1_000);
  await waiting;
  expect(ended[0]).toMatchObject({ code: 'E_HANDSHAKE', message: expect.stringContaining('Nothing came for 10 s.') });
  while (frames.peers.length > 0) await new Promise(setImmediate);
});

test('one that ends before it has welcomed the connection may be started again', async () => {
  const hello = new Moment();
  const frames = await silent(hello.happen);
  const health = new Moment();
  const [target, control] = await announced(frames, health.happen);
  const error = refused(target);
  await Promise.all([hello.happened, health.happened]);
  await control.stop();
  await frames.stop();
  expect(await error).toMatchObject({ code: 'E_START' });
});

test('a start that is given up no longer waits for the welcome', async () => {
  const controller = new AbortController();
  const channel = {
    frames: 'unix:/f',
    greeted: new Promise<void>(() => {}),
    health: () => Promise.reject(new Error()),
  };
  const waiting = awaitWelcome('p', channel, controller.signal);
  controller.abort(new Error('too late'));
  await expect(waiting).rejects.toThrow('too late');
  await expect(awaitWelcome('p', channel, controller.signal)).rejects.toThrow('too late');
});
