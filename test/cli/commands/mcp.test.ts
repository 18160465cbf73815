import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../eventually.ts';
import { FIXTURES } from '../../fixtures/plugins.ts';
import { fetchText } from '../../server/served.ts';
import { BIN, folder, processesOf, start } from '../command-line.ts';
import { serve } from '../served-daemon.ts';

const SERVER = fileURLToPath(new URL('../../fixtures/mcp/server.mjs', import.meta.url));

/** What the tests ask of a client of either SDK. */
interface AnyClient {
  callTool(
    tool: { name: string; arguments?: Record<string, unknown> },
    options?: object,
  ): Promise<{ content?: unknown; isError?: unknown }>;
  close(): Promise<void>;
}

const greenroom = (args: readonly string[]) => start(args).ended;

function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GREENROOM_HOME: join(folder, 'home'),
    GREENROOM_SEARCH_PATHS: join(folder, 'plugins'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
  };
}

function front(...args: string[]) {
  return { command: process.execPath, args: [BIN, 'mcp', ...args], env: environment(), stderr: 'ignore' as const };
}

/** A daemon and a server may have to start first, on a busy machine. */
const waitFor = (look: () => void | Promise<void>) => eventually(look);

const clients: { close(): Promise<void> }[] = [];

/** A client that has begun, over a front of its own. */
async function open(mode: 'legacy' | 'auto' = 'auto', ...args: string[]) {
  const client = new Client({ name: 'tester', version: '3' }, { versionNegotiation: { mode } });
  const transport = new StdioClientTransport(front(...args));
  await client.connect(transport);
  clients.push(client);
  return Object.assign(client, { frontPid: transport.pid ?? 0 });
}

function daemonRecord(): { readonly pid: number; readonly socket: string } {
  return JSON.parse(readFileSync(join(folder, 'home/daemon.json'), 'utf8')) as { pid: number; socket: string };
}

const daemonPid = (): number => daemonRecord().pid;

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const textOf = ({ content }: { content?: unknown }): unknown => (content as { text: string }[])[0]?.text;

beforeEach(() => {
  mkdirSync(join(folder, 'plugins'));
  const manifest = { name: 's', worker: 'mcp', command: process.execPath, args: [SERVER], share: 'all' };
  writeFileSync(join(folder, 'plugins/s.json'), JSON.stringify({ ...manifest, restart: { backoff: { base_ms: 1 } } }));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close().catch(() => {})));
  endDaemon();
});

function endDaemon(): void {
  try {
    process.kill(daemonPid());
  } catch {
    // None was started, or a test has ended it.
  }
}

describe.each(['v2 modern', 'v2 legacy', 'v1'])('the official client %s', (which) => {
  async function connect(): Promise<AnyClient & { listTools(): Promise<{ tools: { name: string }[] }> }> {
    if (which !== 'v1') return open(which === 'v2 modern' ? 'auto' : 'legacy');
    const client = new ClientV1({ name: 'tester', version: '1' });
    await client.connect(new TransportV1(front()));
    clients.push(client);
    return client as never;
  }

  test('lists and calls the tools of plugins, with every progress and every error', async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('s__echo');
    expect(textOf(await client.callTool({ name: 's__echo', arguments: { text: 'hi' } }))).toBe('hi');
    expect(await client.callTool({ name: 's__fail' })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: 's__refuse' })).rejects.toMatchObject({ code: -32602 });
    for (let round = 0; round < 30; round += 1) {
      let steps = 0;
      const onprogress = (): void => void (steps += 1);
      await client.callTool({ name: 's__steps', arguments: { n: 4 } }, ...progressArguments(which, { onprogress }));
      expect(steps).toBe(4);
    }
  });

  test('cancels a call in the server', async () => {
    const client = await connect();
    const controller = new AbortController();
    const call = client.callTool({ name: 's__wait' }, ...progressArguments(which, { signal: controller.signal }));
    const refused = expect(call).rejects.toThrow();
    await waitFor(async () => {
      expect(textOf(await client.callTool({ name: 's__seen' }))).toBe('{"cancelled":0,"running":1}');
    });
    controller.abort();
    await refused;
    await waitFor(async () => {
      expect(textOf(await client.callTool({ name: 's__seen' }))).toBe('{"cancelled":1,"running":0}');
    });
  });
});

