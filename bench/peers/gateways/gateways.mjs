// @ts-check
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client, HubClient } from './client.mjs';

const ECHO = fileURLToPath(new URL('echo-server.mjs', import.meta.url));
const GREENROOM = fileURLToPath(new URL('../../../bin/greenroom.js', import.meta.url));
const BIN = fileURLToPath(new URL('../node_modules/.bin/', import.meta.url));

/** How long a gateway may take to answer its first client, in milliseconds. */
const START_MS = 30_000;

/**
 * @typedef {object} Gateway
 * @property {string} name
 * @property {Client} client has begun
 * @property {() => Promise<void>} close
 */

/** By its name, what a gateway is started with. @type {Record<string, (port: number, folder: string) => string[]>} */
const COMMANDS = {
  direct: () => [process.execPath, ECHO, '--http'],
  'direct again': () => [process.execPath, ECHO, '--http'],
  'mcp-hub': (port, folder) => {
    const file = `${folder}/mcp-hub.json`;
    writeFileSync(file, JSON.stringify({ mcpServers: { echo: { command: process.execPath, args: [ECHO] } } }));
    return [`${BIN}mcp-hub`, '--port', `${port}`, '--config', file];
  },
  supergateway: (port) => [
    `${BIN}supergateway`,
    ...['--stdio', `${process.execPath} ${ECHO}`, '--outputTransport', 'streamableHttp', '--stateful'],
    ...['--port', `${port}`, '--logLevel', 'none'],
  ],
  'mcp-proxy': (port) => [
    `${BIN}mcp-proxy`,
    ...['--port', `${port}`, '--host', '127.0.0.1', '--server', 'stream', '--', process.execPath, ECHO],
  ],
};

/** Where it is asked, if not at `/mcp`. @type {Record<string, string>} */
const PATHS = { greenroom: '/mcp/echo', 'mcp-hub': '/api/servers/tools' };

/** What is compared: the bare server twice, as a control, Greenroom, and its peers. */
export const NAMES = ['direct', 'direct again', 'greenroom', 'mcp-hub', 'supergateway', 'mcp-proxy'];

/** Starts a gateway with the server behind it. @param {string} name @param {string} folder of its own files @returns {Promise<Gateway>} */
export async function openGateway(name, folder) {
  const port = await freePort();
  const home = `${folder}/${name}`;
  mkdirSync(home, { recursive: true });
  const env = { ...process.env, PORT: `${port}`, HOME: home, GREENROOM_HOME: `${home}/data`, XDG_RUNTIME_DIR: home };
  const [file = '', ...args] = name === 'greenroom' ? greenroom(port, home) : (COMMANDS[name]?.(port, home) ?? []);
  const child = spawn(file, args, { env, stdio: 'ignore', detached: true });
  const close = async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill();
    const killed = setTimeout(() => killGroup(child.pid), 5_000);
    await ended;
    clearTimeout(killed);
    // Some leave their servers behind.
    killGroup(child.pid);
  };
  try {
    return { name, close, client: await begun(name, port, env) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param {number} port @param {string} home */
function greenroom(port, home) {
  mkdirSync(`${home}/plugins/echo`, { recursive: true });
  const manifest = { name: 'echo', worker: 'mcp', command: process.execPath, args: [ECHO], max_concurrency: 16 };
  writeFileSync(`${home}/plugins/echo/manifest.json`, JSON.stringify(manifest));
  return [process.execPath, GREENROOM, 'serve', '--listen', `127.0.0.1:${port}`, '--search-path', `${home}/plugins`];
}

/** A client of it, as soon as it answers. @param {string} name @param {number} port @param {NodeJS.ProcessEnv} env */
async function begun(name, port, env) {
  const path = PATHS[name] ?? '/mcp';
  const Kind = name === 'mcp-hub' ? HubClient : Client;
  for (const deadline = performance.now() + START_MS; ; ) {
    const client = new Kind(`http://127.0.0.1:${port}${path}`, name === 'greenroom' ? authorization(env) : {});
    try {
      await client.begin();
      return client;
    } catch (error) {
      client.close();
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** @param {NodeJS.ProcessEnv} env */
function authorization(env) {
  const { stdout } = spawnSync(process.execPath, [GREENROOM, 'token'], { env, encoding: 'utf8' });
  return { authorization: `Bearer ${stdout.trim()}` };
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** @param {number | undefined} leader */
function killGroup(leader) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has no process any more.
  }
}
