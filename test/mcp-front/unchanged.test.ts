import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readJson } from '../../src/json/read-json.ts';
import { BIN, folder, write } from '../cli/command-line.ts';
import { type Served, serve } from '../cli/served-daemon.ts';
import { fetchText } from '../server/served.ts';
import { ACCEPT, modernRequest } from './opened.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
/** In characters, of which some are two bytes, or two in JSON. */
const LARGE = 20 * 1024 * 1024;

type Era = 'legacy' | 'modern';
type Fields = Record<string, unknown>;
/** Calls a tool and gives the result as it was written. */
type CallTool = (name: string, args: Fields) => Promise<Fields>;

const CALLS: readonly [string, Fields][] = [
  ['echo', { text: 'plain' }],
  ['odd', {}],
  ['wrong', {}],
  ['fail', {}],
  ['picture', {}],
  ['large', { length: LARGE }],
];

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

function callOf(era: Era, id: number, name: string, args: Fields): Fields {
  const params = { name, arguments: args };
  return era === 'modern'
    ? modernRequest('tools/call', params, id).message
    : { jsonrpc: '2.0', id, method: 'tools/call', params };
}

/** What a result says beside the keys that belong to an era, and which Greenroom gives for its own. */
function saidIn(answer: string): Fields {
  const { result } = readJson(answer) as { result: Fields };
  const { resultType: _type, _meta: meta = {}, ...said } = result;
  const { 'io.modelcontextprotocol/serverInfo': _info, ...own } = meta as Fields;
  return Object.keys(own).length === 0 ? said : { ...said, _meta: own };
}

/** Talks in lines with a program, of this era. */
async function overLines(child: ChildProcess, era: Era): Promise<CallTool> {
  const waiting = new Map<unknown, (line: string) => void>();
  createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) => {
    const id = Number(/"id":(\d+)/.exec(line.slice(0, 100))?.[1]);
    waiting.get(id)?.(line);
  });
  const ask = (message: Fields): Promise<string> =>
    new Promise((resolve) => {
      waiting.set(message['id'], resolve);
      child.stdin?.write(`${JSON.stringify(message)}\n`);
    });
  if (era === 'legacy') {
    await ask(INITIALIZE);
    child.stdin?.write(`${JSON.stringify(INITIALIZED)}\n`);
  }
  let id = 1;
  return async (name, args) => {
    id += 1;
    return saidIn(await ask(callOf(era, id, name, args)));
  };
}

/** Talks by Streamable HTTP with the address of the plugin. */
async function overHttp({ started }: Served, era: Era): Promise<CallTool> {
  const post = async (message: Fields, headers: Record<string, string>): ReturnType<typeof fetchText> =>
    fetchText({ socketPath: started.socket }, '/mcp/s', {
      method: 'POST',
      headers: { ...ACCEPT, ...headers },
      body: JSON.stringify(message),
    });
  const legacy: Record<string, string> = { 'mcp-protocol-version': '2025-11-25' };
  if (era === 'legacy') {
    const { headers } = await post(INITIALIZE, {});
    legacy['mcp-session-id'] = String(headers['mcp-session-id']);
    await post(INITIALIZED, legacy);
  }
  return async (name, args) => {
    const headers = era === 'legacy' ? legacy : modernRequest('tools/call', { name }).headers;
    const { body } = await post(callOf(era, 7, name, args), headers);
    // As JSON, or as the event of a stream.
    return saidIn(/^data: (.*)$/m.exec(body)?.[1] ?? body);
  };
}

test.each(['legacy', 'modern'] as const)(
  'what a %s server says reaches clients of both eras unchanged, by HTTP and through greenroom mcp',
  async (serverEra) => {
    const args = [SERVER, '--era', serverEra];
    write('plugins/s.json', { name: 's', worker: 'mcp', command: process.execPath, args });
    const daemon = await serve(['--search-path', join(folder, 'plugins')]);
    const children: ChildProcess[] = [];
    const run = (command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
      const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'ignore'], env });
      children.push(child);
      return child;
    };
    const places = {
      PATH: process.env['PATH'],
      HOME: folder,
      GREENROOM_HOME: join(folder, 'home'),
      GREENROOM_SEARCH_PATHS: join(folder, 'plugins'),
      XDG_RUNTIME_DIR: join(folder, 'run'),
    };
    try {
      const direct = await overLines(run(args), serverEra);
      const routes = await Promise.all(
        (['legacy', 'modern'] as const).flatMap((era) => [
          overHttp(daemon, era),
          overLines(run([BIN, 'mcp', '--plugin', 's'], places), era),
        ]),
      );
      for (const [name, given] of CALLS) {
        const expected = await direct(name, given);
        for (const call of routes) expect(await call(name, given)).toEqual(expected);
        if (name === 'large') expect(JSON.stringify(expected).length).toBeGreaterThan(LARGE);
      }
    } finally {
      for (const child of children) child.stdin?.end();
      await Promise.all(children.filter(({ exitCode }) => exitCode === null).map((child) => once(child, 'exit')));
      daemon.child.kill();
      await daemon.ended;
    }
  },
);
