// @ts-check
// npm run conformance:mcp -- [--scenario NAME] [--keep DIR]: the official conformance suite of MCP asks one server twice,
// directly and as a plugin of Greenroom, and every check has to end the same way. npx fetches the suite.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { differences, scenariosOf } from './compare.mjs';
import { serveDirectly } from './serve-directly.mjs';
import { withToken } from './with-token.mjs';

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVER = join(ROOT, 'test/fixtures/mcp/conformance/server.mjs');

/** A way to the server, asked by these revisions. The plugin "sessions" is the server that knows no other. */
const RUNS = [
  { revision: '2026-07-28', plugin: 'modern' },
  { revision: '2025-11-25', plugin: 'both' },
  { revision: '2025-11-25', plugin: 'sessions' },
];

const { values } = parseArgs({ options: { scenario: { type: 'string' }, keep: { type: 'string' } } });
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'greenroom-conformance-'));
const env = { ...process.env, GREENROOM_HOME: join(folder, 'home'), XDG_RUNTIME_DIR: folder };

const direct = await serveDirectly();
const greenroom = await serveByGreenroom();
let unexpected = 0;
try {
  /** @type {Map<string, ReturnType<typeof scenariosOf>>} */
  const asked = new Map();
  const directly = [...new Set(RUNS.map(({ revision }) => revision))].map(async (revision) => {
    asked.set(revision, await ask(`http://127.0.0.1:${direct.port}/mcp`, revision, `direct-${revision}`));
  });
  const through = RUNS.map(async ({ revision, plugin }) => ({
    revision,
    plugin,
    found: await ask(`http://127.0.0.1:${greenroom.port}/mcp/${plugin}`, revision, `${plugin}-${revision}`),
  }));
  await Promise.all(directly);
  for (const { revision, plugin, found } of await Promise.all(through)) {
    const { lines, faults } = differences(asked.get(revision) ?? new Map(), found, plugin);
    console.log(`\n${revision}, the plugin "${plugin}"\n${lines.join('\n')}`);
    unexpected += faults;
  }
} finally {
  await direct.close();
  await greenroom.close();
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}
console.log(unexpected === 0 ? '\nAll as expected.' : `\n${unexpected} scenarios end otherwise than expected.`);
process.exitCode = unexpected === 0 ? 0 : 1;

/**
 * Has the suite ask a server. Resolves to what each scenario found.
 * @param {string} url
 * @param {string} revision
 * @param {string} name
 */
async function ask(url, revision, name) {
  const into = join(folder, name);
  mkdirSync(into, { recursive: true });
  const one = values.scenario === undefined ? ['--suite', 'all'] : ['--scenario', values.scenario];
  const args = ['server', '--url', url, '--spec-version', revision, ...one, '-o', into];
  const child = spawn('npx', ['-y', '-p', 'node@22', '-p', SUITE, 'conformance', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => void (said += data));
  await new Promise((resolve) => child.once('close', resolve));
  writeFileSync(join(into, 'output.txt'), said);
  const found = scenariosOf(into);
  if (found.size === 0) throw new Error(`The suite has asked nothing of ${url}:\n${said.slice(-2_000)}`);
  return found;
}

/** A daemon with the server as three plugins, so that no run hears what another does, behind what adds the token. */
async function serveByGreenroom() {
  const plugins = join(folder, 'plugins');
  for (const [name, args] of Object.entries({ modern: [], both: [], sessions: ['--sessions'] })) {
    mkdirSync(join(plugins, name), { recursive: true });
    const manifest = { name, worker: 'mcp', command: process.execPath, args: [SERVER, ...args] };
    writeFileSync(join(plugins, name, 'manifest.json'), JSON.stringify(manifest));
  }
  const bin = join(ROOT, 'bin/greenroom.js');
  const args = [bin, 'serve', '--json', '--listen', '127.0.0.1:0', '--search-path', plugins];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('close', () => reject(new Error('greenroom serve has ended before it was ready.')));
  });
  const { url } = JSON.parse(String(line));
  const token = await output([bin, 'token']);
  const proxy = await withToken(Number(new URL(url).port), token.trim());
  return {
    port: proxy.port,
    async close() {
      proxy.close();
      child.kill();
      await ended;
    },
  };
}

/** @param {string[]} args @returns {Promise<string>} */
function output(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data) => void (said += data));
    child.once('close', () => resolve(said));
  });
}
