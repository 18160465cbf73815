import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));

/** A plugin that is the server of the fixtures. */
function server(...args: string[]) {
  return { worker: 'mcp', command: process.execPath, args: [SERVER, ...args] };
}

test('a server of MCP is called by its tools', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  expect(await supervisor.execute('s', { text: 'hi' }, { tool: 'echo' })).toBe('hi');
  expect(await supervisor.execute('s', { a: 1, b: 2 }, { tool: 'add' })).toEqual({ sum: 3 });
});

test('the tools of a server are those of its plugin, and their definitions are kept as they are', async () => {
  const { supervisor } = await openSupervisor({ s: server('--pages') });
  const tools = await supervisor.tools('s');
  expect(tools).toHaveLength(23);
  expect(tools[0]).toMatchObject({
    name: 'echo',
    description: 'Says it again.',
    read_only: true,
    definition: { annotations: { readOnlyHint: true }, 'x-own': 1 },
  });
});

test('a call without the name of a tool says that there is none', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  await expect(supervisor.execute('s')).rejects.toMatchObject({
    code: 'E_INPUT',
    message: expect.stringContaining('server of MCP'),
  });
});

test('what a tool says of its failure is the error of the plugin', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  await expect(supervisor.execute('s', {}, { tool: 'fail' })).rejects.toMatchObject({
    code: 'E_REMOTE',
    remote: { type: 'ToolError', message: 'the file is gone' },
  });
  await expect(supervisor.execute('s', {}, { tool: 'refuse' })).rejects.toMatchObject({
    code: 'E_REMOTE',
    remote: { type: 'JsonRpcError', category: 'input', details: { code: -32602, data: { near: 'thing' } } },
  });
});

test('pictures are bytes, and blocks that nobody knows are kept with their large numbers', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  expect(await supervisor.execute('s', {}, { tool: 'picture' })).toEqual([
    { type: 'image', mimeType: 'image/png', data: new Uint8Array([1, 2, 3]) },
  ]);
  expect(await supervisor.execute('s', {}, { tool: 'odd' })).toEqual([
    { type: 'hologram', beams: 12345678901234567890n },
  ]);
});

test.each(['legacy', 'modern'])('every progress of a %s server comes before its result, in order', async (era) => {
  const { supervisor } = await openSupervisor({ s: server('--era', era) });
  for (let round = 0; round < 30; round += 1) {
    const steps: unknown[] = [];
    const onProgress = (step: object): void => void steps.push(step);
    await supervisor.execute('s', { n: 4 }, { tool: 'steps', onProgress });
    expect(steps).toHaveLength(4);
    expect(steps[1]).toEqual({
      progress: 0.5,
      message: 'step 2',
      params: { progress: 2, total: 4, message: 'step 2', own: 2 },
    });
  }
});

test.each(['legacy', 'modern'])('a cancelled call is cancelled in a %s server, which goes on', async (era) => {
  const opened = await openSupervisor({ s: { ...server('--era', era), cancel_grace_ms: 60_000 } });
  const { supervisor } = opened;
  await supervisor.load('s');
  const { pid } = opened.snapshot('s');
  const controller = new AbortController();
  const call = supervisor.execute('s', {}, { tool: 'wait', signal: controller.signal });
  const refused = expect(call).rejects.toMatchObject({ code: 'E_CANCELLED' });
  expect(await supervisor.execute('s', {}, { tool: 'seen' })).toBe('{"cancelled":0,"running":1}');
  controller.abort();
  await refused;
  expect(await supervisor.execute('s', {}, { tool: 'seen' })).toBe('{"cancelled":1,"running":0}');
  await expect.poll(() => opened.snapshot('s').state).toBe('ready');
  expect(opened.snapshot('s').pid).toBe(pid);
});

/** Has the server do nothing but a call that is cancelled then. */
async function stuckIn({ supervisor, entered }: OpenedSupervisor): Promise<void> {
  await supervisor.load('s');
  const controller = new AbortController();
  const busy = entered('s', 'busy');
  const call = supervisor.execute('s', { ms: 600_000 }, { tool: 'block', signal: controller.signal });
  const refused = expect(call).rejects.toMatchObject({ code: 'E_CANCELLED' });
  await busy;
  controller.abort();
  await refused;
}

test('a server that is stuck in a cancelled call is replaced', async () => {
  const opened = await openSupervisor({ s: { ...server(), cancel_grace_ms: 50 } });
  await opened.supervisor.load('s');
  const replaced = opened.entered('s', 'spawning');
  await stuckIn(opened);
  await replaced;
  expect(await opened.supervisor.execute('s', { text: 'new' }, { tool: 'echo' })).toBe('new');
  expect(opened.snapshot('s').generation).toBe(2);
});

test('a server that dies in a call is told of with its last line, and the next call has another', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  await expect(supervisor.execute('s', {}, { tool: 'die' })).rejects.toMatchObject({
    code: 'E_CRASHED',
    message: expect.stringContaining('the disk is on fire'),
  });
  expect(await supervisor.execute('s', { text: 'back' }, { tool: 'echo' })).toBe('back');
});

test('lines that are no messages go to the log, and nothing is lost', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  expect(await supervisor.execute('s', {}, { tool: 'noise' })).toBe('quiet');
  await expect.poll(() => supervisor.logs('s')).toContain('hello from a print');
});

