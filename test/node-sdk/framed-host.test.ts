import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRAME, MAX_SHARED_BYTES } from '../../src/framing/frame.ts';
import { type RunningWorker, startWorker } from '../conformance/driver.ts';
import { nodeProgram } from '../conformance/workers.ts';
import { eventuallyTrue } from '../eventually.ts';
import { FramedClient } from './framed-client.ts';

const [module, meddlingModule] = ['frames', 'meddling'].map((name) =>
  fileURLToPath(new URL(`../fixtures/worker/${name}.mjs`, import.meta.url)),
) as [string, string];

/** For what a worker says, on a machine that is busy. */

const running: RunningWorker[] = [];

async function start(transport?: 'unix' | 'tcp', of = module): Promise<RunningWorker> {
  const worker = await startWorker({ ...nodeProgram(of), concurrency: 8 }, transport, [1, 2]);
  running.push(worker);
  expect((await worker.send('POST', '/initialize', { config: {} })).status).toBe(200);
  return worker;
}

/** The worker of most tests. What one of them does to it does not reach the next. */
let worker: RunningWorker;
let said = '';

beforeAll(async () => {
  worker = await start();
  worker.child.stderr!.on('data', (data: Buffer) => {
    said += data.toString();
  });
});

afterAll(async () => {
  await Promise.all(running.splice(0).map((started) => started.stop()));
});

function open(shared = false, { handshake, token } = worker): FramedClient {
  return new FramedClient(handshake.frames!).hello(token, shared);
}

const body = (kwargs: unknown, more = {}): unknown => ({ call: 'c', args: [], kwargs, ...more });

/** What a call of a working connection gives. */
async function serves(): Promise<void> {
  const client = open();
  expect((await client.call(FRAME.execute, 1, body({ value: 'fine' }))).value).toBe('fine');
  client.socket.destroy();
}