test.each([
  ['v2 legacy', []],
  ['v1', ['--plugin', 's']],
])('the official client %s is asked by a server whose process is for it alone (%j)', async (which, args) => {
  const file = join(folder, 'plugins/s.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), share: 'client' }));
  const capabilities = { sampling: {}, roots: {} };
  const roots = async () => ({ roots: [{ uri: 'file:///home/ada' }] });
  let client: AnyClient;
  if (which === 'v1') {
    const v1 = new ClientV1({ name: 'tester', version: '1' }, { capabilities });
    v1.setRequestHandler(ListRootsRequestSchema, roots);
    await v1.connect(new TransportV1(front(...args)));
    client = v1 as never;
  } else {
    const v2 = new Client({ name: 'tester', version: '3' }, { capabilities, versionNegotiation: { mode: 'legacy' } });
    v2.setRequestHandler('roots/list', roots);
    await v2.connect(new StdioClientTransport(front(...args)));
    client = v2;
  }
  clients.push(client);
  const prefix = args.length === 0 ? 's__' : '';
  const { pid, client: said } = JSON.parse(String(textOf(await client.callTool({ name: `${prefix}whoami` })))) as {
    pid: number;
    client: unknown;
  };
  expect(said).toEqual(capabilities);
  const asks = { name: `${prefix}ask`, arguments: { method: 'roots/list' } };
  expect(textOf(await client.callTool(asks))).toContain('file:///home/ada');
  // It goes while it is asked: nothing waits for its answer.
  client.callTool({ name: `${prefix}ask`, arguments: { method: 'sampling/createMessage' } }).catch(() => {});
  await client.close();
  await waitFor(() => expect(isAlive(pid)).toBe(false));
});

/** The first version takes the schema of results before its options. */
function progressArguments(which: string, options: object): [object] | [never, object] {
  return which === 'v1' ? [undefined as never, options] : [options];
}

test('a daemon that is killed is started again, and the client notices only the calls that ran', async () => {
  const client = await open('legacy');
  const { pid: serverPid } = JSON.parse(String(textOf(await client.callTool({ name: 's__whoami' })))) as {
    pid: number;
  };
  const lost = expect(client.callTool({ name: 's__wait' })).rejects.toMatchObject({ code: -32000 });
  await waitFor(async () => {
    expect(textOf(await client.callTool({ name: 's__seen' }))).toContain('"running":1');
  });
  const first = daemonPid();
  process.kill(first, 'SIGKILL');
  await lost;
  expect(textOf(await client.callTool({ name: 's__echo', arguments: { text: 'again' } }))).toBe('again');
  expect(daemonPid()).not.toBe(first);
  await waitFor(() => expect(isAlive(serverPid)).toBe(false));
});

test.each([
  ['wait', {}, 'waiting', 'waited'],
  // Of what it had streamed before, nothing comes twice.
  ['pieces', { items: ['one ', 'two'] }, 'two', 'one two'],
] as const)(
  'a task that a client began outlives the daemon, and the same client finds it again (%s)',
  async (tool, input, said, result) => {
    const door = join(folder, 'door');
    cpSync(join(FIXTURES, 'showcase'), join(folder, 'plugins/showcase'), { recursive: true });
    const client = new ClientV1({ name: 'tester', version: '1' });
    await client.connect(new TransportV1(front()));
    clients.push(client);
    const { tasks } = client.experimental;
    const given = { ...input, door, journal: join(folder, 'journal') };
    const begun = await tasks
      .callToolStream({ name: `showcase__${tool}`, arguments: given }, undefined, { task: {} })
      .next();
    const { taskId } = (begun.value as { task: { taskId: string } }).task;
    const waits = async (): Promise<void> => expect((await tasks.getTask(taskId)).statusMessage).toBe(said);
    await waitFor(waits);
    process.kill(daemonPid(), 'SIGKILL');
    await waitFor(waits);
    writeFileSync(door, '');
    expect(textOf(await tasks.getTaskResult(taskId, CallToolResultSchema))).toBe(result);
  },
);

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a result that a client waits for comes from the next daemon, after %s',
  async (signal) => {
    const door = join(folder, 'door');
    cpSync(join(FIXTURES, 'showcase'), join(folder, 'plugins/showcase'), { recursive: true });
    const file = join(folder, 'plugins/showcase/manifest.json');
    const manifest = { ...JSON.parse(readFileSync(file, 'utf8')), drain_timeout_ms: 100 };
    writeFileSync(file, JSON.stringify(manifest));
    const client = new ClientV1({ name: 'tester', version: '1' });
    await client.connect(new TransportV1(front()));
    clients.push(client);
    const { tasks } = client.experimental;
    const call = { name: 'showcase__wait', arguments: { door, journal: join(folder, 'journal') } };
    const begun = await tasks.callToolStream(call, undefined, { task: {} }).next();
    const { taskId } = (begun.value as { task: { taskId: string } }).task;
    const waits = async (): Promise<void> => expect((await tasks.getTask(taskId)).statusMessage).toBe('waiting');
    await waitFor(waits);
    const result = tasks.getTaskResult(taskId, CallToolResultSchema);
    const first = daemonPid();
    process.kill(first, signal);
    await waitFor(() => expect(daemonPid()).not.toBe(first));
    await waitFor(waits);
    writeFileSync(door, '');
    expect(textOf(await result)).toBe('waited');
  },
  120_000,
);

