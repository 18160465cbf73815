import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { type Ask, Events, type Loose, send } from '../api/opened.ts';
import { eventuallyTrue } from '../eventually.ts';
import { ACCEPT, type OpenedMcp, openMcp } from './opened.ts';

const SERVER = join(import.meta.dirname, '../fixtures/mcp/conformance/server.mjs');
const PLAIN = join(import.meta.dirname, '../fixtures/mcp/server.mjs');
const path = '/mcp/server';
/** However long the answer takes, no stream begins, which would have a status of its own. */
const AS_JSON = { accept: 'application/json' };

/** The front with a server of the official SDK behind it, of both eras or with sessions alone. */
function openServer(...args: string[]): Promise<OpenedMcp> {
  return openMcp({ server: { worker: 'mcp', command: process.execPath, args: [SERVER, ...args] } });
}

/** The `_meta` of a client that can do this. */
function able(capabilities: JsonObject): JsonObject {
  return { 'io.modelcontextprotocol/clientCapabilities': capabilities };
}

describe('a modern server behind the front', () => {
  test('asks a modern client in its result, and gets the answer with the next request', async () => {
    const { modern } = await openServer();
    const call = { name: 'test_input_required_result_multi_round', _meta: able({ elicitation: {} }) };
    let { result } = (await modern('tools/call', call, { path, headers: AS_JSON })).value;
    const answers: JsonObject = { step1: { name: 'Ada' }, step2: { color: 'red' } };
    for (const [key, content] of Object.entries(answers)) {
      expect([result.resultType, Object.keys(result.inputRequests)]).toEqual(['input_required', [key]]);
      const inputResponses = { [key]: { action: 'accept', content } };
      const next = { ...call, inputResponses, requestState: result.requestState };
      result = (await modern('tools/call', next, { path, headers: AS_JSON })).value.result;
    }
    expect([result.resultType, result.content]).toEqual(['complete', [{ type: 'text', text: 'Ada likes red' }]]);
  });

  test.each([
    ['europe', 'europe', 200],
    ['wörld', `=?base64?${Buffer.from('wörld').toString('base64')}?=`, 200],
    ['europe', 'asia', 400],
    ['europe', '=?base64?ZXVyb3Bl=?=', 400],
    ['europe', '=?base64?/w==?=', 400],
    ['europe', undefined, 400],
    [undefined, 'asia', 200],
  ])('is called with %j where the header that its tool wants says %j, by status', async (region, header, status) => {
    const { modern } = await openServer();
    const headers = { ...AS_JSON, ...(header !== undefined && { 'mcp-param-region': header }) };
    const call = { name: 'test_x_mcp_header', arguments: { ...(region !== undefined && { region }), level: 3 } };
    const answer = await modern('tools/call', call, { path, headers });
    expect([answer.status, answer.value.error?.code]).toEqual([status, status === 400 ? -32020 : undefined]);
    const joined = await modern('tools/call', { ...call, name: 'server__test_x_mcp_header' }, { headers });
    expect(joined.status).toBe(status);
  });

  test('refuses with 400 what a client cannot answer', async () => {
    const { modern } = await openServer();
    const { status, value } = await modern(
      'tools/call',
      { name: 'test_missing_capability' },
      { path, headers: AS_JSON },
    );
    expect([status, value.error.code]).toEqual([400, -32021]);
    expect(value.error.data.requiredCapabilities).toEqual({ sampling: {} });
  });

  test('is shown by the name that it says', async () => {
    const { result } = (await (await openServer()).modern('server/discover', {}, { path, headers: AS_JSON })).value;
    const info = { name: 'conformance', version: '1.0.0' };
    expect(result).toMatchObject({ _meta: { 'io.modelcontextprotocol/serverInfo': info } });
  });

  test('refuses with 404 what it does not know', async () => {
    const { modern } = await openServer();
    const { status, value } = await modern('unknown/method', {}, { path, headers: AS_JSON });
    expect([status, value.error.code, value.id]).toEqual([404, -32601, 1]);
  });

  test('tells a subscription of the lists that it says have changed, and of no others', async () => {
    const { modern, modernStream } = await openServer();
    await modern('tools/list', {}, { path, headers: AS_JSON });
    const all = { toolsListChanged: true, promptsListChanged: true };
    const both = await modernStream('subscriptions/listen', { notifications: all }, { path });
    const ofPrompts = await modernStream(
      'subscriptions/listen',
      { notifications: { promptsListChanged: true } },
      { path },
    );
    await eventuallyTrue(() => both.told.length === 1 && ofPrompts.told.length === 1);
    expect(both.told[0]?.data).toMatchObject({ params: { notifications: all } });
    await modern('tools/call', { name: 'test_trigger_tool_change' }, { path, headers: AS_JSON });
    await eventuallyTrue(() => both.told.length === 2);
    await modern('tools/call', { name: 'test_trigger_prompt_change' }, { path, headers: AS_JSON });
    await eventuallyTrue(() => both.told.length === 3 && ofPrompts.told.length === 2);
    const methods = ({ told }: Events) => told.slice(1).map(({ data }) => data.method);
    expect(methods(both)).toEqual(['notifications/tools/list_changed', 'notifications/prompts/list_changed']);
    expect(methods(ofPrompts)).toEqual(['notifications/prompts/list_changed']);
  });

  test('tells a request what it logs only from the level that the request says', async () => {
    const { modern, modernStream } = await openServer();
    const call = { name: 'test_logging_tool' };
    expect((await modern('tools/call', call, { path, headers: AS_JSON })).value.result.content).toEqual([
      { type: 'text', text: 'logged' },
    ]);
    const level = { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } };
    const { ended } = await modernStream('tools/call', { ...call, ...level }, { path });
    const [log, result] = (await ended).map(({ data }) => data);
    expect([log?.method, log?.params.data]).toEqual(['notifications/message', 'test_logging_tool ran']);
    expect(result?.result.content).toEqual([{ type: 'text', text: 'logged' }]);
  });
});

