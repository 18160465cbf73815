import { expect, test } from 'vitest';
import type { FrontPlugin } from '../../src/mcp/front-plugin.ts';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { CLIENTS, openMcp } from './opened.ts';

const KEY = 'io.github.greenroom/installing';
const tool = (name: string): JsonObject => ({ name, inputSchema: { type: 'object' } });

/** A front with a plugin that has its tools, and one whose package is being installed until the test says so. */
async function openInstalling() {
  let finish = (): void => {};
  let isInstalling = true;
  const installed = new Promise<void>((resolve) => {
    finish = () => {
      isInstalling = false;
      resolve();
    };
  });
  const serverOf = ({ name }: { name: string }): FrontPlugin => ({
    name,
    async listTools() {
      if (name === 'slow') await installed;
      return [tool('do')];
    },
    callTool: async () => ({ content: [] }),
    installing: () => (name === 'slow' && isInstalling ? { spec: 'pack@1', forMs: 0 } : undefined),
  });
  const manifests = { fast: { fixture: 'showcase' }, slow: { fixture: 'showcase' } };
  const opened = await openMcp(manifests, {}, { serverOf, listPatienceMs: 50 });
  return { ...opened, finish: () => finish() };
}

test.each(Object.entries(CLIENTS))(
  'the list of %s names what is being installed until its tools have come',
  async (_name, connect) => {
    const { port, finish } = await openInstalling();
    const client = await connect(`http://127.0.0.1:${port}/mcp`);
    const { tools, _meta: meta } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['fast__do']);
    expect(meta?.[KEY]).toEqual([{ plugin: 'slow', package: 'pack@1' }]);
    finish();
    const after = await client.listTools();
    expect(after.tools.map(({ name }) => name)).toEqual(['fast__do', 'slow__do']);
    expect(after._meta?.[KEY]).toBeUndefined();
  },
);

test('what is being installed is hidden from whom its tools are, and found by search_tools', async () => {
  const { port, finish } = await openInstalling();
  const open = (query: string) => CLIENTS['version 2, modern'](`http://127.0.0.1:${port}/mcp?${query}`);
  const list = async (query: string) => (await (await open(query)).listTools())._meta?.[KEY];
  expect(await list('deny=slow__*')).toBeUndefined();
  expect(await list('allow=slow__*')).toHaveLength(1);
  const search = async () =>
    (await (await open('compact=1')).callTool({ name: 'search_tools', arguments: {} })).structuredContent;
  expect(await search()).toMatchObject({ total: 1, installing: [{ plugin: 'slow', package: 'pack@1' }] });
  finish();
  const after = await search();
  expect(after.total).toBe(2);
  expect(after).not.toHaveProperty('installing');
});
