import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createSupervisor } from '../../src/index.ts';
import type { ClientSession, FrontPlugin } from '../../src/mcp/front-plugin.ts';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { openSupervisor } from './greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const never = new AbortController().signal;
const asked = { signal: never, client: 'test 1' };

async function open(...args: string[]) {
  const opened = await openSupervisor({ s: { worker: 'mcp', command: process.execPath, args: [SERVER, ...args] } });
  const plugin = opened.supervisor.mcpPlugin('s');
  if (plugin === undefined) throw new Error('It is no server of MCP.');
  return { ...opened, plugin };
}

const call = (plugin: FrontPlugin, name: string, args: object = {}, more: object = {}) =>
  plugin.callTool({ name, arguments: args, ...more }, asked);

test.each(['legacy', 'modern'])('what a %s server answers is passed through as it is', async (era) => {
  const { plugin } = await open('--era', era);
  const text = (said: string) => ({ content: [{ type: 'text', text: said }] });
  const complete = era === 'modern' ? { resultType: 'complete' } : {};
  expect(await call(plugin, 'fail')).toEqual({ ...complete, ...text('the file is gone'), isError: true });
  expect(await call(plugin, 'odd')).toEqual({
    ...complete,
    content: [{ type: 'hologram', beams: 12345678901234567890n }],
    extra: { kept: true },
  });
  expect(await call(plugin, 'nothing')).toMatchObject({ isError: true });
});

test('an error of the protocol is passed through with its code and data', async () => {
  const { plugin } = await open();
  await expect(call(plugin, 'refuse')).rejects.toMatchObject({
    code: -32602,
    message: 'no such thing',
    data: { near: 'thing' },
  });
  const read = plugin.request?.('resources/read', { uri: 'x:y' }, asked);
  await expect(read).rejects.toMatchObject({ code: -32601 });
});

test('definitions are passed through with the keys that nobody knows', async () => {
  const { plugin } = await open();
  const [echo] = await plugin.listTools(never);
  expect(echo).toEqual({
    name: 'echo',
    description: 'Says it again.',
    inputSchema: { type: 'object' },
    annotations: { readOnlyHint: true },
    'x-own': 1,
  });
});

test('progress is passed through in order, without the token of the server', async () => {
  const { plugin } = await open();
  const said: object[] = [];
  await plugin.callTool(
    { name: 'steps', arguments: { n: 3 }, _meta: { progressToken: 'theirs' } },
    {
      ...asked,
      onProgress: (params) => void said.push(params),
    },
  );
  expect(said).toEqual([1, 2, 3].map((n) => ({ progress: n, total: 3, message: `step ${n}`, own: n })));
});

test('a request that is given up is cancelled in the server', async () => {
  const { plugin } = await open();
  await call(plugin, 'echo');
  const controller = new AbortController();
  const waits = plugin.callTool({ name: 'wait' }, { ...asked, signal: controller.signal });
  const refused = expect(waits).rejects.toMatchObject({ code: 'E_CANCELLED' });
  expect(await call(plugin, 'seen')).toMatchObject({ content: [{ text: '{"cancelled":0,"running":1}' }] });
  controller.abort();
  await refused;
  expect(await call(plugin, 'seen')).toMatchObject({ content: [{ text: '{"cancelled":1,"running":0}' }] });
});

test('what a server says of itself, and its tools, are known to the next supervisor, which starts nothing', async () => {
  const { plugin, plugins, dataDir, supervisor } = await open();
  const about = await plugin.describe?.(never);
  expect(about).toMatchObject({ instructions: 'Be kind.', serverInfo: { name: 'fixture' } });
  const tools = await plugin.listTools(never);
  await supervisor.stop();
  await using next = await createSupervisor({ searchPaths: [plugins], dataDir, watch: false });
  const again = next.mcpPlugin('s');
  expect(await again?.describe?.(never)).toEqual(about);
  expect(await again?.listTools(never)).toEqual(tools);
  expect(next.plugins()[0]).toMatchObject({ state: 'discovered', generation: 0 });
});

test('whoever watches is told when a server has other tools', async () => {
  const { plugin, supervisor } = await open();
  await plugin.listTools(never);
  const changed = new Promise<string>((resolve) =>
    supervisor.onNotice(({ plugin: name, method }) => {
      if (method === 'notifications/tools/list_changed') resolve(name);
    }),
  );
  await call(plugin, 'grow');
  expect(await changed).toBe('s');
  expect(await plugin.listTools(never)).toHaveLength(24);
});

test('a tool that runs as a task alone is called as one, and gives the result of its task', async () => {
  const { plugin, supervisor } = await open();
  const tools = await plugin.listTools(never);
  // Clients that know tasks would not call it as they call any other.
  expect(tools.find(({ name }) => name === 'slow')).toEqual({ name: 'slow', inputSchema: { type: 'object' } });
  const [slow] = (await supervisor.tools('s')).filter(({ name }) => name === 'slow');
  expect(slow?.definition).toMatchObject({ execution: { taskSupport: 'required' } });
  const result = { content: [{ type: 'text', text: expect.stringMatching(/^the result of task-\d+$/) }] };
  expect(await call(plugin, 'slow')).toEqual(result);
  const [first, second] = [client(), client()];
  for (const { session } of [first, second])
    expect(await plugin.callTool({ name: 'slow' }, { ...asked, session })).toEqual(result);
  expect(await supervisor.execute('s', {}, { tool: 'slow' })).toMatch(/^the result of task-/);
});

