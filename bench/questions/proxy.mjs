// @ts-check
// What does forwarding cost, against http-proxy-3 with a keep-alive agent, against node:http with an agent by hand, and
// against no proxy? Is memory bounded where much passes?
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { comparisonOf, limitRow, medianOfRuns, ratioRow, takeInTurns, timed } from '../lib/measure.mjs';

const PROGRAM = fileURLToPath(new URL('../reference/proxy.mjs', import.meta.url));
const MIB = 2 ** 20;

/** @typedef {{ pid: number, origin: string, pool: Pool, stop: () => Promise<void> }} End */

/** @param {string} kind @param {string} [behind] @returns {Promise<End>} */
async function start(kind, behind = '') {
  const child = fork(PROGRAM, [kind, behind], { execArgv: [] });
  const [port] = await once(child, 'message');
  const origin = `http://127.0.0.1:${port}`;
  const pool = new Pool(origin, { connections: 16 });
  return {
    pid: child.pid ?? 0,
    origin,
    pool,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await Promise.all([gone, pool.destroy()]);
    },
  };
}

/** @param {End} end */
async function get({ pool }) {
  const { body } = await pool.request({ path: '/small', method: 'GET' });
  await body.text();
}

/** @param {End} end */
async function post({ pool }) {
  const { body } = await pool.request({ path: '/up', method: 'POST', body: '{"model":"small","prompt":"hello"}' });
  await body.text();
}

/** How many requests a second are answered, 16 at once. @param {End} end @param {number} count */
async function rate(end, count) {
  let left = count;
  const time = await timed(() =>
    Promise.all(
      Array.from({ length: 16 }, async () => {
        for (; left > 0; left -= 1) await get(end);
      }),
    ),
  );
  return count / (time / 1_000);
}

/** Milliseconds until the first event. @param {End} end */
async function firstEvent(end) {
  const times = [];
  for (let index = 0; index < 10; index += 1) {
    const begun = performance.now();
    const { body } = await end.pool.request({ path: '/events', method: 'GET' });
    await once(body, 'data');
    times.push(performance.now() - begun);
    await body.dump();
  }
  return times.toSorted((a, b) => a - b)[5] ?? Number.NaN;
}

/** @param {End} end @param {number} bytes */
async function down({ pool }, bytes) {
  const { body } = await pool.request({ path: `/down/${bytes}`, method: 'GET' });
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  if (length !== bytes) throw new Error(`${length} bytes came of ${bytes}.`);
}

/** @param {End} end @param {number} bytes */
async function up({ pool }, bytes) {
  const chunk = Buffer.alloc(64 * 1024);
  async function* chunks() {
    for (let left = bytes; left > 0; left -= chunk.length) yield chunk;
  }
  const { body } = await pool.request({ path: '/up', method: 'POST', body: Readable.from(chunks()) });
  const length = Number(await body.text());
  if (length !== bytes) throw new Error(`${length} bytes arrived of ${bytes}.`);
}

/** The most memory that a process has had, in MB. @param {End} end */
function peakMb({ pid }) {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async ({ quick, repetitions }) => {
  const server = await start('server');
  const ends = [server];
  try {
    for (const kind of ['http-proxy-3', 'http-proxy-3', 'by-hand', 'by-hand', 'ours'])
      ends.push(await start(kind, server.origin));
    const [direct, peer, peerAgain, hand, handAgain, ours] = /** @type {[End, End, End, End, End, End]} */ (
      /** @type {unknown} */ (ends)
    );
    const proxies = [peer, peerAgain, hand, handAgain, ours];
    const rows = [];
    for (const [name, unit, bound, figure] of /** @type {const} */ ([
      ['GET, p50', 'µs', { atMost: 1 }, (/** @type {End} */ end) => medianOfRuns(200, () => get(end))],
      ['POST, p50', 'µs', { atMost: 1 }, (/** @type {End} */ end) => medianOfRuns(200, () => post(end))],
      ['GET, 16 at once', 'requests/s', { atLeast: 1 }, (/** @type {End} */ end) => rate(end, 1_600)],
    ])) {
      const lanes = await takeInTurns(
        proxies.map((end) => () => figure(end)),
        { repetitions, warmup: 6 },
      );
      const [a = [], b = [], c = [], d = [], e = []] = lanes;
      rows.push(ratioRow(`forwarded ${name}, against http-proxy-3`, unit, comparisonOf(a, b, e), bound));
      rows.push(ratioRow(`forwarded ${name}, against node:http by hand`, unit, comparisonOf(c, d, e), bound));
    }
    const [bare = [], forwarded = []] = await takeInTurns([() => firstEvent(direct), () => firstEvent(ours)], {
      repetitions,
      warmup: 4,
    });
    const events = comparisonOf(bare, bare, forwarded);
    rows.push(limitRow('first forwarded event, beyond no proxy', 'ms', events.over, { atMost: 1.5 }));
    const bytes = (quick ? 128 : 1024) * MIB;
    await up(ours, bytes);
    await down(ours, bytes);
    rows.push(limitRow(`peak memory, ${bytes / MIB} MiB up and down`, 'MB', peakMb(ours), { atMost: 150 }));
    return rows;
  } finally {
    for (const end of ends) await end.stop();
  }
};
