import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FIXTURES, framesOf, PACKAGE, PYTHON, PythonWorker, valueOf } from './worker.ts';

const running: PythonWorker[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

function launch(module: string, className?: string, concurrency?: number): PythonWorker {
  const worker = new PythonWorker(className === undefined ? { module } : { module, class: className }, concurrency);
  running.push(worker);
  return worker;
}

async function start(className: string, concurrency?: number): Promise<PythonWorker> {
  const worker = launch('shapes', className, concurrency);
  expect((await worker.send('/initialize', { config: {} })).status).toBe(200);
  return worker;
}

describe('starting', () => {
  it('prints the handshake as a line of its own, although the plugin printed before it', async () => {
    const worker = launch('shapes', 'Duck');
    expect(await worker.ready).toMatchObject({ nonce: 'a nonce', pid: worker.child.pid, sdk: 'python/0.1.0' });
    expect(worker.output).toMatch(/^printed without a line break\n/);
  });

  it('ends with status 1 and the traceback when the import fails, although the plugin left a thread', async () => {
    const worker = launch('broken', 'Any');
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.errors).toContain('RuntimeError: no such model');
    expect(worker.errors).not.toContain(PACKAGE);
  });

  it('names the classes that are there when the class is not', async () => {
    const worker = launch('shapes', 'Nobody');
    expect((await worker.exited).code).toBe(1);
    expect(worker.errors).toMatch(/no class 'Nobody' in shapes; classes there: Duck, Stream/);
  });

  it('takes the only class with execute, also from a file', async () => {
    const worker = launch(`${FIXTURES}/single.py`);
    expect(valueOf(await worker.execute(), 'result')).toBe('Duck');
  });

  it('leaves a plugin its own modules, although the worker has some of the same names', async () => {
    const worker = launch(`${FIXTURES}/alike/worker.py`);
    expect(valueOf(await worker.execute(), 'result')).toEqual(['errors of the plugin', 'log of the plugin']);
  });

  it('asks for a class where several could be meant', async () => {
    const worker = launch('shapes');
    expect((await worker.exited).code).toBe(1);
    expect(worker.errors).toContain('must name the class');
  });

  it('is Python 3.9', () => {
    const check =
      'import ast, sys; [ast.parse(open(f, encoding="utf-8").read(), f, feature_version=(3, 9)) for f in sys.argv[1:]]';
    const modules = readdirSync(PACKAGE).filter((file) => file.endsWith('.py'));
    expect(modules).toContain('__init__.py');
    expect(spawnSync(PYTHON, ['-c', check, ...modules.map((file) => join(PACKAGE, file))]).status).toBe(0);
  });
});

describe('plugin code', () => {
  it('runs on the main thread', async () => {
    const worker = await start('Duck');
    expect(valueOf(await worker.execute(), 'result')).toBe(true);
  });

  it('finds its standard input empty, not the lifeline', async () => {
    const worker = await start('Duck');
    expect(valueOf(await worker.execute({ do: 'read_stdin' }), 'result')).toBe('');
  });

  it('may print 10 MB', async () => {
    const worker = await start('Duck');
    expect(valueOf(await worker.execute({ do: 'print', bytes: 10_000_000 }), 'result')).toBe(10_000_000);
  });

  it.each([false, true])('takes 30 MB (chunked: %s)', async (chunked) => {
    const worker = await start('Duck');
    const kwargs = { do: 'size', text: 'x'.repeat(30_000_000) };
    const reply = await worker.send('/execute', { call: 'c', args: [], kwargs }, chunked);
    expect(valueOf(reply, 'result')).toBe(30_000_000);
  });

  it('may be asynchronous, with one event loop for all calls', async () => {
    const worker = await start('Asynchronous');
    expect(valueOf(await worker.execute(), 'result')).toBe(true);
    const reply = await worker.send('/execute_stream', { call: 'c' });
    expect(framesOf(reply)).toEqual([{ chunk: 0 }, { chunk: 1 }, { chunk: 2 }, { end: true }]);
  });

  it('may be a class with slots and nothing but execute', async () => {
    const worker = await start('Slots');
    expect(valueOf(await worker.execute(), 'result')).toBe('sealed');
    expect(JSON.parse((await worker.send('/config')).text)).toEqual({});
    expect(JSON.parse((await worker.send('/release', {})).text)).toEqual({ outcome: 'unsupported' });
    expect((await worker.send('/cleanup', {})).status).toBe(200);
  });
});

