// @ts-check
// What the chaos of MCP servers happens in: a folder with a daemon's data, servers, and official clients that reach them
// through `greenroom mcp`, as users have it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const BIN = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));
const FIXTURE = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const require = createRequire(import.meta.url);

/** How long everything may take to end, in milliseconds. */
const END_MS = 20_000;

/**
 * @typedef {{ command: string, args?: string[], env?: Record<string, string> }} Server
 * @typedef {{ name: string, tool: string, args: Record<string, unknown>, answer: RegExp, server: Server }} Sound
 *   A server that works, a call of it, and what the answer has.
 */

/** The raw fixture server, with these arguments. @param {string[]} args @returns {Server} */
export function fixture(...args) {
  return { command: process.execPath, args: [FIXTURE, ...args] };
}

/** An official server, as npm has it. @param {string} name @param {string[]} args @returns {Server} */
function official(name, ...args) {
  const file = require.resolve(`@modelcontextprotocol/server-${name}/package.json`);
  const { bin } = require(file);
  return { command: process.execPath, args: [join(dirname(file), String(Object.values(bin)[0])), ...args] };
}

/** Four official servers and two plain ones. @param {string} folder @returns {readonly Sound[]} */
export function soundServers(folder) {
  const memory = official('memory');
  const thought = { thought: 'one', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false };
  return [
    { name: 'everything', tool: 'echo', args: { message: 'hi' }, answer: /Echo: hi/, server: official('everything') },
    {
      name: 'files',
      tool: 'list_allowed_directories',
      args: {},
      answer: /Allowed directories/,
      server: official('filesystem', folder),
    },
    {
      name: 'memory',
      tool: 'read_graph',
      args: {},
      answer: /entities/,
      server: { ...memory, env: { MEMORY_FILE_PATH: join(folder, 'memory.json') } },
    },
    {
      name: 'thinking',
      tool: 'sequentialthinking',
      args: thought,
      answer: /thoughtNumber/,
      server: official('sequential-thinking'),
    },
    { name: 'plain', tool: 'echo', args: { text: 'plain says' }, answer: /plain says/, server: fixture() },
    {
      name: 'modern',
      tool: 'echo',
      args: { text: 'modern says' },
      answer: /modern says/,
      server: fixture('--era', 'modern'),
    },
  ];
}

/** The text of a result. @param {{ content?: unknown }} result */
export function textOf({ content = [] }) {
  const blocks = /** @type {{ text?: string }[]} */ (content);
  return blocks.map((block) => block.text ?? '').join('\n');
}

export class McpWorld {
  folder = mkdtempSync(join(tmpdir(), 'gr-mcp-'));
  home = join(this.folder, 'home');
  #run = join(this.folder, 'run');
  /** @type {Set<Client>} */
  #clients = new Set();

  /** @param {Record<string, string>} [variables] of every process that is started */
  constructor(variables = {}) {
    for (const path of [this.home, join(this.folder, 'plugins')]) mkdirSync(path);
    mkdirSync(this.#run, { mode: 0o700 });
    /** @type {Record<string, string>} */
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      GREENROOM_HOME: this.home,
      GREENROOM_SEARCH_PATHS: join(this.folder, 'plugins'),
      XDG_RUNTIME_DIR: this.#run,
      ...variables,
    };
  }

  /** Writes the configuration of an MCP client. @param {Record<string, Server>} mcpServers */
  configure(mcpServers) {
    writeFileSync(join(this.home, 'mcp.json'), JSON.stringify({ mcpServers }));
  }

  /** Writes a manifest. @param {string} name @param {Server & Record<string, unknown>} server */
  addPlugin(name, { env, ...server }) {
    const manifest = { name, worker: 'mcp', ...server, ...(env !== undefined && { env_vars: env }) };
    writeFileSync(join(this.folder, 'plugins', `${name}.json`), JSON.stringify(manifest));
  }

  /** A client that has begun, over a front of its own. @param {'legacy' | 'auto'} mode */
  async connect(mode) {
    const client = new Client({ name: 'chaos', version: '1' }, { versionNegotiation: { mode } });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [BIN, 'mcp'],
      env: this.environment,
      stderr: 'ignore',
    });
    this.#clients.add(client);
    await client.connect(transport);
    return { client, frontPid: transport.pid ?? 0, close: () => this.#close(client) };
  }

  /** @param {Client} client */
  async #close(client) {
    this.#clients.delete(client);
    await client.close().catch(() => {});
  }

  /** Runs `greenroom`, and gives what it printed. @param {string[]} args */
  async greenroom(...args) {
    const child = spawn(process.execPath, [BIN, ...args], { cwd: this.folder, env: this.environment });
    child.stdin.end();
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return `${stdout}${stderr}`;
  }

  /** What the daemon says of itself; undefined where there is none. @returns {{ pid: number, socket: string } | undefined} */
  daemon() {
    try {
      return JSON.parse(readFileSync(join(this.home, 'daemon.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /**
   * The plugins of the daemon, as its API lists them; none where it does not answer.
   *
   * @returns {Promise<{ name: string, pid?: number, state: string, rss_mb?: number }[]>}
   */
  async plugins() {
    const daemon = this.daemon();
    if (daemon === undefined) return [];
    try {
      const answer = await new Promise((resolve, reject) => {
        const asked = request({ socketPath: daemon.socket, path: '/api/plugins', agent: false }, resolve);
        asked.on('error', reject);
        asked.end();
      });
      return JSON.parse(await text(answer)).plugins;
    } catch {
      return [];
    }
  }

  /** How much memory a process has, in MiB. @param {number} pid */
  rssOf(pid) {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
  }

  /** The processes with the folder in their environment. @returns {string[]} */
  processes() {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(this.folder);
      } catch {
        return false;
      }
    });
  }

  /** Ends the clients and the daemon, and says what is left then: processes, sockets, lock files. */
  async end() {
    await Promise.all([...this.#clients].map((client) => this.#close(client)));
    const daemon = this.daemon();
    try {
      if (daemon !== undefined) process.kill(daemon.pid, 'SIGTERM');
    } catch {
      // It has ended, or was killed.
    }
    const end = performance.now() + END_MS;
    while (performance.now() < end && this.#left().length > 0) await delay(20);
    const left = this.#left();
    for (const pid of this.processes()) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended since.
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
    return left;
  }

  #left() {
    const sockets = readdirSync(this.#run, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !isSocketFolder(name),
    );
    const locks = readdirSync(this.home).filter((name) => name.startsWith('daemon.') && name !== 'daemon.log');
    return [
      ...this.processes().map((pid) => `process ${pid}: ${commandOf(pid)}`),
      ...sockets.map((name) => `${name} in the folder of sockets`),
      ...locks.map((name) => `${name} in the data directory`),
    ];
  }
}

/** The folder of daemons' sockets stays for the next one. @param {string} name */
function isSocketFolder(name) {
  return name === `greenroom-${process.getuid?.()}`;
}

/** @param {string} pid */
function commandOf(pid) {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : '';
}
