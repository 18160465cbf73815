import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FRAME } from '../../src/framing/frame.ts';
import { FramedClient } from '../node-sdk/framed-client.ts';
import { PythonWorker, TOKEN } from './worker.ts';

const running: PythonWorker[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

function start(concurrency = 1, module = 'framed', className = 'Framed'): PythonWorker {
  const worker = new PythonWorker({ module, class: className }, concurrency, [], [1, 2]);
  running.push(worker);
  return worker;
}

/** The body of a call that does something of the fixture. */
function body(what: string, kwargs: object = {}, call = 'call'): object {
  return { call, args: [], kwargs: { do: what, ...kwargs } };
}

async function cancel(worker: PythonWorker, call: string): Promise<string> {
  return JSON.parse((await worker.send('control:/cancel', { call })).text).outcome;
}

/** Resolves once the main thread does nothing any more: it took no time while `/health` was answered some times. */
async function mainThreadSleeps(worker: PythonWorker): Promise<void> {
  const pid = worker.child.pid;
  let seen = '';
  for (let same = 0; same < 20; ) {
    await worker.send('control:/health');
    const now = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
    same = now === seen ? same + 1 : 0;
    seen = now;
  }
}

describe('values in frames', () => {
  it('are integers of any size, exactly, both ways, and floats that stay floats', async () => {
    const client = await start().frames();
    const value = [2n ** 53n, 2n ** 63n, -(2n ** 63n) - 1n, 10n ** 30n, 1e20, 1.5, -1];
    expect((await client.call(FRAME.execute, 1, body('echo', { value }))).value).toEqual(value);
    expect((await client.call(FRAME.execute, 2, body('kinds', { value }))).value).toEqual([
      ...['int', 'int', 'int', 'int', 'float', 'float', 'int'],
    ]);
    const [now, digits] = (await client.call(FRAME.execute, 3, body('now'))).value as [bigint, string];
    expect(typeof now).toBe('bigint');
    expect(String(now)).toBe(digits);
    expect((await client.call(FRAME.execute, 4, body('echo', { value: now }))).value).toBe(now);
    expect(await client.call(FRAME.execute, 5, body('number', { expression: '10**5000' }))).toMatchObject({
      type: FRAME.error,
      value: { type: 'SerializeError', message: expect.stringMatching(/^result is an integer of 16610 bits/) },
    });
  });

  it('are bytes at any depth, which a tool gets as bytes', async () => {
    const client = await start().frames();
    const value = [Buffer.from('a'), { deep: [Buffer.alloc(0), null] }, Buffer.alloc(100_000, 'b')];
    expect((await client.call(FRAME.execute, 1, body('echo', { value }))).value).toEqual(value);
    expect((await client.call(FRAME.execute, 2, body('kinds', { value }))).value).toEqual(['bytes', 'dict', 'bytes']);
    const twice = { call: 'c', tool: 'twice', args: [Buffer.from([0, 255])], kwargs: {} };
    expect((await client.call(FRAME.execute, 3, twice)).value).toEqual(Buffer.from([0, 255, 0, 255]));
    expect((await client.call(FRAME.execute, 4, body('changed'))).value).toEqual([
      Buffer.from('before'),
      { data: Buffer.from('bhn') },
    ]);
    expect((await client.call(FRAME.execute, 5, body('files'))).value).toEqual([
      '/tmp/1',
      { data: Buffer.from('x'), file: '/tmp/3' },
      '/tmp/4',
    ]);
  });

  it('are bytes and large integers in the details of an error too', async () => {
    const client = await start().frames();
    const { type, value } = await client.call(FRAME.execute, 1, body('reject'));
    expect(type).toBe(FRAME.error);
    expect(value).toMatchObject({ type: 'ValueError', details: { at: [Buffer.from([0, 255]), 2n ** 70n] } });
  });

  it('of 8 MiB come back byte for byte a hundred times, and the memory of the worker stays as it was', async () => {
    const worker = start();
    const client = await worker.frames();
    const value = randomBytes(8 * 1024 * 1024);
    let before = 0;
    for (let number = 1; number <= 100; number += 1) {
      const result = await client.call(FRAME.execute, number, body('echo', { value }));
      client.frames.length = 0;
      if (Buffer.compare(result.value as Buffer, value) !== 0) throw new Error(`call ${number} changed the bytes`);
      if (number === 10) before = worker.memory();
    }
    expect(worker.memory() - before).toBeLessThan(24);
  });

  it('leave a message of progress short enough for every connection', async () => {
    const client = await start(2).frames(true);
    await client.call(FRAME.execute, 1, body('report'));
    expect(client.of(1, FRAME.progress)).toMatchObject([{ message: expect.stringContaining('left out') }]);
  });
});

describe('calls in frames', () => {
  it('that run at once are answered as they end', async () => {
    const worker = start(2);
    const client = await worker.frames(true);
    client.send(FRAME.execute, 1, body('meet', { first: true }));
    await worker.printed(/waits/);
    client.send(FRAME.execute, 2, body('meet_all'));
    await client.last(1);
    expect(client.frames.slice(1).map(({ call }) => call)).toEqual([2, 1]);
  });

  it('that were cancelled before they began are answered, where another call waits for a thread', async () => {
    const worker = start(2);
    const client = await worker.frames(true);
    for (const number of [1, 2]) client.send(FRAME.execute, number, body('meet', { first: true }, `c${number}`));
    await worker.printed(/waits[^]*waits/);
    client.send(FRAME.execute, 3, body('echo', { value: 1 }, 'third'));
    // Unknown where it has not been read yet: it is not begun then either.
    expect(['requested', 'unknown']).toContain(await cancel(worker, 'third'));
    expect(await client.last(3)).toMatchObject({ type: FRAME.error, value: { type: 'Cancelled' } });
  });

  it('that were cancelled before the main thread has read them do not begin', async () => {
    const worker = start();
    const first = await worker.frames();
    const second = await worker.frames();
    first.send(FRAME.execute, 1, body('pause'));
    await worker.printed(/paused/);
    second.send(FRAME.execute, 2, body('echo', { value: 'ran' }, 'second'));
    expect(await cancel(worker, 'second')).toBe('unknown');
    worker.child.kill('SIGUSR1');
    expect(await first.last(1)).toMatchObject({ value: 'resumed' });
    expect(await second.last(2)).toMatchObject({ type: FRAME.error, value: { type: 'Cancelled' } });
    expect(await second.call(FRAME.execute, 3, body('echo', { value: 'ran' }, 'third'))).toMatchObject({
      value: 'ran',
    });
  });

  it.each([1, 2])('that run are cancelled, awaited or streamed (concurrency %i)', async (concurrency) => {
    const worker = start(concurrency);
    const client = await worker.frames();
    client.send(FRAME.execute, 1, body('linger'));
    await worker.printed(/lingers/);
    expect(await cancel(worker, 'call')).toBe('requested');
    expect(await client.last(1)).toMatchObject({ value: { type: 'Cancelled' } });
    client.send(FRAME.stream, 2, { call: 'stream', kwargs: { count: 1, endless: true } });
    await client.find(({ type }) => type === FRAME.chunks);
    expect(await cancel(worker, 'stream')).toBe('requested');
    expect(await client.last(2)).toMatchObject({ value: { type: 'Cancelled' } });
    await worker.printed(/closed/);
  });

  it.each([1, 2])('end when their connection closes, awaited or streamed (concurrency %i)', async (concurrency) => {
    const worker = start(concurrency);
    const awaited = await worker.frames();
    awaited.send(FRAME.execute, 1, body('linger'));
    await worker.printed(/lingers/);
    awaited.socket.destroy();
    await worker.printed(/left/);
    const streamed = await worker.frames();
    streamed.send(FRAME.stream, 2, { call: 'stream', kwargs: { count: 1, endless: true } });
    await streamed.find(({ type }) => type === FRAME.chunks);
    streamed.socket.destroy();
    await worker.printed(/closed/);
    const client = await worker.frames();
    expect(await client.call(FRAME.execute, 3, body('echo', { value: 'on' }))).toMatchObject({ value: 'on' });
  });

  it.each([1, 2])('stop producing while their reader has stopped (concurrency %i)', async (concurrency) => {
    const worker = start(concurrency);
    const client = await worker.frames();
    await client.call(FRAME.execute, 1, body('echo', { value: 1 }));
    const before = worker.memory();
    client.send(FRAME.stream, 2, { call: 's', kwargs: { count: 8_000, size: 64 * 1024 } });
    await client.find(({ type }) => type === FRAME.chunks);
    client.socket.pause();
    await mainThreadSleeps(worker);
    let count = 0;
    client.socket.on('data', () => {
      count += client.of(2, FRAME.chunks).flat().length;
      client.frames.length = Math.min(client.frames.length, 0);
    });
    client.socket.resume();
    await worker.printed(/closed/);
    expect(worker.memory('VmHWM') - before).toBeLessThan(48);
    expect(count).toBeGreaterThan(0);
  });

  it.each(['returns', 'raises', 'runs_what_is_not_there', 'twice', 'awaits', 'holds'])(
    'whose plugin forks are answered by the worker alone: %s',
    async (how) => {
      const expected = { raises: 1, runs_what_is_not_there: 1, twice: 5 }[how] ?? 0;
      for (const concurrency of [1, 2]) {
        const client = await start(concurrency, 'forking', 'Forking').frames();
        const call = { call: 'c', args: [how], kwargs: {} };
        expect((await client.call(FRAME.execute, 1, call)).value).toBe(expected);
        expect((await client.call(FRAME.execute, 2, call)).value).toBe(expected);
        expect(client.frames.filter(({ type }) => type === FRAME.result)).toHaveLength(2);
      }
    },
  );
});

describe('the main thread that reads calls itself', () => {
  it('answers what comes over HTTP while no call runs, before the first call and after it', async () => {
    const worker = start();
    expect(JSON.parse((await worker.send('/tools')).text)).toMatchObject({
      tools: [{ name: 'execute' }, { name: 'twice' }],
    });
    const client = await worker.frames();
    for (const number of [1, 2, 3]) {
      expect(JSON.parse((await worker.send('/config')).text)).toEqual({ main: true });
      expect(await client.call(FRAME.execute, number, body('echo', { value: number }))).toMatchObject({
        value: number,
      });
    }
  });

  it('does the same where the system has no poll', async () => {
    const worker = start(1, 'unpolled', 'Unpolled');
    const client = await worker.frames();
    expect(await client.call(FRAME.execute, 1, body('echo', { value: 1 }))).toMatchObject({ value: 1 });
    expect(JSON.parse((await worker.send('/config')).text)).toEqual({ main: true });
    client.send(FRAME.execute, 2, body('linger'));
    await worker.printed(/lingers/);
    client.socket.destroy();
    await worker.printed(/left/);
    const next = await worker.frames();
    expect(await next.call(FRAME.execute, 3, body('echo', { value: 'on' }))).toMatchObject({ value: 'on' });
  });

  it('outlives a signal handler that raises between two calls', async () => {
    const worker = start();
    const client = await worker.frames();
    await client.call(FRAME.execute, 1, body('trap'));
    await mainThreadSleeps(worker);
    worker.child.kill('SIGUSR1');
    await worker.complained(/an exception outside of any call[^]*trapped/);
    expect(await client.call(FRAME.execute, 2, body('echo', { value: 'on' }))).toMatchObject({ value: 'on' });
  });

  it.each(['look', 'finish', 'end'])(
    'makes what a handler raises in its steps the error of the call: %s',
    async (at) => {
      const client = await start(1, 'shapes', 'Duck').frames();
      expect(await client.call(FRAME.execute, 1, body('alarm', { at }))).toMatchObject({
        type: FRAME.error,
        value: { type: 'RuntimeError', message: 'the alarm went off' },
      });
      expect(await client.call(FRAME.execute, 2, body('size', { text: 'abc' }))).toMatchObject({ value: 3 });
    },
  );

  it('ends the worker where part of an answer may have been sent', async () => {
    const worker = start(1, 'shapes', 'Duck');
    const client = await worker.frames();
    await expect(client.call(FRAME.execute, 1, body('alarm', { at: '_send' }))).rejects.toThrow();
    expect((await worker.exited).code).toBe(1);
    expect(worker.errors).toContain('a call could not be answered');
  });

  it.each([1, 2])(
    'closes the connection where a part of a stream may have been sent (concurrency %i)',
    async (concurrency) => {
      const worker = start(concurrency);
      const client = await worker.frames();
      client.send(FRAME.stream, 1, { call: 's', kwargs: { count: 1, alarm: true } });
      await client.closed;
      const next = await worker.frames();
      expect(await next.call(FRAME.execute, 2, body('say'))).toMatchObject({ value: 'said' });
    },
  );

  it('keeps its connections off the standard descriptors that a plugin has closed', async () => {
    const worker = start();
    const client = await worker.frames();
    await client.call(FRAME.execute, 1, body('close_standard'));
    // The system gives the number of the next connection before there is one.
    await worker.frames().then((next) => next.call(FRAME.execute, 2, body('echo', { value: 1 })));
    for (const number of [3, 4, 5]) {
      const next = await worker.frames();
      expect(await next.call(FRAME.execute, number, body('say'))).toMatchObject({ value: 'said' });
    }
    await worker.printed(/said\nsaid\nsaid\n/);
  });
});

describe('a connection for frames', () => {
  let worker: PythonWorker;

  beforeAll(() => {
    worker = start(2);
    running.splice(running.indexOf(worker), 1);
  });

  afterAll(() => worker.stop());

  it.each([
    [
      'a stream where many calls run',
      'a frame of type 3',
      true,
      (client: FramedClient) => client.send(FRAME.stream, 1, {}),
    ],
    [
      'a fetch where many calls run',
      'a frame of type 4',
      true,
      (client: FramedClient) => client.send(FRAME.fetch, 1, undefined),
    ],
    [
      'a long frame where many calls run',
      'a frame of 307200 bytes',
      true,
      (client: FramedClient) => sendHead(client, [2, 1, 300 * 1024, 0, 0]),
    ],
    [
      'the number of a call that runs',
      'a call 1 beside another',
      true,
      (client: FramedClient) => sendTwice(client, 1, 1),
    ],
    [
      'a second call where one runs',
      'a call 2 beside another',
      false,
      (client: FramedClient) => sendTwice(client, 1, 2),
    ],
    [
      'a call without a number',
      'a call 0',
      false,
      (client: FramedClient) => client.send(FRAME.execute, 0, body('echo')),
    ],
    [
      'more text than a frame has',
      'a frame of 268435457 bytes',
      false,
      (client: FramedClient) => sendHead(client, [2, 1, 2 ** 28 + 1, 0, 0]),
    ],
    [
      'more places than a frame has',
      'a frame of 16777219 bytes',
      false,
      (client: FramedClient) => sendHead(client, [2, 1, 2, 2 ** 24 + 1, 0]),
    ],
    [
      'more bytes than a frame has',
      'a frame of 4294967297 bytes',
      false,
      (client: FramedClient) => sendHead(client, [2, 1, 2, 0, 2 ** 32 - 1]),
    ],
    [
      'text that is not UTF-8',
      'a text that is not UTF-8',
      false,
      (client: FramedClient) => sendHead(client, [2, 1, 1, 0, 0], 0xff),
    ],
  ])('is closed for %s, and the log says why', async (_what, why, shared, send) => {
    const client = await worker.frames(shared);
    send(client);
    await client.closed;
    await worker.complained(new RegExp(`a connection for calls is closed: ${why}`));
    const next = await worker.frames();
    expect(await next.call(FRAME.execute, 1, body('echo', { value: 'on' }))).toMatchObject({ value: 'on' });
  });

  it.each([
    ['{', 'the body is not JSON'],
    ['[]', 'the body must be a JSON object'],
    ['{"call":1}', 'a call must be'],
    [' {"call":"c","args":[null]} ', 'do not fit it: it has bytes without a place', '[]', 'x'],
    ['{"call":"c","args":[null]}', 'do not fit it: its places take more bytes', '[[["args",0],2]]', 'x'],
    ['{"call":"c","args":[1]}', 'there is no null for bytes at ["args", 0]', '[[["args",0],1]]', 'x'],
    ['{"call":"c","args":[null]}', 'there is no place -1 for bytes', '[[["args",-1],1]]', 'x'],
    ['{"call":"c","args":[null]}', 'its list of places is not JSON', '[[', 'x'],
  ])('goes on after a body that is wrong: %s', async (text, message, places = '', bytes = '') => {
    const client = await worker.frames();
    const head = [FRAME.execute, 1, text.length, places.length, bytes.length];
    sendHead(client, head, ...Buffer.from(text + places + bytes));
    expect(await client.last(1)).toMatchObject({
      type: FRAME.error,
      value: { type: 'BadRequest', category: 'input', message: expect.stringContaining(message) },
    });
    expect(await client.call(FRAME.execute, 2, body('echo', { value: 'on' }))).toMatchObject({ value: 'on' });
  });

  it.each([1, 2])('is read in whatever pieces its bytes come (concurrency %i)', async (concurrency) => {
    const { frames } = await start(concurrency).ready;
    const client = new FramedClient(frames as string);
    const text = JSON.stringify({ token: TOKEN, shared: false });
    const call = JSON.stringify(body('echo', { value: 'slow' }));
    const bytes = Buffer.concat([
      head([1, 0, text.length, 0, 0]),
      Buffer.from(text),
      head([2, 1, call.length, 0, 0]),
      Buffer.from(call),
    ]);
    client.socket.setNoDelay();
    for (const byte of bytes) {
      await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
    }
    expect(await client.last(1)).toMatchObject({ value: 'slow' });
    client.socket.destroy();
  });

  it('that is shared drops what nobody has fetched when it closes', async () => {
    const large = body('number', { expression: '"x" * 300000' });
    const shared = await worker.frames(true);
    const single = await worker.frames();
    expect(await shared.call(FRAME.execute, 1, large)).toMatchObject({ type: FRAME.large });
    expect((await single.call(FRAME.fetch, 1, undefined)).value).toBe('x'.repeat(300_000));
    expect(await shared.call(FRAME.execute, 2, large)).toMatchObject({ type: FRAME.large });
    const left = worker.output.length;
    shared.send(FRAME.execute, 3, body('linger'));
    await worker.printed(new RegExp(`^[^]{${left}}[^]*lingers`));
    shared.socket.destroy();
    await worker.printed(new RegExp(`^[^]{${left}}[^]*left`));
    single.send(FRAME.fetch, 2, undefined);
    await single.closed;
    expect(single.of(2, FRAME.result)).toEqual([]);
  });
});

function head(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(20);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, at * 4);
  return bytes;
}

function sendHead(client: FramedClient, numbers: readonly number[], ...rest: readonly number[]): void {
  client.sender.flush();
  client.socket.write(Buffer.concat([head(numbers), Buffer.from(rest)]));
}

function sendTwice(client: FramedClient, first: number, second: number): void {
  for (const number of [first, second]) client.send(FRAME.execute, number, body('linger'));
}