describe('calls as frames to the host program of Node plugins', () => {
  it.each(['unix', 'tcp'] as const)('are chosen where they are offered, over %s', async (transport) => {
    const started = await start(transport);
    expect(started.handshake).toMatchObject({
      greenroom: 2,
      frames: expect.stringMatching(new RegExp(`^${transport}:`)),
    });
    if (transport === 'unix') expect(statSync(started.handshake.frames!.slice(5)).mode & 0o777).toBe(0o600);
    const client = open(false, started);
    expect((await client.call(FRAME.execute, 1, body({ value: { a: 1 } }))).value).toEqual({ a: 1 });
    expect(client.of(0, FRAME.welcome)).toEqual([{ nonce: started.nonce }]);
  });

  it('are not listened for where only version 1 is offered', async () => {
    const started = await startWorker(nodeProgram(module));
    running.push(started);
    expect(started.handshake).toMatchObject({ greenroom: 1 });
    expect(started.handshake.frames).toBeUndefined();
  });

  it('answer calls, tools and streams one after the other on one connection', async () => {
    const client = open();
    expect((await client.call(FRAME.execute, 1, body({ n: 2n ** 60n }, { tool: 'twice' }))).value).toBe(2n ** 61n);
    await client.call(FRAME.stream, 2, body({ to: 5000 }, { tool: 'count' }));
    const chunks = client.of(2, FRAME.chunks);
    expect(chunks[0]).toEqual([0]);
    expect(chunks.flat()).toEqual(Array.from({ length: 5000 }, (_, index) => index));
    expect(chunks.length).toBeLessThan(500);
    expect((await client.call(FRAME.execute, 3, body({}))).value).toBeNull();
    const unknown = await client.call(FRAME.execute, 4, body({}, { tool: 'no' }));
    expect(unknown).toMatchObject({ type: FRAME.error, value: { type: 'UnknownTool' } });
  });

  it('carry bytes and integers of any size both ways', async () => {
    const client = open();
    const value = { big: 2n ** 70n, list: [1, [Buffer.from('ab')]], none: Buffer.alloc(0) };
    expect((await client.call(FRAME.execute, 1, body({ value }))).value).toEqual(value);
    const long = Buffer.alloc(8 * 2 ** 20, 7);
    const back = await client.call(FRAME.execute, 4, body({ value: long }));
    expect(long.equals(back.value as Buffer)).toBe(true);
    const input = { do: 'kinds', bytes: new Uint8Array(5), big: 2n ** 60n };
    const kinds = { bytes: 'Buffer', whole: 5, big: 'bigint' };
    expect((await client.call(FRAME.execute, 2, body(input))).value).toEqual(kinds);
    const positional = { call: 'c', args: [{ value: Buffer.from('x') }] };
    expect((await client.call(FRAME.execute, 3, positional)).value).toEqual(Buffer.from('x'));
  });

  it('send progress in its place among chunks, and bytes of chunks with them', async () => {
    const client = open();
    await client.call(FRAME.stream, 1, body({ count: 300 }));
    const seen = client.frames.flatMap(({ type, value }) =>
      type === FRAME.chunks ? (value as unknown[]) : type === FRAME.progress ? [value] : [],
    );
    expect(seen).toEqual(
      Array.from({ length: 300 }, (_, index) => [
        { progress: index / 300 },
        { index, bytes: Buffer.from([index % 256]) },
      ]).flat(),
    );
  });

  it('take messages of progress of any kind as text', async () => {
    const client = open();
    await client.call(FRAME.execute, 1, body({ do: 'report' }));
    const said = client.of(1, FRAME.progress).map((progress) => (progress as { message: unknown }).message);
    expect(said).toEqual(['a', String(2n ** 60n), '{"n":1}']);
  });

  it('describe errors with what is attached to them', async () => {
    const client = open();
    expect(await client.call(FRAME.execute, 1, body({ do: 'fail' }))).toMatchObject({
      type: FRAME.error,
      value: { type: 'Error', message: 'no', details: { seen: Buffer.from([1, 2]), at: 2n ** 60n } },
    });
    expect((await client.call(FRAME.execute, 2, body({ do: 'loss' }))).value).toMatchObject({
      type: 'SerializeError',
      message: expect.stringContaining('result.list[0] is a Map'),
    });
    await client.call(FRAME.stream, 3, body({ count: 1, fail: true }));
    expect(client.of(3, FRAME.error)).toMatchObject([{ type: 'TypeError', message: 'in the middle' }]);
    expect(client.of(3, FRAME.chunks).flat()).toHaveLength(1);
  });

  it.each([
    ['that is not JSON', '{', 'The body of a call must be a JSON object.'],
    ['that is no object', '[]', 'The body of a call must be a JSON object.'],
    ['without an identifier', '{}', '"call" must be a string that is not empty.'],
    ['with an integer that is too long', `{"call":"c","args":[${'9'.repeat(5000)}]}`, 'args[0] is 9999'],
  ])('refuse a body %s, and go on', async (_what, text, message) => {
    const client = open();
    client.sender.send(FRAME.execute, 1, text);
    expect((await client.last(1)).value).toMatchObject({
      type: 'BadRequest',
      category: 'input',
      message: expect.stringContaining(message),
    });
    client.sender.send(FRAME.execute, 2, '{"call":"c","args":[1]}', [{ path: ['args', 0], bytes: Buffer.from('x') }]);
    expect((await client.last(2)).value).toMatchObject({ message: expect.stringContaining('no null for bytes') });
    expect((await client.call(FRAME.execute, 3, body({ value: 1 }))).value).toBe(1);
  });

  it.each([
    ['text', 'long', 'result has more than 256 MiB as JSON'],
    ['places of bytes', 'named', 'their names have more than 16 MiB'],
  ])('refuse a result whose %s one frame cannot hold, and go on', async (_what, kind, message) => {
    const client = open();
    const length = (kind === 'long' ? 256 : 16) * 2 ** 20;
    expect((await client.call(FRAME.execute, 1, body({ do: kind, length }))).value).toMatchObject({
      type: 'SerializeError',
      message: expect.stringContaining(message),
    });
    expect((await client.call(FRAME.execute, 2, body({ value: 1 }))).value).toBe(1);
  });

  it('run at once on a shared connection, and are answered in any order', async () => {
    const client = open(true);
    const first = client.call(FRAME.execute, 1, body({ do: 'wait', name: 'first' }));
    await client.find(({ type, call }) => type === FRAME.progress && call === 1);
    expect((await client.call(FRAME.execute, 2, body({ do: 'wake', name: 'first' }))).value).toBe('woken');
    expect((await first).value).toBe('first');
    expect(client.frames.findIndex(({ call }) => call === 2)).toBeGreaterThan(-1);
  });

  it('keep a last frame that is too long for a shared connection until it is fetched', async () => {
    const [shared, other] = [open(true), open()];
    const fits = 'x'.repeat(MAX_SHARED_BYTES - 2);
    expect((await shared.call(FRAME.execute, 1, body({ do: 'long', length: fits.length }))).value).toBe(fits);
    expect((await shared.call(FRAME.execute, 2, body({ do: 'long', length: fits.length + 1 }))).type).toBe(FRAME.large);
    expect(await other.call(FRAME.fetch, 2, undefined)).toEqual({ type: FRAME.result, call: 2, value: `${fits}x` });
    other.send(FRAME.fetch, 2, undefined);
    await other.closed;
  });

  it('drop what has not been fetched when its shared connection closes', async () => {
    const [shared, other] = [open(true), open()];
    await shared.call(FRAME.execute, 1, body({ do: 'long', length: 300_000 }));
    shared.socket.destroy();
    await serves();
    other.send(FRAME.fetch, 1, undefined);
    await other.closed;
    expect(other.of(1, FRAME.result)).toEqual([]);
  });

  it('are cancelled by the identifier in their body', async () => {
    const client = open(true);
    const waiting = client.call(FRAME.execute, 9, body({ do: 'wait', name: 'x' }, { call: 'named' }));
    await client.find(({ type }) => type === FRAME.progress);
    const { body: outcome } = await worker.send('POST', 'control:/cancel', { call: 'named' });
    expect(JSON.parse(outcome)).toEqual({ outcome: 'requested' });
    expect(await waiting).toMatchObject({ type: FRAME.error, value: { type: 'AbortError' } });
  });

  it('are aborted when their connection closes', async () => {
    const log = output();
    const client = open();
    client.send(FRAME.execute, 1, body({ do: 'reason' }));
    await client.find(({ type }) => type === FRAME.progress);
    client.socket.destroy();
    await eventuallyTrue(() => log().includes('ended: The caller is gone.'));
    const other = open();
    other.send(FRAME.stream, 1, body({ slowly: true }));
    await other.find(({ type }) => type === FRAME.chunks);
    other.socket.end();
    await eventuallyTrue(() => log().includes('returned'));
    await serves();
  });

  it('are answered although the plugin has replaced what answers might need', async () => {
    const meddling = await start('unix', meddlingModule);
    const client = open(false, meddling);
    const value = { n: 2n ** 60n, bytes: Buffer.from('x'), text: 'é' };
    expect((await client.call(FRAME.execute, 1, body({ value }))).value).toEqual(value);
    await client.call(FRAME.stream, 2, body({ count: 5 }));
    expect(client.of(2, FRAME.chunks).flat()).toHaveLength(5);
    expect((await client.call(FRAME.execute, 3, body({ ticks: false, value: 3 }))).value).toBe(3);
    expect((await client.call(FRAME.execute, 4, body({ value: 4 }))).value).toBe(4);
  });

  it('are not produced for a reader that has stopped', async () => {
    const client = open();
    client.send(FRAME.stream, 1, body({ megabytes: 500 }));
    await client.find(({ type }) => type === FRAME.chunks);
    client.socket.pause();
    await serves();
    const before = residentMegabytes();
    await serves();
    await serves();
    expect(residentMegabytes() - before).toBeLessThan(50);
    const received = client.of(1, FRAME.chunks).length;
    expect(received).toBeLessThan(100);
    client.socket.resume();
    await client.find(() => client.of(1, FRAME.chunks).length > received + 20);
    client.socket.destroy();
  });
});

