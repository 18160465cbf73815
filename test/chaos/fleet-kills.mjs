// @ts-check
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '../../dist/client/index.js';
import { randomFrom } from '../simulation/random.mjs';

/** @import { ChildProcess } from 'node:child_process' */
/** @import { Client } from '../../dist/client/index.js' */

const BIN = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));

/** What each plugin needs, in MiB, and how many fit on a node. */
const PLUGIN_MB = 300;
const FIT_ON_A_NODE = 2;

/** A small plugin that only the daemon has that is killed. */
const ALONE = 'alone';

/** What plugins of the fleet are: each load and each job leaves a line in a file. */
const PLUGIN = `import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
const log = (line) => appendFileSync(process.env.MARKS, line + '\\n');
export default {
  name: process.env.PLUGIN,
  version: '1.0.0',
  initialize: () => log('load ' + process.env.PLUGIN),
  async execute({ id, ms }) {
    await delay(ms);
    log('done ' + id);
    return id;
  },
};
`;

/**
 * What is done to a fleet: how many jobs over how many plugins, how many daemons, and how often a daemon, a worker and
 * Redis are killed meanwhile.
 *
 * @typedef {{ jobs: number, plugins: number, nodes: number, capacityMb?: number, jobMs?: number,
 *   daemonKills: number, workerKills: number, redisKills: number, seed: number }} FleetPlan
 */

/**
 * Runs jobs in a fleet of daemons while parts of it are killed, and looks whether each job has ended, once.
 *
 * @param {FleetPlan} plan
 * @returns {Promise<{ figures: Record<string, unknown>, wrong: string[], loads: number }>}
 */
