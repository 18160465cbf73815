// @ts-check
// npm run soak:serve -- [--minutes M] [--rate R] [--seed N]: the daemon under requests without a pause, while workers are
// killed, manifests edited, and plugins evicted for each other. What must hold: no request is lost but those inside a
// killed process, and memory and descriptors of the daemon stay flat.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomFrom } from '../simulation/random.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    rate: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const [minutes, rate, seed] = [values.minutes, values.rate, values.seed].map(Number);
if (minutes === undefined || rate === undefined || seed === undefined || !(minutes > 0) || !(rate > 0))
  throw new Error('--minutes and --rate must be numbers above 0.');
const LOOKS = 10;
/** How many requests one worker takes at once: so many may be inside a process that is killed. */
const CONCURRENCY = 4;
/** Half of the plugins, so that they are evicted for each other. */
const SLOTS = 3;

/** How many descriptors of the daemon a worker that serves may hold: its pipes, its connections, its log. */
const WORKER_DESCRIPTORS = 20;

const random = randomFrom(seed);
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gr-serve-'));
const plugins = join(folder, 'plugins');
mkdirSync(plugins);
writeFileSync(
  join(folder, 'echo.mjs'),
  `export default { async execute({ n, ms }) { await new Promise((end) => setTimeout(end, ms)); return { n }; } };\n`,
);
writeFileSync(
  join(folder, 'web.mjs'),
  `import { createServer } from 'node:http';
createServer((request, response) => {
  const url = new URL(request.url, 'http://x');
  setTimeout(() => response.end(url.searchParams.get('n') ?? 'ok'), Number(url.searchParams.get('ms') ?? 0));
}).listen(process.env.PORT, '127.0.0.1');\n`,
);
const names = ['echo-1', 'echo-2', 'echo-3', 'web-1', 'web-2', 'web-3'];
let edits = 0;
/** @param {string} name */
function write(name) {
  edits += 1;
  const own = name.startsWith('echo')
    ? { worker: 'node', module: join(folder, 'echo.mjs') }
    : { worker: 'http', command: process.execPath, args: [join(folder, 'web.mjs')], ready: 'port' };
  const manifest = {
    name,
    version: `1.0.${edits}`,
    ...own,
    max_concurrency: CONCURRENCY,
    restart: { intensity: 1_000_000, backoff: { base_ms: 1, cap_ms: 50 } },
  };
  writeFileSync(join(plugins, `${name}.json`), JSON.stringify(manifest));
}
for (const name of names) write(name);

const daemon = spawn(
  process.execPath,
  [
    '--expose-gc',
    join(root, 'bin/greenroom.js'),
    'serve',
    '--json',
    '--data-dir',
    join(folder, 'data'),
    '--search-path',
    plugins,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, GREENROOM_CAPACITY: `slots=${SLOTS}` } },
);
process.on('exit', () => daemon.kill('SIGKILL'));
const [line] = await new Promise((resolve) => createInterface(daemon.stdout).once('line', (text) => resolve([text])));
const { socket } = JSON.parse(line);
const agent = new Agent({ keepAlive: true });

/**
 * @param {string} method @param {string} path @param {string} [body]
 * @returns {Promise<{ status: number, text: string }>}
 */
function ask(method, path, body) {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request({ socketPath: socket, path, method, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => (text += piece));
      response.on('error', () => resolve({ status: 0, text }));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', (error) => resolve({ status: 0, text: String(error) }));
    sent.end(body);
  });
}

const tally = {
  requests: 0,
  answered: 0,
  /** @type {Record<string, number>} */ failed: {},
  killed: 0,
  edits: 0,
  releases: 0,
};
/** @type {string[]} */
const wrong = [];
const over = new AbortController();
let n = 0;
const open = new Set();

