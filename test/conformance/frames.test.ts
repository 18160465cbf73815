import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { FRAME } from '../../src/framing/frame.ts';
import { type RunningWorker, startWorker } from './driver.ts';
import { type FrameClient, greetedFrames, openFrames } from './frame-client.ts';
import { FRAMED_WORKERS } from './workers.ts';

const running: RunningWorker[] = [];
const clients: FrameClient[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

describe.each(FRAMED_WORKERS)('frames, spoken by $name', ({ program }) => {
  const shared = new Map<string, Promise<RunningWorker>>();

  afterAll(async () => {
    for (const worker of shared.values()) await (await worker).stop();
  });

  /** The worker of these tests: no connection leaves anything behind for the next. */
  function sharedWorker(transport: 'unix' | 'tcp' = 'unix'): Promise<RunningWorker> {
    const worker = shared.get(transport) ?? start(transport);
    shared.set(transport, worker);
    return worker;
  }

  async function start(transport: 'unix' | 'tcp'): Promise<RunningWorker> {
    const worker = await startWorker(program, transport, [1, 2]);
    expect((await worker.send('POST', '/initialize', { config: {} })).status).toBe(200);
    return worker;
  }

  async function open(worker: RunningWorker, shared = false): Promise<FrameClient> {
    const client = await greetedFrames(worker, shared);
    clients.push(client);
    return client;
  }

  it('chooses version 2, and says where it listens for frames', async () => {
    const { handshake } = await sharedWorker();
    expect(handshake).toMatchObject({ greenroom: 2, frames: expect.stringMatching(/^unix:/) });
    expect(handshake.frames).not.toBe(handshake.address);
  });

  it('stays with version 1 where nothing else is offered', async () => {
    const worker = await startWorker(program);
    running.push(worker);
    expect(worker.handshake).toMatchObject({ greenroom: 1 });
    expect(worker.handshake.frames).toBeUndefined();
  });

  it.each(['unix', 'tcp'] as const)('answers calls one after the other over %s', async (transport) => {
    const client = await open(await sharedWorker(transport));
    for (const number of [1, 7, 4_294_967_295]) {
      client.send('execute', number, { call: `c${number}`, kwargs: { do: 'echo', value: number } });
      expect(await client.answer()).toEqual([{ type: 'result', call: number, value: number }]);
    }
  });

  it.each([
    ['a wrong token', JSON.stringify({ token: 'wrong', shared: false }), FRAME.hello],
    ['no token', '{}', FRAME.hello],
    ['a call before hello', '{"call":"a","args":[],"kwargs":{"do":"echo"}}', FRAME.execute],
  ])('closes a connection that begins with %s, and says nothing', async (_what, text, type) => {
    const worker = await sharedWorker();
    const client = await openFrames(worker);
    clients.push(client);
    client.sender.send(type, 0, text);
    expect(await client.next()).toBeUndefined();
    const other = await open(worker);
    other.send('execute', 1, { call: 'a', kwargs: { do: 'echo', value: 'still here' } });
    expect(await other.answer()).toMatchObject([{ value: 'still here' }]);
  });

  it('passes bytes at any depth, both ways', async () => {
    const client = await open(await sharedWorker());
    const data = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const value = { list: [data, { deep: Buffer.alloc(0) }], text: 'null' };
    client.send('execute', 1, { call: 'a', kwargs: { do: 'echo', value } });
    expect(await client.answer()).toEqual([{ type: 'result', call: 1, value }]);
    client.send('execute', 2, { call: 'b', kwargs: { do: 'args', data } });
    expect(await client.answer()).toEqual([
      { type: 'result', call: 2, value: { args: [], kwargs: { do: 'args', data } } },
    ]);
    client.send('execute', 3, { call: 'c', kwargs: { do: 'echo', value: data } });
    expect(await client.answer()).toEqual([{ type: 'result', call: 3, value: data }]);
  });

  it('sends progress before the result', async () => {
    const client = await open(await sharedWorker());
    client.send('execute', 1, { call: 'a', kwargs: { do: 'progress' } });
    const frames = await client.answer();
    expect(frames.at(-1)).toEqual({ type: 'result', call: 1, value: 'done' });
    expect(frames.filter(({ type }) => type === 'progress').map(({ value }) => value)).toContainEqual({
      progress: 1,
      message: 'at 1',
    });
  });

  it('sends errors as they are over HTTP', async () => {
    const client = await open(await sharedWorker());
    client.send('execute', 1, { call: 'a', kwargs: { do: 'fail', category: 'input' } });
    expect((await client.answer()).at(-1)).toMatchObject({
      type: 'error',
      value: { message: 'no such thing', category: 'input' },
    });
  });

  it('streams lists of chunks, and ends with the end or an error', async () => {
    const client = await open(await sharedWorker());
    for (const fail of [false, true]) {
      client.send('stream', 1, { call: 'a', kwargs: { count: 100, fail } });
      const frames = await client.answer();
      const chunks = frames.flatMap(({ type, value }) => (type === 'chunks' ? (value as unknown[]) : []));
      expect(chunks).toEqual(Array.from({ length: 100 }, (_, index) => ({ index })));
      expect(frames.at(-1)).toMatchObject(
        fail ? { type: 'error', value: { message: 'in the middle' } } : { type: 'end', value: undefined },
      );
    }
  });

  it('runs several calls of a shared connection at once, and can be asked to stop one', async () => {
    const worker = await sharedWorker();
    const client = await open(worker, true);
    client.send('execute', 1, { call: 'one', kwargs: { do: 'wait' } });
    expect(await client.next()).toMatchObject({ type: 'progress', call: 1 });
    client.send('execute', 2, { call: 'two', kwargs: { do: 'echo', value: 2 } });
    expect(await client.next()).toEqual({ type: 'result', call: 2, value: 2 });
    const { body } = await worker.send('POST', 'control:/cancel', { call: 'one' });
    expect(JSON.parse(body)).toEqual({ outcome: 'requested' });
    expect(await client.next()).toMatchObject({ call: 1 });
  });

  it('keeps a long answer of a shared connection until it is fetched', async () => {
    const worker = await sharedWorker();
    const client = await open(worker, true);
    const beside = await open(worker);
    const large = Buffer.alloc(300 * 1024, 'x');
    for (const [number, value] of [
      [1, large.toString()],
      [2, large],
    ] as const) {
      const kwargs = { do: 'large', length: large.length, bytes: value === large };
      client.send('execute', number, { call: `l${number}`, kwargs });
      expect(await client.answer()).toEqual([{ type: 'large', call: number, value: undefined }]);
      beside.sender.send(FRAME.fetch, number, '');
      const [answer] = await beside.answer();
      expect(answer).toMatchObject({ type: 'result', call: number });
      // A matcher would take seconds for so many bytes.
      expect(typeof value === 'string' ? answer?.value === value : value.equals(answer?.value as Buffer)).toBe(true);
    }
  });

  it('stops the call of a connection that closes, and goes on', async () => {
    const worker = await sharedWorker();
    const client = await open(worker);
    client.send('execute', 1, { call: 'lost', kwargs: { do: 'wait' } });
    await client.next();
    client.socket.destroy();
    const other = await open(worker);
    other.send('execute', 1, { call: 'next', kwargs: { do: 'echo', value: 'next' } });
    expect(await other.answer()).toMatchObject([{ value: 'next' }]);
  });

  it.each([
    ['of an unknown type', 99, 1, ''],
    ['that only a worker sends', FRAME.result, 1, '1'],
    ['that fetches what nobody keeps', FRAME.fetch, 1, ''],
  ])('closes a connection with a frame %s', async (_what, type, call, text) => {
    const worker = await sharedWorker();
    const client = await open(worker);
    client.sender.send(type, call, text);
    expect(await client.next()).toBeUndefined();
    expect((await worker.send('GET', 'control:/health')).status).toBe(200);
  });
});