describe('results', () => {
  it.each([
    ['values', { path: '/a/b', when: '2020-01-02', inner: { numbers: [1, 2], set: [3] } }],
    ['file', { audio: '/tmp/audio.wav' }],
    ['array', [0.5, 1.5]],
    ['generate', [0, 1, 2]],
  ])('are made JSON: %s', async (what, expected) => {
    const worker = await start('Duck');
    expect(valueOf(await worker.execute({ do: what }), 'result')).toEqual(expected);
  });

  it.each([
    ['nan', /result\.list\[0\] is nan/],
    ['bytes', /result\.list\[0\]: bytes/],
    ['object', /result\.list\[0\]: a value of type object/],
    ['key', /result\.list\[0\] has a key of type tuple/],
    ['circle', /contains itself/],
  ])('that cannot be JSON are a typed error with the place: %s', async (kind, message) => {
    const worker = await start('Duck');
    const error = valueOf(await worker.execute({ do: 'bad', kind }), 'error');
    expect(error).toMatchObject({ type: 'SerializeError', category: 'input', message: expect.stringMatching(message) });
  });
});

describe('errors', () => {
  it.each([
    ['exit', 500, { type: 'SystemExit', category: 'fatal' }],
    ['interrupt', 500, { type: 'KeyboardInterrupt', category: 'fatal' }],
    ['generator', 500, { type: 'GeneratorExit', category: 'fatal' }],
    ['memory', 507, { type: 'MemoryError', category: 'resource', retryable: true }],
    ['cuda', 507, { type: 'OutOfMemoryError', category: 'resource', retryable: true }],
    ['connection', 503, { type: 'ConnectionRefusedError', category: 'transient', retryable: true }],
    ['timeout', 503, { type: 'TimeoutError', category: 'transient' }],
    ['asyncio', 503, { type: 'TimeoutError', category: 'transient' }],
    ['unprintable', 500, { type: 'Unprintable', message: 'a Unprintable whose message cannot be read' }],
    ['untouchable', 500, { type: 'Untouchable', message: 'a Untouchable whose message cannot be read' }],
    ['meta', 500, { type: 'Guarded', message: 'wrong', category: 'fatal' }],
    ['typed', 400, { type: 'Typed', category: 'input', retryable: true, details: { field: 'audio' } }],
    ['plain', 500, { type: 'ValueError', message: 'wrong', category: 'fatal', retryable: false }],
  ])('of the plugin are described and leave the worker alive: %s', async (kind, status, error) => {
    const worker = await start('Duck');
    const reply = await worker.execute({ do: 'fail', kind });
    expect(reply.status).toBe(status);
    expect(valueOf(reply, 'error')).toMatchObject(error);
    expect(reply.text).not.toContain(PACKAGE);
    expect(valueOf(await worker.execute({ do: 'size', text: 'abc' }), 'result')).toBe(3);
  });
});

describe('an exception in the midst of the steps of the worker, as a signal handler raises it', () => {
  it.each(['look', 'finish', 'end'])('is the error of the call: %s', async (at) => {
    const worker = await start('Duck');
    const reply = await worker.execute({ do: 'alarm', at });
    expect(valueOf(reply, 'error')).toMatchObject({ type: 'RuntimeError', message: 'the alarm went off' });
    expect(valueOf(await worker.execute({ do: 'size', text: 'abc' }), 'result')).toBe(3);
  });

  it('ends the worker where part of the answer may have been sent', async () => {
    const worker = await start('Duck');
    await expect(worker.execute({ do: 'alarm', at: 'answer' })).rejects.toThrow();
    expect((await worker.exited).code).toBe(1);
    expect(worker.errors).toContain('a call could not be answered');
  });
});

describe('progress', () => {
  it('of report_progress comes once for each value', async () => {
    const worker = await start('WithBase');
    expect(framesOf(await worker.execute({ how: 'method' }))).toEqual([
      { progress: 0.1, message: 'reported' },
      { progress: 0.2, message: 'reported' },
      { result: 'method' },
    ]);
  });

  it('of attributes comes before the result', async () => {
    const worker = await start('WithBase');
    expect(framesOf(await worker.execute({ how: 'attributes' }))).toEqual([
      { progress: 0.75, message: 'set' },
      { result: 'attributes' },
    ]);
    expect(await worker.execute({ how: 'none' })).toMatchObject({
      type: 'application/json',
      text: '{"result":"none"}',
    });
  });
});

