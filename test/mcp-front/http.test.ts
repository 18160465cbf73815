import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FrontPlugin } from '../../src/mcp/front-plugin.ts';
import { Events, send } from '../api/opened.ts';
import { eventuallyTrue } from '../eventually.ts';
import { ACCEPT, META, modernRequest, openMcp } from './opened.ts';

const PLUGINS = { node: { fixture: 'showcase' } };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

type Opened = Awaited<ReturnType<typeof openMcp>>;

/** Begins a session; its headers. */
async function begin({ post }: Opened, path = '/mcp'): Promise<Record<string, string>> {
  const { headers } = await post(INITIALIZE, { path });
  const session = { 'mcp-session-id': String(headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
  expect((await post(INITIALIZED, { path, headers: session })).status).toBe(202);
  return session;
}

/** Opens the stream of a session. */
async function follow({ port }: Opened, session: Record<string, string>): Promise<Events> {
  return new Events(await send(port, 'GET', '/mcp', { headers: { ...session, accept: 'text/event-stream' } }));
}

describe('the front', () => {
  test('is closed to clients without the token, foreign hosts and foreign origins', async () => {
    const opened = await openMcp(PLUGINS);
    const status = async (headers: Record<string, string>): Promise<unknown> => {
      const { status, value } = await opened.post(LIST, { headers });
      return [status, value.error.code, value.id];
    };
    expect(await status({ authorization: 'Bearer wrong' })).toEqual([401, -32000, null]);
    expect(await status({ host: 'evil.example' })).toEqual([421, -32000, null]);
    expect(await status({ origin: 'http://evil.example' })).toEqual([403, -32000, null]);
  });

  test('takes JSON, and gives JSON or a stream of events', async () => {
    const { modern, port } = await openMcp(PLUGINS);
    const status = async (headers: Record<string, string>): Promise<unknown> => {
      const answer = await modern('tools/list', {}, { headers });
      return [answer.status, answer.headers['content-type']?.split(';')[0]];
    };
    expect(await status({})).toEqual([200, 'application/json']);
    expect(await status({ accept: 'text/event-stream' })).toEqual([200, 'text/event-stream']);
    expect(await status({ accept: '*/*' })).toEqual([200, 'application/json']);
    expect(await status({ accept: 'text/html' })).toEqual([406, 'application/json']);
    expect(await status({ 'content-type': 'text/plain' })).toEqual([415, 'application/json']);
    const got = await send(port, 'GET', '/mcp', { headers: { accept: 'text/html' } });
    expect([got.statusCode, got.headers.allow]).toEqual([405, 'POST']);
    const put = await send(port, 'PUT', '/mcp', {});
    expect([put.statusCode, put.headers.allow]).toEqual([405, 'GET, HEAD, POST, DELETE']);
  });

  test.each([
    ['{', 400, -32700],
    ['[]', 400, -32600],
    [JSON.stringify([LIST, LIST]), 400, -32600],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32600],
    ['7', 400, -32600],
    ['', 400, -32700],
  ])('refuses %j', async (body, status, code) => {
    const { post } = await openMcp(PLUGINS);
    const answer = await post(undefined, { body: Buffer.from(body) });
    expect([answer.status, answer.value.error.code]).toEqual([status, code]);
  });

  test('refuses a body of more than 64 MiB unread', async () => {
    const { port } = await openMcp(PLUGINS);
    const headers = { ...ACCEPT, 'content-length': String(64 * 1024 * 1024 + 1), expect: '100-continue' };
    const response = await send(port, 'POST', '/mcp', { headers });
    expect(response.statusCode).toBe(413);
  });

  test('names the nearest plugin for one that it does not know', async () => {
    const { post, supervisor } = await openMcp({ ...PLUGINS, web: { worker: 'http', url: 'http://127.0.0.1:9' } });
    const message = async (path: string): Promise<unknown> => {
      const { status, value } = await post(LIST, { path });
      return `${status} ${value.error.message}`;
    };
    expect(await message('/mcp/nodes')).toMatch(/^404 .*"node"/);
    expect(await message('/mcp/web')).toMatch(/^404 .*\/upstream\/web\//);
    supervisor.disable('node');
    expect(await message('/mcp/node')).toMatch(/^404 .*disabled/);
  });

  test('lists what it can where a plugin cannot say its tools, and logs why it left that out', async () => {
    const { modern, logged } = await openMcp({ ...PLUGINS, broken: { fixture: 'showcase', module: '/nowhere.mjs' } });
    const names = (await modern('tools/list')).value.result.tools.map(({ name }: { name: string }) => name);
    expect(names).toContain('node__add');
    expect(names.some((name: string) => name.startsWith('broken'))).toBe(false);
    expect(logged).toEqual([
      expect.objectContaining({ plugin: 'broken', msg: expect.stringContaining('/nowhere.mjs') }),
    ]);
  });

  test('says so where a result cannot be sent', async () => {
    const serverOf = ({ name }: { name: string }): FrontPlugin => ({
      name,
      listTools: async () => [{ name: 'deep' }],
      callTool: async () => ({ content: [], structuredContent: JSON.parse('['.repeat(600) + ']'.repeat(600)) }),
    });
    const opened = await openMcp(PLUGINS, {}, { serverOf });
    const modern = await opened.modern('tools/call', { name: 'node__deep' });
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'node__deep' } };
    const legacy = await opened.post(call, { headers: await begin(opened) });
    for (const { value } of [modern, legacy]) expect(value.error.code).toBe(-32603);
    expect(opened.logged).toHaveLength(2);
  });

  test('says of a plugin that was disabled meanwhile what to do', async () => {
    const opened = await openMcp(PLUGINS);
    const session = await begin(opened, '/mcp/node');
    opened.supervisor.disable('node');
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'add', arguments: { a: 1, b: 2 } } };
    const { value } = await opened.post(call, { path: '/mcp/node', headers: session });
    expect(value.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('enable') }] });
  });

  test('says to call again where the supervisor takes no more calls', async () => {
    const opened = await openMcp(PLUGINS);
    const session = await begin(opened, '/mcp/node');
    const stopping = opened.supervisor.stop();
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'add', arguments: { a: 1, b: 2 } } };
    const { value } = await opened.post(call, { path: '/mcp/node', headers: session });
    expect(value.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('Call again') }] });
    await stopping;
  });

  test('shows a client what its address asks for', async () => {
    const { modern } = await openMcp({ ...PLUGINS, other: { fixture: 'showcase' } });
    const names = async (path: string): Promise<string[]> =>
      (await modern('tools/list', {}, { path })).value.result.tools.map(({ name }: { name: string }) => name);
    expect(await names('/mcp?allow=node__*&deny=*__die,*__wait')).toEqual([
      'node__add',
      'node__echo',
      'node__steps',
      'node__fail',
      'node__picture',
      'node__album',
      'node__letters',
      'node__pieces',
    ]);
    expect(await names('/mcp/node?allow=add&allow=echo')).toEqual(['add', 'echo']);
    expect(await names('/mcp?compact=1')).toEqual(['search_tools', 'describe_tool', 'call_tool']);
    const path = '/mcp?compact=1&allow=*__add';
    const search = await modern('tools/call', { name: 'search_tools' }, { path });
    expect(search.value.result.structuredContent.total).toBe(2);
  });

  test.each(['alow=a', 'allow=a,,b', 'allow=%5B', 'compact=maybe', 'compact=1&compact=0'])(
    'refuses the query %s',
    async (query) => {
      const { modern } = await openMcp(PLUGINS);
      expect((await modern('tools/list', {}, { path: `/mcp?${query}` })).status).toBe(400);
    },
  );

  test.each([
    ['/mcp/broken', 'execute'],
    ['/mcp', 'broken__execute'],
  ])('says at %s in a result why the plugin of %s cannot be called', async (path, name) => {
    const { modern } = await openMcp({ broken: { fixture: 'showcase', module: '/nowhere.mjs' } });
    // On a busy machine a client that takes events too would be sent them.
    const headers = { accept: 'application/json' };
    const { status, value } = await modern('tools/call', { name }, { path, headers });
    expect([status, value.result.isError]).toEqual([200, true]);
    expect(value.result.content[0].text).toContain('/nowhere.mjs');
  });
});

