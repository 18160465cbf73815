import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { Events, type Loose, send, TOKEN } from '../api/opened.ts';
import { eventually, eventuallyTrue } from '../eventually.ts';
import { endAfterTest } from '../server/served.ts';
import { ACCEPT, openMcp } from './opened.ts';

const EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/package.json'));
const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
const INFO = { name: 'test', version: '1.0.0' };
const CAPABILITIES = { sampling: {}, elicitation: {}, roots: { listChanged: true } };

/** What a client answers; each is named, so that answers of two cannot be mixed up. */
type Answers = (name: string) => (method: string, params: Loose, signal: AbortSignal) => Promise<Loose>;

/** Answers as a person, a model and an editor would. */
const kind: Answers = (name) => async (method) => {
  if (method === 'roots/list') return { roots: [{ uri: `file:///${name}` }] };
  if (method === 'elicitation/create') return { action: 'accept', content: { name } };
  return { role: 'assistant', model: name, content: { type: 'text', text: `I am ${name}` } };
};

/** What tests ask of either official client. */
interface Asked {
  call(name: string, args?: object, signal?: AbortSignal): Promise<string>;
  list(): Promise<unknown>;
  rootsChanged(): Promise<void>;
  close(): Promise<void>;
}

type Connect = (port: number, name: string, answers?: Answers, capabilities?: object) => Promise<Asked>;

const connectV2: Connect = async (port, name, answers = kind, capabilities = CAPABILITIES) => {
  const client = new Client(INFO, { capabilities, versionNegotiation: { mode: 'legacy' } });
  const answer = answers(name);
  for (const method of ['sampling/createMessage', 'elicitation/create', 'roots/list'] as const)
    if (capabilities === CAPABILITIES)
      client.setRequestHandler(method, ({ params }: Loose, { mcpReq }: Loose) => answer(method, params, mcpReq.signal));
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp/s`), { requestInit }));
  endAfterTest(() => client.close());
  return {
    call: async (tool, args = {}, signal) =>
      textOf(await client.callTool({ name: tool, arguments: { ...args } }, { ...(signal && { signal }) })),
    list: () => client.listTools(),
    rootsChanged: () => client.sendRootsListChanged(),
    close: () => client.close(),
  };
};

const connectV1: Connect = async (port, name, answers = kind, capabilities = CAPABILITIES) => {
  const client = new ClientV1(INFO, { capabilities });
  const answer = answers(name);
  for (const schema of [CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema])
    if (capabilities === CAPABILITIES)
      client.setRequestHandler(schema as typeof ElicitRequestSchema, ({ method, params }, { signal }) =>
        answer(method, params, signal),
      );
  await client.connect(new TransportV1(new URL(`http://127.0.0.1:${port}/mcp/s`), { requestInit }));
  endAfterTest(() => client.close());
  return {
    call: async (tool, args = {}, signal) =>
      textOf(await client.callTool({ name: tool, arguments: { ...args } }, undefined, { ...(signal && { signal }) })),
    list: () => client.listTools(),
    rootsChanged: () => client.sendRootsListChanged(),
    close: () => client.close(),
  };
};

const QUESTIONS: Readonly<Record<string, object>> = {
  'sampling/createMessage': {
    messages: [{ role: 'user', content: { type: 'text', text: 'Who are you?' } }],
    maxTokens: 10,
  },
  'elicitation/create': {
    message: 'Your name?',
    requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
  },
  'roots/list': {},
};

/** The arguments of the tool that asks its client. */
const question = (method: string) => ({ method, params: QUESTIONS[method] });

function open(more: object = {}) {
  return openMcp({ s: { worker: 'mcp', command: process.execPath, args: [SERVER], ...more } });
}

function textOf(result: Loose): string {
  return result['content'][0].text;
}