describe('the host program of Node plugins closes a connection for frames', () => {
  it.each([
    ['with a wrong token', (client: FramedClient) => client.hello('wrong')],
    ['that begins with another frame', (client: FramedClient) => client.send(FRAME.execute, 1, body({}))],
    ['whose hello is no JSON', (client: FramedClient) => client.sender.send(FRAME.hello, 0, 'null')],
    ['whose first frame is long', (client: FramedClient) => client.socket.write(head(FRAME.hello, 0, 100_000, 8_000))],
  ])('%s, without an answer', async (_what, act) => {
    const client = new FramedClient(worker.handshake.frames!);
    act(client);
    await client.closed;
    expect(client.frames).toEqual([]);
    await serves();
  });

  const waits = body({ do: 'wait', name: 'x' });
  it.each<[string, boolean, (client: FramedClient) => void]>([
    ['a second hello', false, (client) => client.hello('x')],
    ['a frame of a worker', false, (client) => client.send(FRAME.result, 1, null)],
    ['a frame of an unknown type', true, (client) => client.send(99, 1, body({}))],
    ['a call without a number', true, (client) => client.send(FRAME.execute, 0, waits)],
    ['a stream on a shared connection', true, (client) => client.send(FRAME.stream, 1, body({}))],
    ['a fetch on a shared connection', true, (client) => client.send(FRAME.fetch, 1, undefined)],
    ['a fetch of nothing', false, (client) => client.send(FRAME.fetch, 1, undefined)],
    ['a long call on a shared one', true, (client) => client.send(FRAME.execute, 1, body({ x: 'ä'.repeat(140_000) }))],
    ['a frame that is too long', false, (client) => client.socket.write(head(FRAME.execute, 1, 2 ** 31, 20))],
    [
      'a text that is not UTF-8',
      false,
      (client) => client.socket.write(Buffer.concat([head(FRAME.execute, 1, 3, 20), Buffer.from('"\xff"', 'latin1')])),
    ],
  ])('for %s, and serves others', async (_what, shared, act) => {
    const log = output();
    const client = open(shared);
    await client.find(({ type }) => type === FRAME.welcome);
    act(client);
    await client.closed;
    await eventuallyTrue(() => log().includes('A connection for calls was closed, as it sent '));
    await serves();
  });

  it.each([
    ['a second call on a connection that is not shared', false, 2],
    ['a second call of the same number', true, 1],
  ])('for %s, and aborts the calls on it', async (_what, shared, second) => {
    const log = output();
    const client = open(shared);
    client.send(FRAME.execute, 1, body({ do: 'reason' }));
    await client.find(({ type }) => type === FRAME.progress);
    client.send(FRAME.execute, second, body({ do: 'reason' }));
    await client.closed;
    await eventuallyTrue(() => log().includes('ended: The caller is gone.'));
    await serves();
  });
});

/** A frame that is so many bytes long, of which only the head is right. */
function head(type: number, call: number, textLength: number, size: number): Buffer {
  const frame = Buffer.alloc(size);
  for (const [at, number] of [type, call, textLength].entries()) frame.writeUInt32LE(number, at * 4);
  return frame;
}

/** What the worker says on standard error from now on. */
function output(): () => string {
  const from = said.length;
  return () => said.slice(from);
}

function residentMegabytes(): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