describe('a modern client', () => {
  test.each([
    ['no version', { 'mcp-protocol-version': '' }, 'MCP-Protocol-Version'],
    ['another version', { 'mcp-protocol-version': '2025-11-25' }, 'MCP-Protocol-Version'],
    ['another method', { 'mcp-method': 'tools/list' }, 'Mcp-Method'],
    ['another name', { 'mcp-name': 'node__echo' }, 'Mcp-Name'],
    ['a name that is badly encoded', { 'mcp-name': '=?base64?x?=' }, 'Mcp-Name'],
  ])('is refused with %s in the headers than in the body', async (_what, headers, header) => {
    const { modern } = await openMcp(PLUGINS);
    const params = { name: 'node__add', arguments: { a: 1, b: 2 } };
    const answer = await modern('tools/call', params, { headers });
    expect([answer.status, answer.value.error.code, answer.value.id]).toEqual([400, -32020, 1]);
    expect(answer.value.error.message).toContain(header);
  });

  test.each(['mcp-protocol-version', 'mcp-method', 'mcp-name'])('is refused without the header %s', async (header) => {
    const { post } = await openMcp(PLUGINS);
    const { message, headers } = modernRequest('tools/call', { name: 'node__add', arguments: { a: 1, b: 2 } });
    const without = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== header));
    expect((await post(message, { headers: without })).value.error.code).toBe(-32020);
  });

  test('may encode a name in its header', async () => {
    const { modern } = await openMcp(PLUGINS);
    const encoded = `=?base64?${Buffer.from('node__add').toString('base64')}?=`;
    const params = { name: 'node__add', arguments: { a: 1, b: 2 } };
    const answer = await modern('tools/call', params, { headers: { 'mcp-name': encoded } });
    expect(answer.value.result.structuredContent).toEqual({ sum: 3 });
  });

  test('is refused by the status of HTTP where its request is not one of the protocol', async () => {
    const { post, modern } = await openMcp(PLUGINS);
    const status = async (answer: ReturnType<Opened['post']>): Promise<unknown> => {
      const { status, value } = await answer;
      return [status, value.error.code];
    };
    const ofFuture = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' } };
    const future = { headers: { 'mcp-protocol-version': '2027-01-01' } };
    expect(await status(modern('tools/list', ofFuture, future))).toEqual([400, -32022]);
    expect(await status(modern('tools/list', ofFuture))).toEqual([400, -32020]);
    expect(await status(post(LIST, { headers: { 'mcp-protocol-version': '2026-07-28' } }))).toEqual([400, -32602]);
    expect(await status(post(INITIALIZE, { headers: { 'mcp-protocol-version': '2026-07-28' } }))).toEqual([
      400, -32020,
    ]);
    expect(await status(modern('nonsense'))).toEqual([404, -32601]);
    // What is wrong with a call is an answer to it.
    expect(await status(modern('tools/call', { name: 'none' }))).toEqual([200, -32602]);
  });

  test('gets a stream with its progress, and one as soon as it has to wait', async () => {
    const { modernStream, scratch } = await openMcp(PLUGINS);
    const progress = { _meta: { progressToken: 'p' } };
    const steps = await modernStream('tools/call', { name: 'node__steps', arguments: { count: 3 }, ...progress });
    expect((await steps.ended).map(({ data }) => data.method ?? data.id)).toEqual([
      ...Array.from({ length: 3 }, () => 'notifications/progress'),
      1,
    ]);
    const args = { door: join(scratch, 'door'), journal: join(scratch, 'journal') };
    // Without a token there is no progress, so only the wait begins it.
    const waiting = await modernStream('tools/call', { name: 'node__wait', arguments: args });
    expect(waiting.response.headers['content-type']).toMatch(/^text\/event-stream/);
    expect(waiting.told).toEqual([]);
    waiting.response.destroy();
    await eventuallyTrue(() => existsSync(args.journal));
  });

  test('gets JSON without progress where it takes nothing else', async () => {
    const { modern } = await openMcp(PLUGINS);
    const params = { name: 'node__steps', arguments: { count: 3 }, _meta: { progressToken: 'p' } };
    const { value } = await modern('tools/call', params, { headers: { accept: 'application/json' } });
    expect(value.result.content).toEqual([{ type: 'text', text: 'done' }]);
  });

  test('has its subscription ended with a result when the server closes', async () => {
    const { modernStream, server } = await openMcp(PLUGINS);
    const params = { notifications: { toolsListChanged: true } };
    const events = await modernStream('subscriptions/listen', params);
    await events.first('message');
    void server.close(2_000);
    const told = await events.ended;
    expect(told.map(({ data }) => data.method ?? data.result.resultType)).toEqual([
      'notifications/subscriptions/acknowledged',
      'complete',
    ]);
  });

  test('may tell what nobody listens to', async () => {
    const { post } = await openMcp(PLUGINS);
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta: META } };
    expect((await post(message)).status).toBe(202);
  });
});

