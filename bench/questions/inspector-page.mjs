// @ts-check
// How soon is the inspector's page there, and how long do its frames take with 1,000 actors and 2,000 records a second?
// The stream is made here; the page, its files and the browser are real.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { chartOf } from '../../dist/inspector/record/chart.js';
import { readPageFile } from '../../dist/inspector/server/page-files.js';
import { pluginMachine } from '../../dist/machines/plugin.js';
import { schedulerMachine } from '../../dist/machines/scheduler.js';
import { supervisorMachine } from '../../dist/machines/supervisor.js';
import { workerMachine } from '../../dist/machines/worker.js';
import { findChromium, framesIn } from '../lib/browser.mjs';
import { limitRow, median, percentile } from '../lib/measure.mjs';

const ACTORS = 1_000;
const PER_BATCH = 100;
const BATCH_MS = 50;

const folder = fileURLToPath(new URL('../../dist/inspector/ui/', import.meta.url));
const STEPS = ['ready', 'busy.serving', 'ready', 'released', 'spawning.admitting', 'spawning.launching', 'ready'];

const contextOf = (step) => ({
  generation: 1,
  restarts: 0,
  inFlight: step % 2,
  waiting: 0,
  memoryMb: 50 + (step % 90),
  pid: 4_000,
});
const plugins = Array.from({ length: ACTORS }, (_, index) => ({ name: `plugin-${index}`, step: 0 }));
const started = Date.now();
let seq = 0;

function sync() {
  return {
    seq,
    at: Date.now(),
    control: false,
    supervisor: {
      state: 'running',
      policy: 'permissive',
      transport: 'unix',
      dataDir: '/data',
      searchPaths: ['/plugins'],
      orphanProtection: { tier: 'process-group', promise: '' },
      monitor: 'none',
      counts: { discovered: 0, spawning: 0, ready: ACTORS, busy: 0, released: 0, crashed: 0 },
      workers: ACTORS,
    },
    machines: {
      plugin: chartOf(pluginMachine),
      worker: chartOf(workerMachine),
      supervisor: chartOf(supervisorMachine),
      scheduler: chartOf(schedulerMachine),
    },
    plugins: plugins.map(({ name }) => ({
      name,
      version: '1.0.0',
      description: '',
      category: 'bench',
      manifestPath: `/plugins/${name}.json`,
      state: 'ready',
      phase: 'ready',
      since: started,
      loaded: true,
      enabled: true,
      generation: 1,
      restarts: 0,
      inFlight: 0,
      waiting: 0,
    })),
    actors: [
      { id: 'supervisor', machine: 'supervisor', name: 'supervisor', active: ['running'], context: {} },
      ...plugins.map(({ name }) => ({
        id: `plugin:${name}`,
        machine: 'plugin',
        name,
        active: ['alive.lifecycle.ready', 'alive.replacement.none'],
        context: contextOf(0),
      })),
    ],
    records: [],
  };
}

/** An event, the transition it leads to, and sometimes a call, of plugins at random. */
function batch() {
  const records = [];
  while (records.length < PER_BATCH) {
    const plugin = plugins[Math.floor(Math.random() * ACTORS)];
    const actor = `plugin:${plugin.name}`;
    const at = Date.now();
    const from = STEPS[plugin.step % STEPS.length];
    const before = contextOf(plugin.step);
    plugin.step += 1;
    const to = STEPS[plugin.step % STEPS.length];
    const after = contextOf(plugin.step);
    records.push({ seq: ++seq, at, actor, kind: 'event', event: 'STEP', payload: { step: plugin.step } });
    records.push({
      seq: ++seq,
      at,
      actor,
      kind: 'transition',
      from,
      to,
      active: [`alive.lifecycle.${to}`, 'alive.replacement.none'],
      event: 'STEP',
      context: { memoryMb: { before: before.memoryMb, after: after.memoryMb } },
    });
  }
  return records;
}

/** Serves the page, and a stream that goes on. */
async function serve() {
  const server = createServer((request, response) => {
    if (request.url === '/api/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (/** @type {string} */ event, /** @type {unknown} */ data) =>
        response.write(`id: ${seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      send('sync', sync());
      const timer = setInterval(() => send('batch', batch()), BATCH_MS);
      response.once('close', () => clearInterval(timer));
      return;
    }
    void readPageFile(folder, request.url ?? '/').then((file) => {
      if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': file.type }).end(file.content);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return server;
}

/** Opens the page in a browser that has never seen it; resolves to when the first row and the first chart were there. @param {string} executablePath @param {string} url */
async function openCold(executablePath, url) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
    const start = performance.now();
    const since = () => performance.now() - start;
    const [row, chart] = await Promise.all([
      page.waitForSelector('[data-actor]').then(since),
      page.waitForSelector('.chart-pane .chart-box').then(since),
      page.goto(url),
    ]);
    return { row, chart };
  } finally {
    await browser.close();
  }
}

/** The times of the frames of a page that is open for so long, in milliseconds. @param {string} executablePath @param {string} url @param {number} ms */
async function framesOf(executablePath, url, ms) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
    await page.goto(url);
    await page.waitForSelector('.event');
    return await framesIn(page, ms);
  } finally {
    await browser.close();
  }
}

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => {
  const executablePath = findChromium();
  const server = await serve();
  try {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const url = `http://127.0.0.1:${port}/#token=bench&actor=plugin%3Aplugin-7&tab=chart`;
    const opened = [];
    for (let round = 0; round < (bench.quick ? 3 : 7); round += 1) opened.push(await openCold(executablePath, url));
    const frames = await framesOf(executablePath, url, bench.quick ? 3_000 : 10_000);
    const many = `${ACTORS.toLocaleString('en')} actors, ${((PER_BATCH * 1_000) / BATCH_MS).toLocaleString('en')} records/s`;
    return [
      limitRow('inspector, cold, to the first row', 'ms', median(opened.map(({ row }) => row)), { atMost: 1_500 }),
      limitRow('inspector, cold, to the first chart', 'ms', median(opened.map(({ chart }) => chart)), {
        atMost: 2_000,
      }),
      limitRow(`inspector, ${many}, frame p95`, 'ms', percentile(frames, 0.95), { atMost: 34 }),
    ];
  } finally {
    server.closeAllConnections();
    server.close();
  }
};
