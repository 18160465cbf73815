import { EventEmitter, once } from 'node:events';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Tool, UNKNOWN_TOOL } from '../../src/protocol.ts';
import { type Answer, framesOf, type RequestOptions, type RunningWorker, startWorker } from './driver.ts';
import { WORKERS } from './workers.ts';

const running: RunningWorker[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

describe.each(WORKERS)('the protocol, spoken by $name', ({ program, threaded }) => {
  let shared: Promise<RunningWorker> | undefined;

  afterAll(async () => (await shared)?.stop());

  /** The worker of all tests that leave it as they found it. */
  function sharedWorker(): Promise<RunningWorker> {
    shared ??= startWorker(program).then(initialized);
    return shared;
  }

  /** A worker for one test. */
  async function start(transport?: 'unix' | 'tcp'): Promise<RunningWorker> {
    const worker = await startWorker(program, transport);
    running.push(worker);
    return initialized(worker);
  }

  async function initialized(worker: RunningWorker): Promise<RunningWorker> {
    expect((await worker.send('GET', 'control:/health')).status).toBe(200);
    expect((await worker.send('POST', '/initialize', { config: { model: 'base' } })).status).toBe(200);
    return worker;
  }

  it('says its nonce, process and addresses in the handshake', async () => {
    const { handshake, nonce, child } = await sharedWorker();
    expect(handshake).toMatchObject({ greenroom: 1, nonce, pid: child.pid });
    expect(handshake.address).toMatch(/^unix:/);
    expect(handshake.control).toMatch(/^unix:/);
    expect(handshake.concurrency).toBeGreaterThanOrEqual(1);
    expect(handshake.capabilities).toEqual(
      expect.arrayContaining(['stream', 'cancel', 'progress', 'release', 'cleanup']),
    );
  });

  it('answers health with its nonce and process', async () => {
    const worker = await sharedWorker();
    const { body } = await worker.send('GET', 'control:/health');
    expect(JSON.parse(body)).toMatchObject({ status: 'ok', pid: worker.child.pid, nonce: worker.nonce });
  });

  it.each([
    ['no token', undefined],
    ['a wrong token', 'wrong'],
  ])('refuses requests with %s at both addresses', async (_what, token) => {
    const worker = await sharedWorker();
    for (const [method, path] of [
      ['GET', 'control:/health'],
      ['GET', '/config'],
      ['POST', '/execute'],
    ] as const) {
      const body = method === 'POST' ? { call: 'c', args: [], kwargs: { do: 'echo' } } : undefined;
      expect((await worker.send(method, path, body, { token })).status).toBe(401);
    }
  });

  it('keeps the config it was given, and takes another in place', async () => {
    const worker = await start();
    expect(JSON.parse((await worker.send('GET', '/config')).body)).toEqual({ model: 'base' });
    expect((await worker.send('POST', '/initialize', { config: { model: 'large' } })).status).toBe(200);
    expect(JSON.parse((await worker.send('GET', '/config')).body)).toEqual({ model: 'large' });
  });

  it('says the JSON Schema of its config', async () => {
    const worker = await sharedWorker();
    const { body } = await worker.send('GET', '/config_schema');
    expect(JSON.parse(body)).toMatchObject({ type: 'object', properties: { model: { type: 'string' } } });
  });

  it('answers a call with its result alone when nothing was reported', async () => {
    const worker = await sharedWorker();
    const value = { text: 'häß 🎭 \u2028', list: [1, null, [true]], none: null };
    const answer = await execute(worker, { do: 'echo', value });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(JSON.parse(answer.body)).toEqual({ result: value });
  });

  it('takes and gives a value of a megabyte', async () => {
    const worker = await sharedWorker();
    const value = 'x'.repeat(1_000_000);
    expect(JSON.parse((await execute(worker, { do: 'echo', value })).body)).toEqual({ result: value });
  });

  it('passes named arguments on', async () => {
    const worker = await sharedWorker();
    const { body } = await execute(worker, { do: 'args', more: 1 });
    expect(JSON.parse(body)).toEqual({ result: { args: [], kwargs: { do: 'args', more: 1 } } });
  });

  it('sends progress as frames in order, and the result last', async () => {
    const worker = await sharedWorker();
    const answer = await execute(worker, { do: 'progress' });
    expect(answer.status).toBe(200);
    expect(framesOf(answer)).toEqual([
      { progress: 0.25, message: 'at 0.25' },
      { progress: 0.5, message: 'at 0.5' },
      { progress: 1, message: 'at 1' },
      { result: 'done' },
    ]);
  });

  it.each([0, 1, 5000])('streams %i chunks in order, and an end', async (count) => {
    const worker = await sharedWorker();
    const frames = framesOf(await stream(worker, { count }));
    expect(frames).toEqual([...Array.from({ length: count }, (_, index) => ({ chunk: { index } })), { end: true }]);
  });

  it('ends a stream that fails midway with the error', async () => {
    const worker = await sharedWorker();
    const frames = framesOf(await stream(worker, { count: 2, fail: true }));
    expect(frames.slice(0, 2)).toEqual([{ chunk: { index: 0 } }, { chunk: { index: 1 } }]);
    expect(frames.slice(2)).toMatchObject([{ error: { type: 'TypeError', message: 'in the middle' } }]);
  });

  it('describes the error of a plugin', async () => {
    const worker = await sharedWorker();
    const answer = await execute(worker, { do: 'fail' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const { error } = JSON.parse(answer.body);
    expect(error).toMatchObject({ type: 'TypeError', message: 'no such thing', retryable: false });
    expect(error.stack).toContain('no such thing');
  });

  it('keeps the category that an error carries', async () => {
    const worker = await sharedWorker();
    const answer = await execute(worker, { do: 'fail', category: 'input' });
    expect(JSON.parse(answer.body).error).toMatchObject({ category: 'input', message: 'no such thing' });
  });

  it('ends a call that fails after progress with the error as its last frame', async () => {
    const worker = await sharedWorker();
    const frames = framesOf(await execute(worker, { do: 'progress-then-fail' }));
    expect(frames).toMatchObject([{ progress: 0.5 }, { error: { type: 'TypeError', message: 'half way' } }]);
  });

  it('reports a result that is not a number as a typed error', async () => {
    const worker = await sharedWorker();
    const answer = await execute(worker, { do: 'nan' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const { error } = JSON.parse(answer.body);
    expect(error.type).not.toBe('');
    expect(error.message).toMatch(/nan/i);
  });

  it('answers an unknown path with a typed 404', async () => {
    const worker = await sharedWorker();
    const answer = await worker.send('GET', '/nowhere');
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body).error.message).not.toBe('');
  });

  it('answers a body that is not JSON with a typed 400', async () => {
    const worker = await sharedWorker();
    const answer = await worker.send('POST', '/execute', '{"call": ');
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error).toMatchObject({ category: 'input' });
  });

  it('knows nothing of a call that does not run', async () => {
    const worker = await sharedWorker();
    await execute(worker, { do: 'echo', value: 1 });
    const answer = await worker.send('POST', 'control:/cancel', { call: 'a call' });
    expect(JSON.parse(answer.body)).toEqual({ outcome: 'unknown' });
  });

  it('stops a waiting call when it is asked to', async () => {
    const worker = await start();
    const { answer } = await begin(worker, 'wait');
    const cancelled = await worker.send('POST', 'control:/cancel', { call: 'a call' });
    expect(JSON.parse(cancelled.body)).toEqual({ outcome: 'requested' });
    const last = framesOf(await answer).at(-1);
    expect(last !== undefined && ('error' in last || 'result' in last)).toBe(true);
    expect(JSON.parse((await execute(worker, { do: 'echo', value: 1 })).body)).toEqual({ result: 1 });
  });

  it.runIf(threaded)('answers health and cancel beside a call that keeps the processor busy', async () => {
    const worker = await start();
    const { answer } = await begin(worker, 'spin');
    expect((await worker.send('GET', 'control:/health')).status).toBe(200);
    const cancelled = await worker.send('POST', 'control:/cancel', { call: 'a call' });
    expect(JSON.parse(cancelled.body)).toEqual({ outcome: 'requested' });
    expect(framesOf(await answer).at(-1)).toEqual({ result: 'stopped' });
  });

  it('ends with its host', async () => {
    const worker = await start();
    worker.lifeline.end();
    await worker.exited;
  });

  it.runIf(threaded)('ends with its host, even in a call that keeps the processor busy', async () => {
    const worker = await start();
    const { answer } = await begin(worker, 'spin');
    const broken = expect(answer).rejects.toThrow();
    worker.lifeline.end();
    await worker.exited;
    await broken;
  });

  it('answers call after call on one connection', async () => {
    const worker = await start();
    const first = await execute(worker, { do: 'echo', value: 1 });
    const second = await execute(worker, { do: 'progress' });
    const third = await execute(worker, { do: 'fail' });
    const fourth = await execute(worker, { do: 'echo', value: 1 });
    for (const { connection } of [second, third, fourth]) expect(connection).toBe(first.connection);
  });

  it('serves on a loopback port, and refuses other hosts and web pages there', async () => {
    const worker = await start('tcp');
    expect(worker.handshake.address).toMatch(/^tcp:127\.0\.0\.1:\d+$/);
    expect(JSON.parse((await execute(worker, { do: 'echo', value: 1 })).body)).toEqual({ result: 1 });
    const headersOfOthers: Record<string, string>[] = [
      { host: 'evil.example' },
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of headersOfOthers) {
      expect((await worker.send('GET', '/config', undefined, { headers })).status).toBe(403);
      expect((await worker.send('GET', 'control:/health', undefined, { headers })).status).toBe(403);
    }
  });

  describe('tools, where it announces them', () => {
    function skipWithoutTools({ handshake }: RunningWorker, skip: () => void): void {
      if (!handshake.capabilities.includes('tools')) skip();
    }

    it('lists them before it is initialized, its execute first, and to nobody without the token', async ({ skip }) => {
      const worker = await startWorker(program);
      running.push(worker);
      skipWithoutTools(worker, skip);
      const answer = await worker.send('GET', '/tools');
      expect(answer.status).toBe(200);
      const { tools } = JSON.parse(answer.body);
      expect(tools.map(({ name }: Tool) => name)).toEqual(['execute', 'echo', 'count']);
      expect(tools).toMatchObject([{ streams: true }, { description: 'Gives its value back' }, { streams: true }]);
      expect(tools[1]).not.toMatchObject({ streams: true });
      expect((await worker.send('GET', '/tools', undefined, { token: 'wrong' })).status).toBe(401);
    });

    it('calls and streams the tool that is named, and execute where none is', async ({ skip }) => {
      const worker = await sharedWorker();
      skipWithoutTools(worker, skip);
      const call = (body: object, path = '/execute'): Promise<Answer> =>
        worker.send('POST', path, { call: 'c', args: [], ...body });
      const echoed = await call({ tool: 'echo', kwargs: { value: [1] } });
      expect(JSON.parse(echoed.body)).toEqual({ result: [1] });
      const counted = await call({ tool: 'count', kwargs: { to: 2 } }, '/execute_stream');
      expect(framesOf(counted)).toEqual([{ chunk: 0 }, { chunk: 1 }, { end: true }]);
      for (const tool of [{}, { tool: 'execute' }]) {
        const executed = await call({ ...tool, kwargs: { do: 'args' } });
        expect(JSON.parse(executed.body)).toEqual({ result: { args: [], kwargs: { do: 'args' } } });
        const streamed = await call({ ...tool, kwargs: { count: 1 } }, '/execute_stream');
        expect(framesOf(streamed)).toEqual([{ chunk: { index: 0 } }, { end: true }]);
      }
    });

    it('sends no chunks to a call that does not stream, whatever its tool does', async ({ skip }) => {
      const worker = await sharedWorker();
      skipWithoutTools(worker, skip);
      const counted = await worker.send('POST', '/execute', { call: 'c', tool: 'count', args: [], kwargs: { to: 2 } });
      const [answer, ...more] = framesOf(counted);
      expect(more).toEqual([]);
      expect(answer !== undefined && ('error' in answer || 'result' in answer)).toBe(true);
      expect(JSON.parse((await execute(worker, { do: 'echo', value: 1 })).body)).toEqual({ result: 1 });
    });

    it.for(['/execute', '/execute_stream'])('answers %s of a missing tool with what it has', async (path, { skip }) => {
      const worker = await sharedWorker();
      skipWithoutTools(worker, skip);
      const answer = await worker.send('POST', path, { call: 'c', tool: 'ecko', args: [], kwargs: {} });
      expect(JSON.parse(answer.body).error).toMatchObject({
        type: UNKNOWN_TOOL,
        category: 'input',
        retryable: false,
        message: 'There is no tool "ecko"; the tools are execute, echo, count.',
      });
    });
  });

  it('releases, stays alive, and cleans up', async () => {
    const worker = await start();
    expect(JSON.parse((await worker.send('POST', '/release')).body)).toEqual({ outcome: 'released' });
    expect(JSON.parse((await execute(worker, { do: 'released' })).body)).toEqual({ result: true });
    expect((await worker.send('POST', '/cleanup')).status).toBe(200);
  });

  it('ends on SIGTERM', async () => {
    const worker = await start();
    worker.child.kill('SIGTERM');
    await worker.exited;
  });
});

function execute(worker: RunningWorker, kwargs: object, options?: RequestOptions): Promise<Answer> {
  return worker.send('POST', '/execute', { call: 'a call', args: [], kwargs }, options);
}

function stream(worker: RunningWorker, kwargs: object): Promise<Answer> {
  return worker.send('POST', '/execute_stream', { call: 'a stream', args: [], kwargs });
}

/** Starts a call and waits until its first frame shows that it runs; its answer is still to come. */
async function begin(worker: RunningWorker, what: 'wait' | 'spin'): Promise<{ readonly answer: Promise<Answer> }> {
  const begun = new EventEmitter();
  const answer = execute(worker, { do: what }, { onFrame: () => begun.emit('frame') });
  await Promise.race([once(begun, 'frame'), answer]);
  return { answer };
}