describe('a session', () => {
  test('begins with initialize, and ends by DELETE', async () => {
    const opened = await openMcp(PLUGINS);
    const session = await begin(opened);
    expect((await opened.post(LIST, { headers: session })).value.result.tools).not.toEqual([]);
    const ended = await send(opened.port, 'DELETE', '/mcp', { headers: session });
    expect(ended.statusCode).toBe(204);
    const answer = await opened.post(LIST, { headers: session });
    expect([answer.status, answer.value.error.message]).toEqual([404, expect.stringContaining('initialize')]);
    expect(opened.front.sessions).toBe(0);
  });

  test('is asked for by its id, at its address, by a revision that has sessions', async () => {
    const opened = await openMcp(PLUGINS);
    const session = await begin(opened);
    const status = async (headers: Record<string, string>, path = '/mcp'): Promise<number> =>
      (await opened.post(LIST, { headers, path })).status;
    expect(await status({})).toBe(400);
    expect(await status({ 'mcp-session-id': 'unknown' })).toBe(404);
    expect(await status(session, '/mcp/node')).toBe(404);
    expect(await status({ ...session, 'mcp-protocol-version': '2020-01-01' })).toBe(400);
    expect(await status(session)).toBe(200);
  });

  test('is not begun by an initialize that is refused', async () => {
    const { post, front } = await openMcp(PLUGINS);
    const { value } = await post({ ...INITIALIZE, params: {} });
    expect(value.error.code).toBe(-32602);
    await eventuallyTrue(() => front.sessions === 0);
  });

  test('has one stream: the newest', async () => {
    const opened = await openMcp(PLUGINS);
    const session = await begin(opened);
    const first = await follow(opened, session);
    const second = await follow(opened, session);
    await first.ended;
    opened.supervisor.disable('node');
    expect((await second.first('message')).data.method).toBe('notifications/tools/list_changed');
    expect(first.told).toEqual([]);
  });

  test('goes on with a call whose client has closed the connection, and cancels it when it is told to', async () => {
    const opened = await openMcp(PLUGINS);
    const session = await begin(opened);
    const args = { door: join(opened.scratch, 'door'), journal: join(opened.scratch, 'journal') };
    const call = {
      jsonrpc: '2.0',
      id: 'call',
      method: 'tools/call',
      params: { name: 'node__wait', arguments: args, _meta: { progressToken: 1 } },
    };
    const headers = { ...ACCEPT, ...session };
    const response = await send(opened.port, 'POST', '/mcp', { headers, body: JSON.stringify(call) });
    await new Events(response).first('message');
    response.destroy();
    // The round trip after it shows that the end of the connection has come.
    await opened.post(LIST, { headers: session });
    expect(opened.snapshot('node').inFlight).toBe(1);
    expect((await opened.post(call, { headers: session })).value.error.code).toBe(-32600);
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'call' } };
    expect((await opened.post(cancel, { headers: session })).status).toBe(202);
    await eventuallyTrue(() => existsSync(args.journal));
  });

  test('ends, with its calls, when it has been idle for long enough', async () => {
    const opened = await openMcp(PLUGINS, {}, { idleMs: 1_000 });
    const session = await begin(opened);
    const events = await follow(opened, session);
    const args = { door: join(opened.scratch, 'door'), journal: join(opened.scratch, 'journal') };
    const params = { name: 'node__wait', arguments: args, _meta: { progressToken: 1 } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const response = await send(opened.port, 'POST', '/mcp', { headers: { ...ACCEPT, ...session }, body });
    await new Events(response).first('message');
    response.destroy();
    // Its stream keeps it: what runs goes on.
    await opened.post(LIST, { headers: session });
    expect(opened.front.sessions).toBe(1);
    events.response.destroy();
    await eventuallyTrue(() => opened.front.sessions === 0);
    await eventuallyTrue(() => existsSync(args.journal));
  });

  test('makes way for another where there are too many, unless all are in use', async () => {
    const opened = await openMcp(PLUGINS, {}, { maxSessions: 2 });
    const [first, second] = [await begin(opened), await begin(opened)];
    await opened.post(LIST, { headers: first });
    await begin(opened);
    // The second was idle longest.
    expect((await opened.post(LIST, { headers: second })).status).toBe(404);
    expect((await opened.post(LIST, { headers: first })).status).toBe(200);
    await follow(opened, first);
    await follow(opened, await begin(opened));
    const refused = await opened.post(INITIALIZE);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    expect(refused.value.error.message).toContain('2 sessions');
  });
});