describe.each([
  ['version 2', connectV2],
  ['version 1', connectV1],
])('a client of %s with a process of its own', (_version, connect) => {
  test.each(Object.keys(QUESTIONS))('answers "%s" of its server, as do others of theirs', async (method) => {
    const { port } = await open();
    const [ada, bob] = [await connect(port, 'ada'), await connect(port, 'bob')];
    const answers = await Promise.all([
      ada.call('ask', question(method)),
      bob.call('ask', question(method)),
      ada.call('ask', question(method)),
    ]);
    expect(answers.map((answer) => [answer.includes('ada'), answer.includes('bob')])).toEqual([
      [true, false],
      [false, true],
      [true, false],
    ]);
  });

  test('tells its server what it answers, and that its roots have changed', async () => {
    const { port } = await open();
    const client = await connect(port, 'ada');
    expect(JSON.parse(await client.call('whoami')).client).toEqual(CAPABILITIES);
    await client.rootsChanged();
    await eventually(async () =>
      expect(JSON.parse(await client.call('whoami')).told).toContain('notifications/roots/list_changed'),
    );
  });

  test('answers with an error, which the server gets as it is', async () => {
    const { port } = await open();
    const client = await connect(port, 'ada', () => async () => {
      throw Object.assign(new Error('no model is there'), { code: -31_000 });
    });
    const answer = JSON.parse(await client.call('ask', question('sampling/createMessage')));
    expect(answer.code).toBe(-31_000);
    expect(answer.message).toContain('no model is there');
  });

  test('is told when its server wants no answer any more', async () => {
    const { port } = await open();
    const seen: AbortSignal[] = [];
    const client = await connect(port, 'ada', () => (_method, _params, signal) => {
      seen.push(signal);
      return new Promise(() => {});
    });
    expect(await client.call('waver', question('elicitation/create'))).toBe('never mind');
    await eventuallyTrue(() => seen[0]?.aborted === true);
  });

  test('that answers nothing is not asked', async () => {
    const { port } = await open();
    const client = await connect(port, 'ada', kind, {});
    expect(JSON.parse(await client.call('whoami')).client).toEqual({});
    expect(JSON.parse(await client.call('ask')).code).toBe(-32601);
  });
});

test.each([
  ['is reset', (response: IncomingMessage) => response.socket.resetAndDestroy()],
  ['is closed', (response: IncomingMessage) => response.socket.end()],
])('a call whose server waits for a client is cancelled when the connection %s', async (_how, cut) => {
  const plugins = { s: { worker: 'mcp', command: process.execPath, args: [SERVER] } };
  const { port, post, supervisor } = await openMcp(plugins, {}, { absentMs: 20 });
  const path = '/mcp/s';
  const initialize = { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, clientInfo: INFO };
  const begun = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }, { path });
  const session = { 'mcp-session-id': String(begun.headers['mcp-session-id']) };
  const params = { name: 'ask', arguments: question('roots/list') };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params });
  const events = new Events(await send(port, 'POST', path, { headers: { ...ACCEPT, ...session }, body }));
  expect((await events.first('message')).data).toMatchObject({ method: 'roots/list' });
  cut(events.response);
  await eventuallyTrue(() => supervisor.plugins().every(({ state }) => state === 'ready'));
  // Its session goes on.
  const asked = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'seen' } };
  const { value } = await post(asked, { path, headers: session });
  expect(value.result.content[0].text).toContain('"cancelled":1');
});

test('clients that share a process are not asked', async () => {
  const { port } = await open({ share: 'all' });
  const client = await connectV2(port, 'ada');
  expect(JSON.parse(await client.call('whoami')).client).toEqual({});
  const { code, message } = JSON.parse(await client.call('ask', question('roots/list')));
  expect([code, message]).toEqual([-32601, expect.stringContaining('not started for one client alone')]);
});

test('a client is not asked what may be for a program that uses its process', async () => {
  const { port, supervisor } = await open();
  const client = await connectV2(port, 'ada');
  await client.call('whoami');
  const ofProgram = await supervisor.execute<string>('s', question('roots/list'), { tool: 'ask' });
  expect(JSON.parse(ofProgram).message).toContain('works for others');
  expect(await client.call('ask', question('roots/list'))).toContain('ada');
});

test('a process that ran before is replaced for a client that can be asked, unless it works for a program', async () => {
  const { port, supervisor } = await open();
  const before = JSON.parse(await supervisor.execute<string>('s', {}, { tool: 'whoami' })).pid;
  const ada = await connectV2(port, 'ada');
  expect(JSON.parse(await ada.call('whoami'))).toMatchObject({ client: CAPABILITIES });
  expect(JSON.parse(await ada.call('whoami')).pid).not.toBe(before);
  expect(supervisor.plugins().map(({ name }) => name)).toEqual(['s']);
  await ada.close();
});

test.each([
  ['version 2', connectV2],
  ['version 1', connectV1],
])(
  'the official server "everything" asks a client of %s, and runs a tool as a task for it',
  async (_version, connect) => {
    const args = [join(dirname(EVERYTHING), 'dist/index.js')];
    const { port } = await openMcp({ s: { worker: 'mcp', command: process.execPath, args } });
    const client = await connect(port, 'ada');
    expect(await client.call('echo', { message: 'hi' })).toContain('hi');
    expect(await client.call('trigger-sampling-request', { prompt: 'Who?', maxTokens: 10 })).toContain('I am ada');
    expect(await client.call('trigger-elicitation-request')).toContain('provided the requested information');
    expect(await client.call('get-roots-list')).toContain('file:///ada');
    await client.list();
    expect(await client.call('simulate-research-query', { topic: 'bees' })).toContain('bees');
  },
);
