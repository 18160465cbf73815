// How long the frames of the inspector's page take with 1,000 actors and 2,000 records a second. Needs the built page and
// a chromium in the PATH. The stream is made here; the page, its server's answers and the browser are real.
//   node bench/inspector-page.mjs [seconds]
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { chartOf } from '../dist/inspector/chart.js';
import { readPageFile } from '../dist/inspector/page-files.js';
import { pluginMachine } from '../dist/machines/plugin.js';
import { schedulerMachine } from '../dist/machines/scheduler.js';
import { supervisorMachine } from '../dist/machines/supervisor.js';
import { workerMachine } from '../dist/machines/worker.js';

const ACTORS = 1_000;
const PER_BATCH = 100;
const BATCH_MS = 50;
const seconds = Number(process.argv[2] ?? 10);

const folder = fileURLToPath(new URL('../dist/inspector/ui/', import.meta.url));
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

const server = createServer((request, response) => {
  if (request.url === '/api/stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (event, data) => response.write(`id: ${seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
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
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((path) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(path, name)))
  .find((path) => existsSync(path));
if (executablePath === undefined) throw new Error('No chromium or google-chrome is in the PATH.');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
  await page.goto(`http://127.0.0.1:${server.address().port}/#token=bench&actor=plugin%3Aplugin-7`);
  await page.waitForSelector('.event');
  const { frames, tasks } = await page.evaluate(async (ms) => {
    const [frames, tasks] = [[], []];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
    const end = performance.now() + ms;
    let last = performance.now();
    while (last < end) {
      const now = await new Promise((resolve) => requestAnimationFrame(resolve));
      frames.push(now - last);
      last = now;
    }
    return { frames: frames.slice(1), tasks };
  }, seconds * 1_000);
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (part) => Number(sorted[Math.floor(sorted.length * part)].toFixed(1));
  const figures = {
    actors: ACTORS,
    recordsPerSecond: (PER_BATCH * 1_000) / BATCH_MS,
    frames: frames.length,
    framesPerSecond: Number((frames.length / seconds).toFixed(1)),
    frameMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1 - 1 / sorted.length) },
    longTasks: tasks.length,
    longestTaskMs: Math.round(Math.max(0, ...tasks)),
  };
  console.log(JSON.stringify(figures, undefined, 2));
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