test.each(['legacy', 'auto'] as const)(
  'while a daemon is replaced its last calls end, and the next one has those that had not begun (%s)',
  async (mode) => {
    const door = join(folder, 'door');
    cpSync(join(FIXTURES, 'showcase'), join(folder, 'plugins/showcase'), { recursive: true });
    const [client, other] = [await open(mode), await open(mode)];
    expect(textOf(await other.callTool({ name: 's__echo', arguments: { text: 'hi' } }))).toBe('hi');
    const running = client.callTool({ name: 'showcase__wait', arguments: { door, journal: door } });
    const { pid: first, socket } = daemonRecord();
    const asked = async (path: string): Promise<string> => (await fetchText({ socketPath: socket }, path)).body;
    await waitFor(async () => expect(await asked('/api/plugins/showcase')).toContain('"inFlight":1'));
    const next = serve(['--replace', '--search-path', join(folder, 'plugins')]);
    // The plugin that is idle goes before the one that works.
    await waitFor(async () => expect(await asked('/api/plugins')).not.toContain('"name":"s"'));
    const late = other.callTool({ name: 's__echo', arguments: { text: 'late' } });
    const { tools } = await other.listTools();
    expect(tools.map(({ name }) => name)).toContain('s__echo');
    writeFileSync(door, '');
    expect(textOf(await running)).toBe('waited');
    expect(await late).toMatchObject({ content: [{ text: 'late' }] });
    const { child, ended } = await next;
    expect(daemonPid()).not.toBe(first);
    await Promise.all(clients.splice(0).map((each) => each.close()));
    child.kill();
    await ended;
    // A front that waited for 5 s between the two, on a slow machine, has begun to start one.
    await waitFor(() => {
      endDaemon();
      expect(processesOf(folder)).toEqual([]);
    });
  },
  120_000,
);

test('ten clients share one server, and what one that is killed had running is cancelled', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => open()));
  const pids = await Promise.all(all.map(async (client) => textOf(await client.callTool({ name: 's__whoami' }))));
  expect(new Set(pids).size).toBe(1);
  const [one, other] = all as [(typeof all)[number], (typeof all)[number]];
  one.callTool({ name: 's__wait' }).catch(() => {});
  await waitFor(async () => {
    expect(textOf(await other.callTool({ name: 's__seen' }))).toBe('{"cancelled":0,"running":1}');
  });
  process.kill(one.frontPid, 'SIGKILL');
  await waitFor(async () => {
    expect(textOf(await other.callTool({ name: 's__seen' }))).toBe('{"cancelled":1,"running":0}');
  });
});

