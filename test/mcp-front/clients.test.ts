import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { FrontPlugin } from '../../src/mcp/front-plugin.ts';
import { eventuallyTrue } from '../eventually.ts';
import { CLIENTS, openMcp } from './opened.ts';

const PLUGINS = { node: { fixture: 'showcase' }, python: { fixture: 'showcase-python' } };

/** The items of a text block, and nothing else. */
const text = (value: string) => [{ type: 'text', text: value }];

describe.each(Object.entries(CLIENTS))('the official client of %s', (_name, connect) => {
  test('finds the tools of every plugin, and those of one', async () => {
    const { port } = await openMcp(PLUGINS);
    const all = await (await connect(`http://127.0.0.1:${port}/mcp`)).listTools();
    expect(all.tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node__add', 'node__letters', 'python__add', 'python__steps']),
    );
    const one = await (await connect(`http://127.0.0.1:${port}/mcp/node`)).listTools();
    expect(one.tools.find(({ name }) => name === 'add')).toMatchObject({
      description: 'Adds two numbers',
      inputSchema: { type: 'object', required: ['a', 'b'] },
      outputSchema: { type: 'object', required: ['sum'] },
      annotations: { readOnlyHint: true, idempotentHint: true },
    });
    expect(one.tools.find(({ name }) => name === 'letters')?.outputSchema).toBeUndefined();
  });

  test.each(['node', 'python'])('calls a tool of a plugin in %s', async (plugin) => {
    const { port } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp`);
    const result = await client.callTool({ name: `${plugin}__add`, arguments: { a: 2, b: 3 } });
    expect(result.structuredContent).toEqual({ sum: 5 });
    expect(JSON.parse(result.content[0].text)).toEqual({ sum: 5 });
    expect(result.isError).toBeFalsy();
    expect((await client.callTool({ name: `${plugin}__letters`, arguments: {} })).content).toEqual(text('abc'));
  });

  test.each(['node', 'python'])('gets every progress of 30 calls to a plugin in %s, each in order', async (plugin) => {
    const { port } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp/${plugin}`);
    await client.listTools();
    for (let call = 0; call < 30; call += 1) {
      const seen: unknown[] = [];
      const onprogress = ({ progress, total, message }: Record<string, unknown>): void =>
        void seen.push([progress, total, message]);
      const result = await client.callTool({ name: 'steps', arguments: { count: 5 } }, { onprogress });
      expect(result.content).toEqual(text('done'));
      expect(seen).toEqual([1, 2, 3, 4, 5].map((step) => [step / 5, 1, `step ${step}`]));
    }
  });

  test('gets every progress of 30 calls that end with the last of it', async () => {
    const listTools = async () => [{ name: 'burst', inputSchema: { type: 'object' } }];
    const callTool: FrontPlugin['callTool'] = async (_params, { onProgress }) => {
      for (const progress of [1, 2, 3, 4, 5]) onProgress?.({ progress });
      return { content: [] };
    };
    const serverOf = ({ name }: { name: string }): FrontPlugin => ({ name, listTools, callTool });
    const { port } = await openMcp({ burst: { fixture: 'showcase' } }, {}, { serverOf });
    const client = await connect(`http://127.0.0.1:${port}/mcp/burst`);
    for (let call = 0; call < 30; call += 1) {
      const seen: number[] = [];
      await client.callTool({ name: 'burst' }, { onprogress: ({ progress }) => void seen.push(progress) });
      expect(seen).toEqual([1, 2, 3, 4, 5]);
    }
  });

  test.each(['node', 'python'])('cancels a call, which a worker in %s sees', async (plugin) => {
    const { port, scratch } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp/${plugin}`);
    await client.listTools();
    const cancel = new AbortController();
    const [door, journal] = [join(scratch, 'door'), join(scratch, 'journal')];
    const call = client.callTool(
      { name: 'wait', arguments: { door, journal } },
      { signal: cancel.signal, onprogress: () => cancel.abort('enough') },
    );
    await expect(call).rejects.toThrow(/enough/);
    await eventuallyTrue(() => existsSync(journal));
    // The client and its connection are of further use.
    expect((await client.callTool({ name: 'steps', arguments: { count: 1 } })).content).toEqual(text('done'));
  });

  test('is told when a plugin comes and when one goes', async () => {
    const { port, supervisor, write } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp`);
    await client.listTools();
    const told = vi.fn();
    client.onListChanged(told);
    write('more', { fixture: 'showcase' });
    await supervisor.discover();
    await eventuallyTrue(() => told.mock.calls.length === 1);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('more__add');
    supervisor.disable('more');
    await eventuallyTrue(() => told.mock.calls.length === 2);
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain('more__add');
  });

  test('reads what a plugin says of its own error, and what is wrong with an input', async () => {
    const { port } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp/node`);
    const failed = await client.callTool({ name: 'fail', arguments: { message: 'no such note' } });
    expect(failed).toMatchObject({ isError: true, content: text('no such note') });
    const wrong = await client.callTool({ name: 'add', arguments: { a: 2, b: 'three' } });
    expect(wrong.isError).toBe(true);
    expect(wrong.content[0].text).toMatch(/b.*number/);
    const died = await client.callTool({ name: 'die', arguments: {} });
    expect(died.isError).toBe(true);
    expect(died.content[0].text).toMatch(/exit.*3/i);
  });

  test('is refused a tool that is not there, with the nearest name', async () => {
    const { port } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp`);
    const call = client.callTool({ name: 'node__ad', arguments: {} });
    await expect(call).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('"node__add"') });
  });

  test('sees pictures as images', async () => {
    const { port } = await openMcp(PLUGINS);
    const client = await connect(`http://127.0.0.1:${port}/mcp/node`);
    const { content } = await client.callTool({ name: 'picture', arguments: {} });
    expect(content).toEqual([{ type: 'image', mimeType: 'image/png', data: expect.stringMatching(/^iVBORw0KGgo/) }]);
  });
});

test('tells each item of a stream as progress', async () => {
  const { port } = await openMcp(PLUGINS);
  const client = await CLIENTS['version 2, modern'](`http://127.0.0.1:${port}/mcp/python`);
  const seen: unknown[] = [];
  await client.callTool({ name: 'letters' }, { onprogress: (each) => void seen.push([each.progress, each.message]) });
  expect(seen).toEqual([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ]);
});

test('asks an execute that can stream as well for its result', async () => {
  const { port } = await openMcp({ both: { fixture: 'workbench' } });
  const client = await CLIENTS['version 2, modern'](`http://127.0.0.1:${port}/mcp`);
  const result = await client.callTool({ name: 'both__execute', arguments: { value: { whole: true } } });
  expect(result.structuredContent).toEqual({ whole: true });
});

test.each([
  ['version 2, modern', '2026-07-28'],
  ['version 2, which finds the era', '2026-07-28'],
  ['version 2, legacy', '2025-11-25'],
  ['version 1', '2025-11-25'],
] as const)('%s speaks revision %s', async (name, revision) => {
  const { port } = await openMcp({ node: { fixture: 'showcase' } });
  const client = await CLIENTS[name](`http://127.0.0.1:${port}/mcp/node`);
  expect(client.revision()).toBe(revision);
  expect(client.instructions()).toBe('Has a tool for each thing that a tool can do');
});