describe.each([
  ['a server with sessions', ['--sessions']],
  ['a modern server', []],
])('a client with a session of %s', (_what, args) => {
  test('is told what the server logs for it, and of lists that have changed', async () => {
    const opened = await openServer(...args);
    const { ask, follow } = await begin(opened);
    expect((await ask('logging/setLevel', { level: 'info' })).result).toEqual({});
    const stream = await follow();
    const logged = await ask('tools/call', { name: 'test_tool_with_logging', arguments: {} });
    expect(logged.before.map(({ params }: Loose) => params.data)).toEqual([
      'Tool execution started',
      'Tool processing data',
      'Tool execution completed',
    ]);
    await ask('tools/call', { name: 'test_trigger_prompt_change', arguments: {} });
    await eventuallyTrue(() => stream.told.some(({ data }) => data.method === PROMPTS_CHANGED));
    await ask('tools/call', { name: 'test_trigger_tool_change', arguments: {} });
    await eventuallyTrue(() => stream.told.some(({ data }) => data.method === TOOLS_CHANGED));
  });

  test('is told of the resources that it watches, also by the next process, until it watches them no more', async () => {
    const opened = await openServer(...args);
    const { ask, follow } = await begin(opened);
    const stream = await follow();
    const touch = (uri: string) => ask('tools/call', { name: 'test_touch_resource', arguments: { uri } });
    const updates = () => stream.told.filter(({ data }) => data.method === UPDATED).map(({ data }) => data.params);
    expect((await ask('resources/subscribe', { uri: WATCHED })).result).toEqual({});
    await touch('test://static-text');
    await touch(WATCHED);
    await eventuallyTrue(() => updates().length === 1);
    await opened.supervisor.reload('server');
    await touch(WATCHED);
    await eventuallyTrue(() => updates().length === 2);
    expect(updates()).toEqual([{ uri: WATCHED }, { uri: WATCHED }]);
    expect((await ask('resources/unsubscribe', { uri: WATCHED })).result).toEqual({});
    await touch(WATCHED);
    // What comes after it has come.
    await ask('tools/call', { name: 'test_trigger_prompt_change', arguments: {} });
    await eventuallyTrue(() => stream.told.some(({ data }) => data.method === PROMPTS_CHANGED));
    expect(updates()).toHaveLength(2);
  });

  test('is refused to watch what is no resource, and shows a modern client what it watches by its subscription', async () => {
    const opened = await openServer(...args);
    const { ask } = await begin(opened);
    expect((await ask('resources/subscribe')).error.code).toBe(-32602);
    const notifications = { resourceSubscriptions: [WATCHED] };
    const { told } = await opened.modernStream('subscriptions/listen', { notifications }, { path });
    await eventuallyTrue(() => told.length === 1);
    expect(told[0]?.data.params.notifications).toEqual(notifications);
    const touch = { name: 'test_touch_resource', arguments: { uri: WATCHED } };
    await opened.modern('tools/call', touch, { path, headers: AS_JSON });
    await eventuallyTrue(() => told.length === 2);
    expect(told[1]?.data).toMatchObject({
      method: UPDATED,
      params: { uri: WATCHED, _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
    });
  });
});

test('clients that share a process each watch what they want: one that leaves takes nothing from another', async () => {
  const server = { worker: 'mcp', command: process.execPath, args: [SERVER, '--sessions'], share: 'all' };
  const opened = await openMcp({ server });
  const [a, b, c] = [await begin(opened), await begin(opened), await begin(opened)];
  const streams = [await a.follow(), await b.follow(), await c.follow()];
  const counts = () => streams.map(({ told }) => told.filter(({ data }) => data.method === UPDATED).length);
  const touch = () => c.ask('tools/call', { name: 'test_touch_resource', arguments: { uri: WATCHED } });
  for (const each of [a, b]) await each.ask('resources/subscribe', { uri: WATCHED });
  await touch();
  await eventuallyTrue(() => counts().join() === '1,1,0');
  await a.end();
  await touch();
  await eventuallyTrue(() => counts().join() === '1,2,0');
});

test('what the processes of single clients tell reaches each its own client, and their tools are its own', async () => {
  const server = { worker: 'mcp', command: process.execPath, args: [PLAIN] };
  const opened = await openMcp({ server });
  const [a, b] = [await begin(opened), await begin(opened)];
  const [ofA, ofB] = [await a.follow(), await b.follow()];
  const counts = async () =>
    Promise.all([a, b].map(async ({ ask }) => (await ask('tools/list')).result.tools.length as number));
  const [before] = await counts();
  for (const { ask } of [a, b]) await ask('tools/call', { name: 'whoami' });
  const grown = await b.ask('tools/call', { name: 'grow' });
  await eventuallyTrue(() => ofB.told.some(({ data }) => data.method === TOOLS_CHANGED));
  const logs = [...grown.before, ...ofB.told.map(({ data }) => data)].filter(({ method }) => method === LOGGED);
  expect(logs.map(({ params }) => params.data)).toEqual(['grown']);
  expect(await counts()).toEqual([before, Number(before) + 1]);
  expect(ofA.told).toEqual([]);
});

const LOGGED = 'notifications/message';
const UPDATED = 'notifications/resources/updated';
const WATCHED = 'test://watched-resource';

const PROMPTS_CHANGED = 'notifications/prompts/list_changed';
const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** Begins a session at the server's address. */
async function begin({ port, post }: OpenedMcp) {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  const { headers: given } = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, { path });
  const headers: Ask['headers'] = { 'mcp-session-id': String(given['mcp-session-id']) };
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { path, headers });
  return {
    /** Resolves to the answer, with what came before it. */
    async ask(method: string, asked: JsonObject = {}): Promise<Loose> {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: asked });
      const response = await send(port, 'POST', path, {
        headers: { ...ACCEPT, ...headers, accept: 'text/event-stream' },
        body,
      });
      const messages = (await new Events(response).ended).map(({ data }) => data);
      return { ...messages.at(-1), before: messages.slice(0, -1) };
    },
    end: () => send(port, 'DELETE', path, { headers }),
    follow: async () =>
      new Events(await send(port, 'GET', path, { headers: { ...headers, accept: 'text/event-stream' } })),
  };
}