test('a client is told when the tools of a server change', async () => {
  const told = new Promise<void>((resolve) => {
    const listChanged = { tools: { onChanged: () => resolve() } };
    const client = new Client(
      { name: 'tester', version: '1' },
      { versionNegotiation: { mode: 'legacy' }, listChanged },
    );
    clients.push(client);
    void client
      .connect(new StdioClientTransport(front()))
      .then(() => client.listTools())
      .then(() => client.callTool({ name: 's__grow' }));
  });
  await told;
});

test('one plugin is offered with the names of its own tools, and a name that is wrong is told of', async () => {
  const client = await open('auto', '--plugin', 's');
  expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'own' } }))).toBe('own');
  const wrong = new StdioClientTransport({ ...front('--plugin', 'es'), stderr: 'pipe' });
  const stderr = text(wrong.stderr as Readable);
  await expect(new Client({ name: 'tester', version: '1' }).connect(wrong)).rejects.toThrow();
  expect(await stderr).toContain('"es"');
});

test('a project is trusted by its path, and what it runs is told', async () => {
  const config = { mcpServers: { notes: { command: 'node', args: ['notes.mjs', 'two words'] } } };
  writeFileSync(join(folder, '.mcp.json'), JSON.stringify(config));
  const { status, stdout } = await greenroom(['mcp', 'trust', '.mcp.json']);
  expect(status).toBe(0);
  expect(stdout).toContain(`notes: node notes.mjs "two words", in ${folder}`);
  expect(readFileSync(join(folder, 'home/mcp-trusted.json'), 'utf8')).toContain('.mcp.json');
  expect((await greenroom(['mcp', 'distrust', '.mcp.json', '--json'])).stdout).toContain('"wasTrusted":true');
});

test.each([
  ['no JSON', 'is not JSON'],
  ['[]', 'must be a JSON object'],
])('a file that is no configuration is not trusted: %s', async (content, reason) => {
  writeFileSync(join(folder, '.mcp.json'), content);
  const { status, stderr } = await greenroom(['mcp', 'trust', '.mcp.json']);
  expect(status).toBe(4);
  expect(stderr).toContain('There is nothing to trust: ');
  expect(stderr).toContain(reason);
  expect((await greenroom(['mcp', 'distrust', '.mcp.json', '--json'])).stdout).toContain('"wasTrusted":false');
});

test('what a project runs is told whole, each program on a line, with the variables that it sets', async () => {
  const script = `echo ${'harmless '.repeat(100)}; rm -rf .`;
  const hidden = {
    command: 'sh',
    args: ['-c', script],
    env: { NODE_OPTIONS: '--require ./it.js' },
    cwd: 'a\n  b: c, in d',
  };
  writeFileSync(join(folder, '.mcp.json'), JSON.stringify({ mcpServers: { 'notes\n  files\u001b[2K': hidden } }));
  const { stdout, stderr } = await greenroom(['mcp', 'trust', '.mcp.json']);
  const cwd = JSON.stringify(join(folder, 'a\n  b: c, in d'));
  expect(stdout.split('\n').slice(1)).toEqual([
    `  "notes\\n  files\\u001b[2K": sh -c ${JSON.stringify(script)}, in ${cwd}, with NODE_OPTIONS`,
    '',
  ]);
  expect(stderr).toBe('');
});

test.each([
  [['trust'], 'name the file to trust'],
  [['run', 'x'], 'Unknown argument "run"'],
  [['trust', 'nothing.json'], 'does not exist'],
])('greenroom mcp %j says what is wrong', async (args, message) => {
  const { status, stderr } = await greenroom(['mcp', ...args]);
  expect(status).not.toBe(0);
  expect(stderr).toContain(message);
});

test('a daemon that nobody uses ends by itself, and one that is used does not', async () => {
  const daemon = await serve(['--end-when-idle', '0.2', '--search-path', join(folder, 'plugins')]);
  expect(await daemon.ended).toMatchObject({ status: 0 });
  const bad = await start(['serve', '--end-when-idle', 'soon']).ended;
  expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining('got "soon"')]);
});