export async function runFleetKills(plan) {
  const { jobs: count, plugins, nodes, jobMs = 40, seed } = plan;
  const next = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'gr-fl-'));
  const marks = join(folder, 'marks');
  writeFileSync(marks, '');
  const names = Array.from({ length: plugins }, (_, index) => `p${index}`);
  writeFileSync(join(folder, 'plugin.mjs'), PLUGIN);
  const redis = new Redis(folder);
  // Short, so that the paths of sockets fit; daemons and clients have it in common.
  const runtimeDir = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = join(folder, 'run');
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
  /** @type {Daemon[]} */
  const daemons = [];
  /** @type {string[]} */
  const wrong = [];
  try {
    await redis.begin();
    const capacityMb = plan.capacityMb ?? FIT_ON_A_NODE * PLUGIN_MB + 50;
    for (let index = 0; index < nodes; index += 1)
      daemons.push(
        new Daemon(join(folder, `n${index}`), {
          ...{ redis: redis.url, capacityMb, marks },
          names: index === nodes - 1 ? [...names, ALONE] : names,
        }),
      );
    await Promise.all(daemons.map((daemon) => daemon.begin()));
    const [first, last] = [/** @type {Daemon} */ (daemons[0]), /** @type {Daemon} */ (daemons.at(-1))];

    const began = performance.now();
    const ids = [];
    // Some plugins have many jobs, most have few; two clients add them.
    for (let at = 0; at < count; at += 1) {
      const client = at % 2 === 0 || daemons.length < 3 ? first.client : /** @type {Daemon} */ (daemons[1]).client;
      const plugin = names[Math.floor(next() ** 2 * names.length)] ?? 'p0';
      const ms = Math.round(jobMs * (0.5 + next()));
      ids.push((await client.jobs.add(plugin, { id: String(at), ms }, { attempts: 10 })).id);
    }
    const addedMs = performance.now() - began;

    /** @type {number[]} */
    const takeOvers = [];
    const kills = shuffled(
      [
        ...Array.from({ length: plan.daemonKills }, () => /** @type {const} */ ('daemon')),
        ...Array.from({ length: plan.workerKills }, () => /** @type {const} */ ('worker')),
        ...Array.from({ length: plan.redisKills }, () => /** @type {const} */ ('redis')),
      ],
      next,
    );
    for (const what of kills) {
      await delay(300 + next() * 700);
      if (what === 'redis') {
        await redis.kill();
        await delay(500);
        await redis.begin();
      } else if (what === 'worker') {
        const busy = await Promise.resolve(last.client.plugins({ state: 'busy' })).catch(() => []);
        // As many as a daemon of a fleet has, also where one has the memory of all.
        for (const { pid } of busy.slice(0, FIT_ON_A_NODE)) if (pid !== undefined) end(pid);
      } else {
        takeOvers.push(await takeOver(first, last));
      }
    }
    const states = await allEnded(first, ids);
    const totalMs = performance.now() - began;

    for (const [index, state] of states.entries())
      if (state !== 'done') wrong.push(`The job ${ids[index]} is ${state}.`);
    const lines = readFileSync(marks, 'utf8').trimEnd().split('\n');
    const ran = lines.filter((line) => line.startsWith('done ') && line !== 'done long');
    const missing = count - new Set(ran).size;
    if (missing > 0) wrong.push(`${missing} jobs are done that never ran.`);
    const loads = lines.filter((line) => line.startsWith('load p')).length;
    takeOvers.sort((a, b) => a - b);
    const figures = {
      ...{ jobs: count, plugins, nodes, seed, loads, ranTwice: ran.length - new Set(ran).size },
      ...{ addsPerSecond: Math.round((1_000 * count) / addedMs), jobsPerSecond: Math.round((1_000 * count) / totalMs) },
      takeOverMs: takeOvers.map(Math.round),
      totalMs: Math.round(totalMs),
    };
    return { figures, wrong, loads };
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await redis.kill();
    if (runtimeDir === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = runtimeDir;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A Redis at a socket, that writes every change to its log before it answers. */
class Redis {
  /** @type {number | undefined} */
  #pid;

  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.socket = join(folder, 'redis.sock');
    this.url = `unix://${this.socket}`;
  }

  async begin() {
    const pidFile = join(this.folder, 'redis.pid');
    await promisify(execFile)('redis-server', [
      ...['--port', '0', '--unixsocket', this.socket, '--dir', this.folder, '--save', ''],
      ...['--appendonly', 'yes', '--daemonize', 'yes', '--pidfile', pidFile, '--logfile', join(this.folder, 'log')],
    ]);
    while (!(await this.#answers())) await delay(20);
    this.#pid = Number(readFileSync(pidFile, 'utf8'));
  }

  async kill() {
    if (this.#pid === undefined) return;
    const pid = this.#pid;
    this.#pid = undefined;
    end(pid);
    while (lives(pid)) await delay(10);
  }

  /** @returns {Promise<boolean>} */
  #answers() {
    return new Promise((resolve) => {
      const socket = connect(this.socket, () => socket.write('PING\r\n'));
      socket.once('data', (data) => {
        socket.destroy();
        resolve(data.toString().startsWith('+PONG'));
      });
      socket.once('error', () => resolve(false));
    });
  }
}

/** A daemon that is a node of the fleet. */
class Daemon {
  /** @type {ChildProcess | undefined} */
  #child;
  /** @type {Client | undefined} */
  #client;

  /** @param {string} folder @param {{ redis: string, capacityMb: number, names: readonly string[], marks: string }} of */
  constructor(folder, { redis, capacityMb, names, marks }) {
    this.folder = folder;
    this.redis = redis;
    this.capacityMb = capacityMb;
    mkdirSync(join(folder, 'plugins'), { recursive: true });
    for (const name of names)
      writeFileSync(
        join(folder, 'plugins', `${name}.json`),
        JSON.stringify({
          ...{ name, version: '1.0.0', module: join(folder, '..', 'plugin.mjs'), max_concurrency: 1 },
          env_vars: { MARKS: marks, PLUGIN: name },
          resources: { min_system_ram_mb: name === ALONE ? 10 : PLUGIN_MB },
        }),
      );
  }

  get client() {
    if (this.#client === undefined) throw new Error('It does not run.');
    return this.#client;
  }

  async begin() {
    const dataDir = join(this.folder, 'data');
    const args = ['serve', '--json', '--search-path', join(this.folder, 'plugins'), '--data-dir', dataDir];
    const child = spawn(process.execPath, [BIN, ...args, '--fleet', this.redis], {
      env: {
        ...{ PATH: process.env['PATH'], HOME: this.folder, XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] },
        GREENROOM_CAPACITY: `ramMb=${this.capacityMb}`,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', (code) => reject(new Error(`A daemon has ended with status ${code}.`)));
    });
    this.#client = createClient({ dataDir });
    await this.#client.fleet();
  }

  async kill() {
    await this.#end('SIGKILL');
  }

  async stop() {
    await this.#end('SIGTERM');
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#child;
    this.#child = undefined;
    const gone = child === undefined ? undefined : new Promise((resolve) => child.once('exit', resolve));
    child?.kill(signal);
    await gone;
    await this.#client?.close();
    this.#client = undefined;
  }
}

/**
 * Kills a daemon in the middle of a job that only it can run; resolves to how long it takes until the others have taken the
 * job over, in milliseconds. The daemon begins again, and the job is cancelled.
 *
 * @param {Daemon} first @param {Daemon} killed
 */
async function takeOver(first, killed) {
  const job = await first.client.jobs.add(ALONE, { id: 'long', ms: 600_000 }, { attempts: 10 });
  await becomes(first, job.id, 'running');
  await killed.kill();
  const began = performance.now();
  await becomes(first, job.id, 'waiting');
  const tookMs = performance.now() - began;
  await killed.begin();
  await job.cancel();
  return tookMs;
}

/** @param {Daemon} at @param {string} id @param {string} state */
async function becomes(at, id, state) {
  const began = performance.now();
  while ((await at.client.jobs.read(id)).state !== state) {
    if (performance.now() - began > 60_000) throw new Error(`The job ${id} does not become ${state}.`);
    await delay(20);
  }
}

/** @param {Daemon} at @param {readonly string[]} ids */
async function allEnded(at, ids) {
  const began = performance.now();
  for (;;) {
    const counts = Object.values(await at.client.jobs.counts());
    const open = counts.reduce((sum, of) => sum + (of.waiting ?? 0) + (of.delayed ?? 0) + (of.running ?? 0), 0);
    if (open === 0) break;
    if (performance.now() - began > 240_000) break;
    await delay(200);
  }
  const states = [];
  for (const id of ids) states.push((await at.client.jobs.read(id)).state);
  return states;
}

/** @template T @param {T[]} all @param {() => number} next @returns {T[]} */
function shuffled(all, next) {
  return all
    .map((each) => /** @type {const} */ ([next(), each]))
    .toSorted(([a], [b]) => a - b)
    .map(([, each]) => each);
}

/** @param {number} pid */
function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** @param {number} pid */
function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