test.each([
  ['is null', '{"jsonrpc":"2.0","id":#,"result":null}', 'it has no "method", "result" or "error"'],
  ['has a number that JSON has not', '{"result": {"content": [NaN]}, "jsonrpc": "2.0", "id": #}', 'it is no JSON'],
  [
    'is nested too deep',
    `{"jsonrpc":"2.0","result":${'{"a":'.repeat(501)}1${'}'.repeat(501)},"id":"#"}`,
    'it is nested deeper than 500 levels',
  ],
  ['is of no version', '{"id":#,"result":{"content":[]}}', 'it has no "jsonrpc": "2.0"'],
])('a call ends whose answer %s, and the next one is answered', async (_what, line, reason) => {
  const { supervisor } = await openSupervisor({ s: server() });
  await expect(supervisor.execute('s', { line }, { tool: 'garble' })).rejects.toMatchObject({
    code: 'E_REMOTE',
    message: `"s" answered with error -32603: Its answer cannot be read: ${reason}`,
  });
  expect(await supervisor.execute('s', { text: 'on' }, { tool: 'echo' })).toBe('on');
});

test('a call ends whose answer is too long, also where the line says at its end what it answers', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  const lines = ['{"jsonrpc":"2.0","id":#,"result":{"own":"…"}}', '{"result":{"own":"…"},"jsonrpc":"2.0","id":#}'];
  for (const line of lines) {
    const call = supervisor.execute('s', { line, more: 65 * 1024 * 1024 }, { tool: 'garble' });
    await expect(call).rejects.toThrow('Its answer cannot be read: it is longer than 64 MiB');
  }
  expect(await supervisor.execute('s', { text: 'on' }, { tool: 'echo' })).toBe('on');
});

test('a server that floods standard error does not hang', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  expect(await supervisor.execute('s', { n: 5_000 }, { tool: 'flood' })).toBe('flooded');
});

test('what a server logs is in the log of its plugin, and new tools are found', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  const before = await supervisor.tools('s');
  await supervisor.execute('s', {}, { tool: 'grow' });
  await expect.poll(async () => (await supervisor.tools('s')).length).toBe(before.length + 1);
  await expect.poll(() => supervisor.logs('s')).toContain('[warning] own: grown');
});

test('what a server asks of its client is refused in words', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  expect(await supervisor.execute('s', {}, { tool: 'ask' })).toContain('-32601');
});

test('a server that says nothing to the modern question is a legacy one', async () => {
  const { supervisor } = await openSupervisor({ s: server('--silent') });
  expect(await supervisor.execute('s', { text: 'hi' }, { tool: 'echo' })).toBe('hi');
});

test('a server that ends at the modern question is started once more, and not asked again, by a later supervisor neither', async () => {
  const { supervisor, dataDir, plugins } = await openSupervisor({ s: server('--exit-at-discover') });
  expect(await supervisor.execute('s', { text: 'hi' }, { tool: 'echo' })).toBe('hi');
  const log = await supervisor.logs('s');
  expect(log).toContain('starting it again without that question');
  await supervisor.reload('s');
  expect((await supervisor.logs('s')).split('starting it again without').length).toBe(2);
  await supervisor.stop();
  const { supervisor: later } = await openSupervisor({}, { dataDir, searchPaths: [plugins] });
  await later.load('s');
  const logs = await later.logs('s');
  expect([logs.split('starting it again without').length, logs.split('worker started').length]).toEqual([2, 5]);
});

test('a server of a revision that nobody knows is refused', async () => {
  const { supervisor } = await openSupervisor({
    s: { ...server('--revision', '2031-01-01'), restart: { intensity: 0 } },
  });
  await expect(supervisor.load('s')).rejects.toMatchObject({
    code: 'E_HANDSHAKE',
    message: expect.stringContaining('speaks the revision "2031-01-01" of MCP'),
  });
});

test('a server that ends at once is told of with what it printed', async () => {
  const { supervisor } = await openSupervisor({ s: { ...server('--exit-at-once'), restart: { intensity: 0 } } });
  await expect(supervisor.load('s')).rejects.toMatchObject({
    message: expect.stringContaining('no API key was given'),
  });
});

test('a server that ends with words where only messages belong is told of with them', async () => {
  const { supervisor } = await openSupervisor({ s: { ...server('--print-and-exit'), restart: { intensity: 0 } } });
  await expect(supervisor.load('s')).rejects.toMatchObject({
    message: expect.stringMatching(/status 3.*no message of MCP.*standard error: no licence was found/),
  });
});

test('a server that does not end with its input is sent a signal', async () => {
  const opened = await openSupervisor({ s: server('--stubborn') });
  await opened.supervisor.load('s');
  await opened.supervisor.unload('s');
  expect(opened.snapshot('s').pid).toBeUndefined();
});

test('a manifest of a server cannot say its tools, nor a config', async () => {
  const opened = await openSupervisor({ s: { ...server(), tools: [{ name: 'x' }], config_schema: {} } });
  expect(opened.supervisor.problems().map(({ field }) => field)).toEqual(['config_schema', 'tools']);
});

test('an input that is no object is refused at the call', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  await expect(supervisor.execute('s', ['x'], { tool: 'echo' })).rejects.toMatchObject({ code: 'E_SERIALIZE' });
});

test('a call that comes right after a cancelled one is not stuck with it', async () => {
  const opened = await openSupervisor({ s: { ...server(), cancel_grace_ms: 300 } });
  await stuckIn(opened);
  expect(await opened.supervisor.execute('s', { text: 'new' }, { tool: 'echo' })).toBe('new');
  expect(opened.snapshot('s').generation).toBe(2);
});

test('integers of any size are given to a tool as they are', async () => {
  const { supervisor } = await openSupervisor({ s: server() });
  await supervisor.load('s');
  expect(await supervisor.execute('s', { text: 1, n: 2n ** 64n }, { tool: 'raw' })).toContain(
    '"n":18446744073709551616',
  );
});