async function one() {
  n += 1;
  const id = n;
  const name = names[Math.floor(random() * names.length)] ?? 'echo-1';
  const ms = Math.floor(random() * 20);
  tally.requests += 1;
  const { status, text } = name.startsWith('echo')
    ? await ask('POST', `/api/plugins/${name}/tools/execute`, JSON.stringify({ n: id, ms }))
    : await ask('GET', `/upstream/${name}/x?n=${id}&ms=${ms}`);
  const wanted = name.startsWith('echo') ? JSON.stringify({ n: id }) : String(id);
  if (status === 200 && text === wanted) tally.answered += 1;
  else {
    const why = /E_[A-Z_]+/.exec(text)?.[0] ?? `${status} ${text.slice(0, 80)}`;
    tally.failed[why] = (tally.failed[why] ?? 0) + 1;
    if (status === 200) wrong.push(`the answer to ${id} was ${text}`);
  }
}

/** @param {number} perSecond */
async function load(perSecond) {
  const start = performance.now();
  let sent = 0;
  while (!over.signal.aborted) {
    const due = ((performance.now() - start) / 1_000) * perSecond;
    for (; sent < due; sent += 1) {
      const asked = one();
      open.add(asked);
      void asked.finally(() => open.delete(asked));
    }
    await delay(5);
  }
}

const begun = performance.now();
/** A plugin is given up at its 21st restart within an hour. */
const killsPerPlugin = 20 * Math.max(1, Math.floor(minutes / 60));
const durationMs = minutes * 60_000;
/** @type {Map<string, number>} */
const killsOf = new Map();

async function trouble() {
  while (!over.signal.aborted) {
    await delay(200 + random() * 1_000);
    const name = names[Math.floor(random() * names.length)] ?? 'echo-1';
    const act = random();
    if (act < 0.15) await ask('POST', `/api/plugins/${name}/load`);
    else if (act < 0.5) {
      const { text } = await ask('GET', '/api/plugins?loaded=true');
      const running = JSON.parse(text).plugins.filter((/** @type {{ pid?: number }} */ { pid }) => pid !== undefined);
      const victim = running[Math.floor(random() * running.length)];
      const kills = killsOf.get(victim?.name ?? '') ?? 0;
      if (victim === undefined || kills >= killsPerPlugin * ((performance.now() - begun) / durationMs)) continue;
      try {
        process.kill(victim.pid, 'SIGKILL');
        tally.killed += 1;
      } catch {
        // It has ended by itself.
        continue;
      }
      killsOf.set(victim.name, kills + 1);
    } else if (act < 0.8) {
      write(name);
      tally.edits += 1;
    } else {
      await ask('POST', `/api/plugins/${name}/release`);
      tally.releases += 1;
    }
  }
}

function look() {
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  return {
    rssMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024),
    descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
    open: open.size,
  };
}

const before = look();
console.log(`seed ${seed}, ${minutes} minutes, ${rate} requests/s`);
const work = [load(rate), trouble()];
const looks = [];
for (let at = 0; at < LOOKS; at += 1) {
  await delay((minutes * 60_000) / LOOKS);
  looks.push(look());
  console.log(JSON.stringify({ ...looks.at(-1), ...tally }));
}
over.abort();
await Promise.all(work);
await Promise.all(open);
// The connections that are kept for further requests are the soak's own.
agent.destroy();
await delay(3_000);
const rest = look();
console.log(JSON.stringify({ rest, ...tally }));
if (rest.descriptors > before.descriptors + WORKER_DESCRIPTORS * SLOTS)
  wrong.push(`the daemon has ${rest.descriptors} descriptors open at rest, and had ${before.descriptors} before`);
const failed = Object.values(tally.failed).reduce((sum, count) => sum + count, 0);
const bound = tally.killed * CONCURRENCY;
if (failed > bound) wrong.push(`${failed} requests failed, and at most ${bound} can have been inside killed processes`);
const others = Object.keys(tally.failed).filter((code) => code !== 'E_CRASHED');
if (others.length > 0) wrong.push(`requests failed otherwise than with their process: ${others.join(', ')}`);
const ended = new Promise((resolve) => daemon.once('exit', resolve));
daemon.kill('SIGTERM');
if ((await ended) !== 0) wrong.push('the daemon did not end with status 0');
rmSync(folder, { recursive: true, force: true });
for (const each of wrong) console.error(each);
process.exitCode = wrong.length > 0 ? 1 : 0;
