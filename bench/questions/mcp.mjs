// @ts-check
// What does an MCP client wait for at a daemon, more than at the server itself, and how much memory stands between them?
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Pool } from 'undici';
import { createClient } from '../../dist/client/index.js';
import { withFolder, writeManifest } from '../lib/host.mjs';
import { comparisonOf, limitRow, median, medianOfRuns, takeInTurns, timed } from '../lib/measure.mjs';

const BIN = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));
const COLD = 20;
const IDLE = 10;
const CALLS = 100;

const LIST = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const LIST_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/list',
};

const packageFile = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json');
/** The official server with most tools. */
const SERVER = [join(dirname(packageFile), JSON.parse(readFileSync(packageFile, 'utf8')).bin['mcp-server-everything'])];

/** @param {string} folder @param {number} count */
function writeServers(folder, count) {
  for (let index = 0; index < count; index += 1)
    writeManifest(folder, { name: `s${index}`, worker: 'mcp', command: process.execPath, args: SERVER });
}

/**
 * Runs something at a daemon, which is ended afterwards.
 *
 * @template T @param {string} dataDir @param {string} folder @param {(daemon: Daemon) => Promise<T>} action @returns {Promise<T>}
 * @typedef {{ pid: number, socket: string, url: string }} Daemon
 */
async function withDaemon(dataDir, folder, action) {
  const args = [BIN, 'serve', '--json', '--data-dir', dataDir, '--search-path', folder, '--listen', '127.0.0.1:0'];
  const daemon = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await new Promise((resolve) => createInterface(daemon.stdout).once('line', resolve));
    const { socket, url } = JSON.parse(line);
    return await action({ pid: daemon.pid ?? 0, socket, url });
  } finally {
    const ended = once(daemon, 'exit');
    daemon.kill();
    await ended;
  }
}

/** A client of this era that has begun. @param {'legacy' | 'auto'} mode @param {StdioClientTransport | StreamableHTTPClientTransport} transport */
async function connect(mode, transport) {
  const client = new Client({ name: 'bench', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

/** @param {string} dataDir */
const tokenOf = (dataDir) => readFileSync(join(dataDir, 'daemon-token'), 'utf8').trim();

/** @param {number} pid */
const rssMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

/** The first list that a new daemon gives, whose tools another has kept. @param {string} folder @param {number} rounds */
async function coldList(folder, rounds) {
  const dataDir = join(folder, 'data');
  const times = [];
  let started = 0;
  for (let round = -1; round < rounds; round += 1) {
    await withDaemon(dataDir, join(folder, 'plugins'), async ({ socket }) => {
      const pool = new Pool('http://localhost', { socketPath: socket });
      const time = await timed(async () => {
        const { body } = await pool.request({ path: '/mcp', method: 'POST', headers: LIST_HEADERS, body: LIST });
        const text = await body.text();
        // The list that starts servers takes long enough to be an event of a stream.
        const { result } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text);
        const plugins = new Set(result.tools.map((/** @type {{ name: string }} */ { name }) => name.split('__')[0]));
        if (plugins.size !== COLD) throw new Error(`The tools of ${plugins.size} servers were listed, not of ${COLD}.`);
      });
      await pool.close();
      const daemon = createClient({ socket });
      const running = (await daemon.plugins()).filter(({ pid }) => pid !== undefined);
      await daemon.close();
      // The first daemon has to start them.
      if (round < 0) return;
      times.push(time);
      started += running.length;
    });
  }
  return [
    limitRow(`tools/list of ${COLD} cold servers, the first of a daemon`, 'ms', median(times), { atMost: 100 }),
    limitRow('servers started for it', '', started, { exactly: 0 }),
  ];
}

/** @param {string} folder @param {import('../lib/measure.mjs').Bench} bench */
function echo(folder, { repetitions }) {
  const dataDir = join(folder, 'data');
  return withDaemon(dataDir, join(folder, 'plugins'), async ({ url }) => {
    const direct = () => new StdioClientTransport({ command: process.execPath, args: SERVER, stderr: 'ignore' });
    const requestInit = { headers: { authorization: `Bearer ${tokenOf(dataDir)}` } };
    const http = () => new StreamableHTTPClientTransport(new URL(`${url}/mcp/s0`), { requestInit });
    /** @type {Client[]} */
    const clients = [];
    try {
      clients.push(await connect('legacy', direct()), await connect('legacy', direct()));
      clients.push(await connect('legacy', http()), await connect('auto', http()));
      const lanes = await takeInTurns(
        clients.map((client) => async () => {
          const call = () => client.callTool({ name: 'echo', arguments: { message: 'hi' } });
          return (await medianOfRuns(CALLS, call)) / 1_000;
        }),
        { repetitions, warmup: 6 },
      );
      const [reference = [], control = [], legacy = [], modern = []] = lanes;
      return Object.entries({ 'a session': legacy, 'revision 2026-07-28': modern }).map(([how, values]) => {
        const { over, aa } = comparisonOf(reference, control, values);
        const question = `echo by Streamable HTTP, ${how}, beyond standard streams to the server, p50`;
        return limitRow(question, 'ms', over, { atMost: 1 }, { aa });
      });
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });
}

/** @param {string} folder */
function memory(folder) {
  const dataDir = join(folder, 'data');
  return withDaemon(dataDir, join(folder, 'plugins'), async ({ pid }) => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [BIN, 'mcp', '--data-dir', dataDir],
      env: { PATH: process.env['PATH'] ?? '' },
      stderr: 'ignore',
    });
    const client = await connect('auto', transport);
    await client.listTools();
    for (let index = 0; index < IDLE; index += 1)
      await client.callTool({ name: `s${index}__echo`, arguments: { message: 'hi' } });
    const rows = [
      limitRow(`a daemon with ${IDLE} idle servers of MCP`, 'MiB', rssMib(pid), { atMost: 110 }),
      limitRow('greenroom mcp', 'MiB', rssMib(transport.pid ?? 0), { atMost: 45 }),
    ];
    await client.close();
    return rows;
  });
}

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, 'plugins'));
    writeServers(join(folder, 'plugins'), COLD);
    return [
      ...(await coldList(folder, bench.quick ? 5 : 11)),
      ...(await echo(folder, bench)),
      ...(await memory(folder)),
    ];
  });