describe('control beside a call that computes', () => {
  it('answers health and cancel, and the lifeline ends it', async () => {
    const worker = await start('Duck');
    const broken = expect(worker.execute({ do: 'spin' }, 'spinning')).rejects.toThrow();
    await worker.printed(/spinning/);
    const health = await worker.send('control:/health');
    expect(JSON.parse(health.text)).toMatchObject({ status: 'ok', name: 'duck', version: '1.2.3' });
    const cancelled = await worker.send('control:/cancel', { call: 'spinning' });
    expect(JSON.parse(cancelled.text)).toEqual({ outcome: 'unsupported' });
    worker.child.stdin.end();
    expect((await worker.exited).code).toBe(1);
    await broken;
  });

  it('survives a cancel() that raises', async () => {
    const worker = await start('WithBase');
    const socket = await worker.raw('/execute', { call: 'waiting', args: [], kwargs: { how: 'wait' } });
    await once(socket, 'data');
    const cancelled = await worker.send('control:/cancel', { call: 'waiting' });
    expect(JSON.parse(cancelled.text)).toEqual({ outcome: 'requested' });
    expect((await worker.send('control:/health')).status).toBe(200);
    socket.destroy();
  });

  it('drops a call that has not begun, and answers it at once', async () => {
    const worker = await start('Duck');
    const spinning = await worker.raw('/execute', { call: 'first', args: [], kwargs: { do: 'spin' } });
    await worker.printed(/spinning/);
    const second = await worker.raw('/execute', { call: 'second', args: [], kwargs: {} });
    const answered = once(second, 'data');
    const cancel = async (): Promise<string> =>
      JSON.parse((await worker.send('control:/cancel', { call: 'second' })).text).outcome;
    let outcome = await cancel();
    // The worker may not have read the second call yet.
    while (outcome === 'unknown') outcome = await cancel();
    expect(outcome).toBe('requested');
    expect(String((await answered)[0])).toContain('"type":"Cancelled"');
    spinning.destroy();
    second.destroy();
  });
});

describe('streams', () => {
  it('gather chunks and lose none', async () => {
    const worker = await start('Stream');
    const frames = framesOf(await worker.send('/execute_stream', { call: 'c', kwargs: { count: 20_000 } }));
    expect(frames).toHaveLength(20_001);
    expect(frames[19_999]).toEqual({ chunk: { i: 19_999, text: 'chunk' } });
    expect(frames.at(-1)).toEqual({ end: true });
  });

  it('are closed when they are cancelled', async () => {
    const worker = await start('Stream');
    const stream = worker.send('/execute_stream', { call: 'endless', kwargs: { count: 1, endless: true } });
    const cancel = async (): Promise<string> =>
      JSON.parse((await worker.send('control:/cancel', { call: 'endless' })).text).outcome;
    while ((await cancel()) === 'unknown');
    await stream.then((reply) => expect(framesOf(reply).at(-1)).toMatchObject({ error: { type: 'Cancelled' } }));
  });

  it('are closed when the client leaves', async () => {
    const worker = await start('Stream');
    const socket = await worker.raw('/execute_stream', { call: 'endless', kwargs: { count: 1, endless: true } });
    await once(socket, 'data');
    socket.destroy();
    await worker.printed(/^closed$/m);
    const reply = await worker.send('/execute_stream', { call: 'next', kwargs: { count: 1 } });
    expect(framesOf(reply)).toHaveLength(2);
  });
});

it('ignores SIGINT and ends on SIGTERM while it computes', async () => {
  const worker = await start('Duck');
  const socket = await worker.raw('/execute', { call: 'c', args: [], kwargs: { do: 'spin' } });
  socket.on('error', () => {});
  await worker.printed(/spinning/);
  worker.child.kill('SIGINT');
  expect((await worker.send('control:/health')).status).toBe(200);
  worker.child.kill('SIGTERM');
  expect((await worker.exited).signal).toBe('SIGTERM');
});
