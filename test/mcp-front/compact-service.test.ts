import { expect, test } from 'vitest';
import { CompactService } from '../../src/mcp-front/compact-service.ts';
import { searchTools } from '../../src/mcp-front/tool-search.ts';
import { FakeService, openSession } from './in-memory.ts';

const READ = {
  name: 'files__read',
  description: 'Reads a file\nand more',
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
};
const TOOLS = [
  READ,
  { name: 'files__write', description: 'Writes a file' },
  { name: 'memory__search', description: 'Finds what was read before' },
  { name: 'untold' },
];

async function openCompact() {
  const whole = new FakeService();
  whole.list = async () => TOOLS;
  const opened = openSession(new CompactService(whole));
  await opened.begin();
  const call = async (name: string, args: object, meta = {}) =>
    (await opened.ask('tools/call', { name, arguments: args, _meta: meta })).result;
  return { ...opened, whole, call };
}

test.each([
  ['read file', ['files__read', 'files__write', 'memory__search']],
  ['SEARCH', ['memory__search']],
  ['the weather', []],
  ['', ['files__read', 'files__write', 'memory__search', 'untold']],
])('a search for "%s" finds %j', (query, names) => {
  expect(searchTools(TOOLS, query).map(({ name }) => name)).toEqual(names);
});

test('three tools stand for the whole list', async () => {
  const { ask } = await openCompact();
  const { tools } = (await ask('tools/list')).result;
  expect(tools.map(({ name }: { name: string }) => name)).toEqual(['search_tools', 'describe_tool', 'call_tool']);
});

test('search_tools shows the first lines of the best', async () => {
  const { call } = await openCompact();
  const { content, structuredContent } = await call('search_tools', { query: 'file', limit: 1 });
  expect(structuredContent).toEqual({ tools: [{ name: 'files__read', description: 'Reads a file' }], total: 2 });
  expect(JSON.parse(content[0].text)).toEqual(structuredContent);
});

test('describe_tool shows a tool as the list has it', async () => {
  const { call } = await openCompact();
  expect((await call('describe_tool', { name: 'files__read' })).structuredContent).toEqual(READ);
});

test('call_tool calls a tool, with its progress', async () => {
  const { call, whole, told } = await openCompact();
  whole.call = async (_params, { onProgress }) => {
    onProgress?.({ progress: 1 });
    return { content: [], structuredContent: { x: 1 } };
  };
  const given = { name: 'files__read', arguments: { path: 'a' } };
  expect(await call('call_tool', given, { progressToken: 1, trace: 2 })).toEqual({
    content: [],
    structuredContent: { x: 1 },
  });
  expect(whole.calls[0]?.params).toEqual({ ...given, _meta: { trace: 2 } });
  expect(told()).toEqual(['notifications/progress']);
});

test('a name that the model made up is answered with the nearest one', async () => {
  const { call, whole, ask } = await openCompact();
  for (const tool of ['describe_tool', 'call_tool']) {
    expect(await call(tool, { name: 'file__read' })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('"files__read"') }],
    });
  }
  expect((await call('call_tool', {})).content[0].text).toContain('search_tools');
  expect((await call('call_tool', { name: 'files__read', arguments: 'a' })).isError).toBe(true);
  expect((await ask('tools/call', { name: 'files__read' })).error.code).toBe(-32602);
  expect(whole.calls).toEqual([]);
});