test('a task is cancelled with its call', async () => {
  const { plugin } = await open();
  const controller = new AbortController();
  await plugin.listTools(never);
  const waits = plugin.callTool({ name: 'slow', arguments: { wait: true } }, { ...asked, signal: controller.signal });
  const refused = expect(waits).rejects.toMatchObject({ code: 'E_CANCELLED' });
  // It is followed once the server has answered this.
  await call(plugin, 'echo');
  controller.abort();
  await refused;
  await expect.poll(async () => JSON.stringify(await call(plugin, 'whoami'))).toMatch(/cancelled task-\d+/);
});

test('a plugin of another kind is none', async () => {
  const { supervisor } = await openSupervisor({ a: { worker: 'node', module: SERVER } });
  expect(supervisor.mcpPlugin('a')).toBeUndefined();
});

/** A client that is connected until it ends. */
function client(capabilities: JsonObject = {}) {
  const listeners: (() => void)[] = [];
  const session: ClientSession = {
    capabilities,
    ask: async (method, params) => ({ method, params }),
    onTold: () => () => {},
    onEnd: (listener) => void listeners.push(listener),
  };
  return {
    session,
    end: () => {
      for (const listener of listeners.splice(0)) listener();
    },
  };
}

async function whoami(plugin: FrontPlugin, session: ClientSession | undefined): Promise<number> {
  const result = await plugin.callTool({ name: 'whoami' }, { ...asked, session });
  return (JSON.parse((result['content'] as { text: string }[])[0]?.text ?? '') as { pid: number }).pid;
}

test('each client has a process of its own where the tools change something, and it ends with the client', async () => {
  const { plugin, supervisor } = await open();
  const names = () => supervisor.plugins().map(({ name }) => name);
  const [first, second] = [client(), client()];
  const pids = [await whoami(plugin, first.session), await whoami(plugin, second.session)];
  expect(pids[0]).not.toBe(pids[1]);
  expect([await whoami(plugin, first.session), await whoami(plugin, second.session)]).toEqual(pids);
  expect(names()).toEqual(['s', 's@2']);
  expect([...supervisor.callable()].map(({ manifest }) => manifest.name)).toEqual(['s']);
  second.end();
  await expect.poll(names).toEqual(['s']);
  first.end();
  await expect.poll(() => supervisor.plugin('s').snapshot().pid).toBeUndefined();
  expect(pids).not.toContain(await whoami(plugin, client().session));
});

test('a copy gives its name up to a manifest, which runs its own program, and its client has another', async () => {
  const { plugin, supervisor, write } = await open();
  const [first, second] = [client(), client()];
  await whoami(plugin, first.session);
  const before = await whoami(plugin, second.session);
  write('s@2', { worker: 'mcp', command: process.execPath, args: [SERVER], env_vars: { OWN: 'yes' } });
  await supervisor.discover();
  // Until the copy has ended, there is no plugin of this name.
  const own = () => supervisor.execute('s@2', { name: 'OWN' }, { tool: 'env' }).catch(() => undefined);
  await expect.poll(own).toBe('yes');
  const after = await whoami(plugin, second.session);
  const pids = supervisor.plugins().map(({ name, pid }) => [name, pid]);
  expect(after).not.toBe(before);
  expect(pids).toContainEqual(['s@3', after]);
  second.end();
  await expect.poll(() => supervisor.plugins().map(({ name }) => name)).toEqual(['s', 's@2']);
});

test('requests without a session have one process together', async () => {
  const { plugin } = await open();
  const own = await whoami(plugin, client().session);
  const [a, b] = [await whoami(plugin, undefined), await whoami(plugin, undefined)];
  expect(a).toBe(b);
  expect(a).not.toBe(own);
});

test('clients share the process of a modern server', async () => {
  const { plugin } = await open('--era', 'modern');
  expect(await whoami(plugin, client().session)).toBe(await whoami(plugin, client().session));
});

test('a change of the manifest reaches the processes of single clients, and its end ends them', async () => {
  const { plugin, supervisor, write, plugins } = await open();
  const [first, second] = [client(), client()];
  await whoami(plugin, first.session);
  const before = await whoami(plugin, second.session);
  write('s', { worker: 'mcp', command: process.execPath, args: [SERVER, '--pages'] });
  await supervisor.discover();
  await expect.poll(() => whoami(plugin, second.session)).not.toBe(before);
  rmSync(join(plugins, 's.json'));
  await supervisor.discover();
  await expect.poll(() => supervisor.plugins().map(({ name }) => name)).toEqual([]);
});

test('explain says which client calls which tool', async () => {
  const { plugin, supervisor } = await open('--era', 'modern');
  const controller = new AbortController();
  const waits = plugin.callTool({ name: 'wait' }, { client: 'claude 1.2', signal: controller.signal });
  const refused = expect(waits).rejects.toMatchObject({ code: 'E_CANCELLED' });
  await expect
    .poll(() => supervisor.explain('s').calls)
    .toEqual([{ generation: 1, tool: 'wait', client: 'claude 1.2' }]);
  expect(supervisor.explain('s').lines).toContain('calls    wait for claude 1.2');
  controller.abort();
  await refused;
});

test('while its supervisor stops, a server is still one, and its calls are refused', async () => {
  const { supervisor } = await open();
  const stopping = supervisor.stop();
  const plugin = supervisor.mcpPlugin('s');
  if (plugin !== undefined) await expect(call(plugin, 'echo')).rejects.toMatchObject({ code: 'E_STOPPING' });
  await stopping;
  expect(supervisor.mcpPlugin('s')).toBeUndefined();
});
