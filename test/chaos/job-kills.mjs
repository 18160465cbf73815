// @ts-check
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../dist/jobs/embedded/database.js';
import { randomFrom } from '../simulation/random.mjs';

const HOST = fileURLToPath(new URL('../fixtures/hosts/jobs-host.mjs', import.meta.url));
const WORKBENCH = fileURLToPath(new URL('../fixtures/plugins/workbench/', import.meta.url));

/**
 * Kills a program that adds and runs jobs, `kills` times at random moments, of which every second one comes when its jobs
 * run, and then looks whether each job that was acknowledged has ended, as it should, once.
 *
 * @param {{ readonly kills: number, readonly seed: number }} options
 * @returns {Promise<{ readonly figures: Readonly<Record<string, unknown>>, readonly wrong: readonly string[] }>}
 */
export async function runJobKills({ kills, seed }) {
  const next = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'gr-jobs-'));
  const [plugins, dataDir, marks] = [join(folder, 'plugins'), join(folder, 'data'), join(folder, 'marks')];
  mkdirSync(plugins);
  writeFileSync(marks, '');
  writeFileSync(
    join(plugins, 'workbench.json'),
    JSON.stringify({
      name: 'workbench',
      version: '1.0.0',
      module: join(WORKBENCH, 'workbench.mjs'),
      max_concurrency: 4,
    }),
  );
  /** @type {Map<string, { once: boolean }>} */
  const added = new Map();
  const reopened = [];
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      const before = statSync(marks).size;
      const host = start([plugins, dataDir, `k${kill}`, marks], added);
      reopened.push(await host.ready);
      if (kill % 2 === 1) while (host.isThere() && statSync(marks).size === before) await delay(5);
      await delay(next() * 400);
      await host.kill();
    }
    const began = performance.now();
    const last = start([plugins, dataDir, 'drain', marks], added);
    await last.ready;
    await last.end;
    const drainedMs = performance.now() - began;
    const rows = await endsIn(join(dataDir, 'jobs', 'jobs.db'));
    const ran = readFileSync(marks, 'utf8').trimEnd().split('\n');
    const wrong = wrongIn(added, rows, ran);
    const interrupted = rows.filter(({ interruptions }) => interruptions > 0);
    reopened.sort((a, b) => a - b);
    if (interrupted.length === 0) wrong.push('No job was interrupted: the kills came at the wrong moments.');
    const figures = {
      kills,
      added: added.size,
      ran: ran.length,
      interrupted: interrupted.length,
      reopenMs: { p50: Math.round(reopened[reopened.length >> 1] ?? 0), max: Math.round(reopened.at(-1) ?? 0) },
      drainedMs: Math.round(drainedMs),
    };
    return { figures, wrong };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} args @param {Map<string, { once: boolean }>} added */
function start(args, added) {
  const began = performance.now();
  const child = spawn(process.execPath, [HOST, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  /** @type {(ms: number) => void} */
  let isReady = () => {};
  const ready = new Promise((/** @type {(ms: number) => void} */ resolve) => (isReady = resolve));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const [word, key = '', once] = line.split(' ');
    if (word === 'ready') isReady(performance.now() - began);
    else added.set(key, { once: once === 'once' });
  });
  const end = new Promise((resolve) => child.once('close', resolve));
  return {
    ready,
    end,
    isThere: () => child.exitCode === null && child.signalCode === null,
    kill: async () => {
      child.kill('SIGKILL');
      await end;
    },
  };
}

/** @param {string} file */
async function endsIn(file) {
  const database = await openDatabase(file);
  const rows = database
    .prepare(
      `SELECT key, state, once, interruptions, error,
        (SELECT count(*) FROM attempts WHERE job = id AND end = 'done') AS dones,
        (SELECT max(started_at) FROM attempts WHERE job = id) AS started FROM jobs`,
    )
    .all();
  database.close();
  return rows.map((row) => ({
    key: String(row['key']),
    state: String(row['state']),
    once: row['once'] === 1,
    interruptions: Number(row['interruptions']),
    dones: Number(row['dones']),
    error: String(row['error']),
  }));
}

/**
 * @param {ReadonlyMap<string, { once: boolean }>} added
 * @param {readonly { key: string, state: string, once: boolean, interruptions: number, dones: number, error: string }[]} rows
 * @param {readonly string[]} ran
 */
function wrongIn(added, rows, ran) {
  const wrong = [];
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const times = new Map();
  for (const key of ran) times.set(key, (times.get(key) ?? 0) + 1);
  for (const key of added.keys()) if (!byKey.has(key)) wrong.push(`${key} was acknowledged and is lost.`);
  for (const { key, state, once, interruptions, dones, error } of rows) {
    const began = times.get(key) ?? 0;
    if (state === 'done' && dones !== 1) wrong.push(`${key} was settled ${dones} times.`);
    if (state === 'done' && began === 0) wrong.push(`${key} is done and did not run.`);
    if (state !== 'done' && !(once && interruptions === 1)) wrong.push(`${key} is ${state}: ${error}`);
    if (once && began > 1) wrong.push(`${key} may run once and ran ${began} times.`);
  }
  return wrong;
}
