import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { framesOf, type RunningWorker, startWorker } from '../conformance/driver.ts';
import { nodeProgram } from '../conformance/workers.ts';

const running: RunningWorker[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

function program(module: string) {
  return nodeProgram(fileURLToPath(new URL(`../fixtures/worker/${module}`, import.meta.url)));
}

async function start(module: string, config: unknown = {}): Promise<RunningWorker> {
  const worker = await startWorker(program(module));
  running.push(worker);
  expect((await worker.send('POST', '/initialize', { config })).status).toBe(200);
  return worker;
}

describe('the host program of Node plugins', () => {
  it.each([
    [
      'throws while it is imported',
      'throws.mjs',
      /RangeError: cannot be imported\n.*\n[^]*RangeError: cannot be imported\n$/,
    ],
    ['exports no plugin', 'no-plugin.mjs', /it needs a default export or one named "plugin"\.\n$/],
    [
      'exports a Promise',
      'promise.mjs',
      /a plugin is an object, not a Promise: "export default await …" waits for it\.\n$/,
    ],
    [
      'exports a function',
      'function.mjs',
      /exports a function: export an object with execute\(input, ctx\), or a class\.\n$/,
    ],
    ['is not there', 'nowhere.mjs', /Cannot find module .*nowhere\.mjs/],
  ])('ends with the reason as its last line when the module %s', async (_what, module, reason) => {
    await expect(startWorker(program(module))).rejects.toThrow(reason);
  });

  it('constructs a class, and shakes hands on a line of its own', async () => {
    const worker = await start('chatty.mjs');
    expect(worker.handshake.capabilities).toEqual(['stream', 'cancel', 'progress', 'settle', 'tools', 'code']);
    const { body } = await worker.send('POST', '/execute', { call: 'c', args: [], kwargs: {} });
    expect(JSON.parse(body)).toEqual({ result: 'from a class' });
    expect(JSON.parse((await worker.send('POST', '/release')).body)).toEqual({ outcome: 'unsupported' });
  });

  it('gives the result of execute as the one chunk of a plugin that cannot stream', async () => {
    const worker = await start('chatty.mjs');
    const answer = await worker.send('POST', '/execute_stream', { call: 'c', args: [], kwargs: {} });
    expect(framesOf(answer)).toEqual([{ chunk: 'from a class' }, { end: true }]);
  });

  it('refuses to give what execute iterates as a result', async () => {
    const worker = await start('streams.mjs');
    const { body } = await worker.send('POST', '/execute', { call: 'c', args: [{ text: 'ab' }] });
    expect(JSON.parse(body).error).toMatchObject({
      category: 'input',
      message: 'The tool "execute" only streams: call it with stream(), not execute().',
    });
  });

  it('returns a generator that never waits when the caller cancels', async () => {
    const worker = await start('streams.mjs');
    const begun = new AbortController();
    const answer = worker.send('POST', '/execute_stream', { call: 'c' }, { onFrame: () => begun.abort() });
    await once(begun.signal, 'abort');
    await worker.send('POST', 'control:/cancel', { call: 'c' });
    expect(framesOf(await answer).at(-1)).toMatchObject({ error: { message: 'The call was cancelled.' } });
  });

  it('returns a generator that never waits when the caller is gone', async () => {
    const worker = await start('streams.mjs');
    const said = once(worker.child.stderr!, 'data');
    const gone = new AbortController();
    const options = { signal: gone.signal, onFrame: () => gone.abort() };
    await expect(worker.send('POST', '/execute_stream', { call: 'c' }, options)).rejects.toThrow();
    expect(String((await said)[0])).toBe('[info] returned\n');
  });

  it('parses the config with the schema of a library, and keeps the old one when it does not fit', async () => {
    const worker = await start('schema.mjs', { size: 1 });
    const refused = await worker.send('POST', '/initialize', { config: { size: 'x' } });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.body).error).toMatchObject({
      type: 'ConfigError',
      category: 'input',
      message: 'The config does not fit: size: must be a number, got "x"',
    });
    const { body } = await worker.send('POST', '/execute', { call: 'c' });
    expect(JSON.parse(body)).toEqual({ result: { size: 1, parsed: true } });
    expect(JSON.parse((await worker.send('GET', '/config_schema')).body)).toEqual({
      type: 'object',
      required: ['size'],
    });
  });

  it('ends with its host although its plugin has closed its standard streams and keeps the processor busy', async () => {
    const worker = await start('closes.mjs');
    const begun = new AbortController();
    const answer = worker.send('POST', '/execute', { call: 'c' }, { onFrame: () => begun.abort() });
    const broken = expect(answer).rejects.toThrow();
    await once(begun.signal, 'abort');
    worker.lifeline.end();
    expect((await worker.exited).signal).toBe('SIGKILL');
    await broken;
  });

  it('takes and gives integers of any size over HTTP, also in its config, and refuses bytes', async () => {
    const worker = await startWorker(program('frames.mjs'));
    running.push(worker);
    await worker.send('POST', '/initialize', '{"config":{"n":18446744073709551616}}');
    expect((await worker.send('GET', '/config')).body).toBe('{"n":18446744073709551616}');
    const call = (kwargs: string) => worker.send('POST', '/execute', `{"call":"c","kwargs":${kwargs}}`);
    expect((await call('{"value":[18446744073709551616]}')).body).toBe('{"result":[18446744073709551616]}');
    const { body } = await worker.send('POST', '/execute_stream', '{"call":"c","kwargs":{"count":1}}');
    expect(body).toMatch(
      /"type":"SerializeError","message":"chunk\.bytes is binary data, and this call came by version 1/,
    );
    const failed = JSON.parse((await call('{"do":"fail"}')).body);
    expect(failed.error.details).toContain('seen: <Buffer 01 02>');
    const { status, body: refused } = await call(`{"n":${'9'.repeat(5000)}}`);
    expect([status, refused]).toEqual([
      400,
      expect.stringContaining('The body of a call cannot be read: kwargs.n is 999'),
    ]);
  });

  it('asks a plugin for nothing but its methods and its schema', async () => {
    const worker = await start('lazy.mjs');
    const { body } = await worker.send('POST', '/execute', { call: 'c' });
    expect(JSON.parse(body)).toEqual({ result: 'served' });
  });

  it('takes progress of any kind as the nearest number and as text, and fails no call for it', async () => {
    const worker = await start('reports.mjs');
    const frames = framesOf(await worker.send('POST', '/execute', { call: 'c', args: [{ do: 'odd' }] }));
    expect(frames).toEqual([
      { progress: -1, message: 'NaN' },
      { progress: -1, message: '1' },
      { progress: -1, message: '{}' },
      { progress: -1, message: '1' },
      { progress: -1, message: 'Symbol(x)' },
      { progress: -1 },
      { progress: 1, message: '2' },
      { progress: 0.5, message: '{"n":1}' },
      { progress: 0.5, message: '' },
      { result: 'done' },
    ]);
  });

  it('sends a reader that is behind the latest progress, not all of it', async () => {
    const worker = await start('reports.mjs');
    const flooded = once(worker.child.stderr!, 'data');
    const answer = await worker.send(
      'POST',
      '/execute',
      { call: 'c', args: [{ do: 'flood' }] },
      { readAfter: flooded },
    );
    const frames = framesOf(answer);
    expect(frames.length).toBeLessThan(15_000);
    expect(frames.slice(-2)).toEqual([{ progress: 1, message: expect.any(String) }, { result: 'done' }]);
  });

  it('says what stream() must return', async () => {
    const worker = await start('reports.mjs');
    const { body } = await worker.send('POST', '/execute_stream', { call: 'c', args: [] });
    expect(JSON.parse(body).error).toMatchObject({
      type: 'TypeError',
      message: 'stream() must return an iterable, as "async *stream()" does, not a Promise.',
    });
  });

  it('cancels every call of one name', async () => {
    const worker = await start('reports.mjs');
    const begin = async () => {
      const begun = new AbortController();
      const answer = worker.send('POST', '/execute', { call: 'same' }, { onFrame: () => begun.abort() });
      await once(begun.signal, 'abort');
      return { answer };
    };
    const [first, second] = [await begin(), await begin()];
    await worker.send('POST', 'control:/cancel', { call: 'same' });
    const cancelled = { error: expect.objectContaining({ type: 'AbortError' }) };
    expect(framesOf(await first.answer).at(-1)).toEqual(cancelled);
    expect(framesOf(await second.answer).at(-1)).toEqual(cancelled);
  });

  it('refuses a body that is not UTF-8, and goes on', async () => {
    const worker = await start('chatty.mjs');
    const broken = Buffer.from('{"call":"c","args":["\xff"]}', 'latin1');
    for (const path of ['/execute', 'control:/cancel']) {
      const { status, body } = await worker.send('POST', path, broken);
      expect([status, JSON.parse(body).error.message]).toEqual([400, 'The body is not UTF-8.']);
    }
    const headers = { expect: '100-continue', 'content-type': 'text/plain' };
    const { body } = await worker.send('POST', '/execute', { call: 'c', args: [] }, { headers });
    expect(JSON.parse(body)).toEqual({ result: 'from a class' });
  });
});
