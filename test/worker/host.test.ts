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
    ['is not there', 'nowhere.mjs', /Cannot find module .*nowhere\.mjs/],
  ])('ends with the reason as its last line when the module %s', async (_what, module, reason) => {
    await expect(startWorker(program(module))).rejects.toThrow(reason);
  });

  it('constructs a class, and shakes hands on a line of its own', async () => {
    const worker = await start('chatty.mjs');
    expect(worker.handshake.capabilities).toEqual(['stream', 'cancel', 'progress', 'cleanup']);
    const { body } = await worker.send('POST', '/execute', { call: 'c', args: [], kwargs: {} });
    expect(JSON.parse(body)).toEqual({ result: 'from a class' });
    expect(JSON.parse((await worker.send('POST', '/release')).body)).toEqual({ outcome: 'unsupported' });
  });

  it('gives the result of execute as the one chunk of a plugin that cannot stream', async () => {
    const worker = await start('chatty.mjs');
    const answer = await worker.send('POST', '/execute_stream', { call: 'c', args: [], kwargs: {} });
    expect(framesOf(answer)).toEqual([{ chunk: 'from a class' }, { end: true }]);
  });

  it('streams what execute iterates', async () => {
    const worker = await start('streams.mjs');
    const answer = await worker.send('POST', '/execute', { call: 'c', args: [{ text: 'ab' }] });
    expect(framesOf(answer)).toEqual([{ chunk: 'a' }, { chunk: 'b' }, { end: true }]);
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
      message: 'The config does not fit: size: must be a number',
    });
    const { body } = await worker.send('POST', '/execute', { call: 'c' });
    expect(JSON.parse(body)).toEqual({ result: { size: 1, parsed: true } });
    expect(JSON.parse((await worker.send('GET', '/config_schema')).body)).toEqual({
      type: 'object',
      required: ['size'],
    });
  });
});
