import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Tool } from '../../src/protocol.ts';
import { type Answer, framesOf, type RunningWorker, startWorker } from '../conformance/driver.ts';
import { nodeProgram } from '../conformance/workers.ts';

let worker: RunningWorker;

afterEach(async () => {
  await worker.stop();
});

async function start(module: string): Promise<void> {
  worker = await startWorker(nodeProgram(fileURLToPath(new URL(`../fixtures/worker/${module}`, import.meta.url))));
}

beforeEach(async () => {
  await start('tools.mjs');
  await worker.send('POST', '/initialize', { config: {} });
});

async function restart(module: string): Promise<void> {
  await worker.stop();
  await start(module);
}

function call(tool: string | undefined, input: object, path = '/execute'): Promise<Answer> {
  return worker.send('POST', path, { call: 'c', ...(tool !== undefined && { tool }), ...input });
}

async function result(tool: string, kwargs: object): Promise<unknown> {
  const { body } = await call(tool, { kwargs });
  return JSON.parse(body);
}

async function listed(): Promise<readonly Tool[]> {
  return JSON.parse((await worker.send('GET', '/tools')).body).tools;
}

test('tools are listed as they are defined, with the schemas that can be said as JSON Schema', async () => {
  const complaints = once(worker.child.stderr!, 'data');
  const tools = await listed();
  expect(tools).toEqual([
    {
      name: 'repeat',
      description: 'Repeats a text',
      input_schema: expect.objectContaining({
        type: 'object',
        properties: { text: { type: 'string' }, times: { description: 'converted to a number', default: 2 } },
        required: ['text'],
      }),
      output_schema: expect.objectContaining({ type: 'object', required: ['text'] }),
      read_only: true,
      idempotent: true,
      destructive: false,
    },
    {
      name: 'plain',
      input_schema: { type: 'object', properties: { size: { type: 'integer', default: 3 } } },
      streams: true,
    },
    { name: 'count', streams: true },
    { name: 'opaque' },
    { name: 'date' },
    { name: 'text' },
    {
      name: 'converted',
      output_schema: { type: 'array', description: '{"target":"draft-2020-12","io":"output"}' },
    },
  ]);
  expect(String((await complaints)[0])).toMatch(
    /^\[warn\] The input schema of tool "date" cannot be expressed as JSON Schema: .*Date/,
  );
});

test('a plugin without tools lists its execute, and what is known of it', async () => {
  await restart('described.mjs');
  expect(await listed()).toEqual([
    { name: 'execute', description: 'Says hello', input_schema: { type: 'object' }, streams: true },
    { name: 'read', read_only: true },
  ]);
  await restart('lazy.mjs');
  expect(await listed()).toEqual([{ name: 'execute' }]);
});

test('a tool gets what the schema of a library makes of its input', async () => {
  expect(await result('repeat', { text: 'ab', times: '3', more: 1 })).toEqual({
    result: { text: 'ababab', tool: 'repeat', given: { text: 'ab', times: '3', more: 1 } },
  });
  expect(await result('repeat', { text: 'ab' })).toMatchObject({ result: { text: 'abab' } });
  expect(await result('opaque', {})).toEqual({ result: { parsed: true } });
  expect(JSON.parse((await call('text', { args: ['ab'] })).body)).toEqual({ result: 'AB' });
});

test('a tool with a JSON Schema gets its input as it came', async () => {
  expect(await result('plain', { size: 'large' })).toEqual({ result: { size: 'large' } });
});

test('an input that does not fit is an input error with every place, up to 20', async () => {
  const answer = await call('repeat', { kwargs: { times: 1.5 } });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body).error).toMatchObject({
    type: 'InputError',
    category: 'input',
    retryable: false,
    message: expect.stringMatching(/^The input of tool "repeat" does not fit: text: .+; times: .+/),
    details: { issues: [{ path: 'text' }, { path: 'times' }] },
  });
  const { error } = JSON.parse((await call('opaque', { kwargs: { faults: 25 } })).body);
  expect(error.message).toMatch(/: list\.0: wrong; .*; list\.19: wrong; and 5 more$/);
  expect(error.details.issues).toHaveLength(20);
});

test('a tool with both methods is executed by one and streamed by the other', async () => {
  expect(await result('plain', { size: 1 })).toEqual({ result: { size: 1 } });
  expect(framesOf(await call('plain', { kwargs: {} }, '/execute_stream'))).toEqual([
    { chunk: 'streamed' },
    { end: true },
  ]);
});

test('a tool that only streams says so when it is executed', async () => {
  const kwargs = { to: 2 };
  expect(framesOf(await call('count', { kwargs }, '/execute_stream'))).toEqual([
    { chunk: 0 },
    { chunk: 1 },
    { end: true },
  ]);
  expect(await result('count', kwargs)).toMatchObject({
    error: { category: 'input', message: 'The tool "count" only streams: call it with stream(), not execute().' },
  });
});

test('a tool that does not stream gives its result as the one chunk', async () => {
  const frames = framesOf(await call('plain', { kwargs: { size: 1 } }));
  expect(frames).toEqual([{ result: { size: 1 } }]);
  expect(framesOf(await call('repeat', { kwargs: { text: 'a' } }, '/execute_stream'))).toMatchObject([
    { chunk: { text: 'aa' } },
    { end: true },
  ]);
});

test('a call of a tool that is missing names those that there are', async () => {
  const message = (name: string): string =>
    `There is no tool "${name}"; the tools are repeat, plain, count, opaque, date, text, converted.`;
  for (const name of ['rpeat', 'toString', '']) {
    const answer = await call(name, { kwargs: {} });
    expect([answer.status, JSON.parse(answer.body).error]).toEqual([
      400,
      { type: 'UnknownTool', category: 'input', retryable: false, message: message(name) },
    ]);
  }
  expect(JSON.parse((await call(undefined, {})).body).error.message).toBe(message('execute'));
  const answer = await worker.send('POST', '/execute', { call: 'c', tool: 5 });
  expect(JSON.parse(answer.body).error).toMatchObject({ type: 'BadRequest', message: '"tool" must be a string.' });
});

test('execute beside tools is called by its name and without one', async () => {
  await restart('described.mjs');
  await worker.send('POST', '/initialize', { config: {} });
  expect(await result('execute', { name: 'Ada' })).toEqual({ result: ['execute', { name: 'Ada' }] });
  expect(JSON.parse((await call(undefined, { kwargs: {} })).body)).toEqual({ result: ['execute', {}] });
  expect(await result('read', {})).toEqual({ result: 'read by tool' });
});

test('a plugin whose tools are wrong says so as its last line', async () => {
  await worker.stop();
  await expect(start('wrong-tools.mjs')).rejects.toThrow(
    /exports no plugin: tools\.read\.excute is no member of a tool; did you mean "execute"\?\n$/,
  );
});
