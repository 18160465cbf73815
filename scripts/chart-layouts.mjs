// Lays the charts of the four machines out ahead, so that the inspector's page draws them at once. Those that a chart
// opens with are kept apart from those with more states open. With --check it writes nothing and fails if a file is out
// of date.
import { readFileSync, writeFileSync } from 'node:fs';
import ELK from 'elkjs/lib/elk.bundled.js';
import { runnerImport } from 'vite';

const load = async (path) => (await runnerImport(new URL(`../src/${path}`, import.meta.url).pathname)).module;

const { chartOf } = await load('inspector/chart.ts');
const { graphOf } = await load('inspector/page/chart/graph.ts');
const { fingerprintOf, layOut } = await load('inspector/page/chart/layout.ts');
const { everyLevel, topLevel } = await load('inspector/page/chart/states.ts');
const machines = [
  (await load('machines/supervisor.ts')).supervisorMachine,
  (await load('machines/scheduler.ts')).schedulerMachine,
  (await load('machines/plugin.ts')).pluginMachine,
  (await load('machines/worker.ts')).workerMachine,
];

const elk = new ELK();
const charts = machines.map(chartOf);

/** The top level, and with one state more open. */
function someOpen(chart) {
  const top = topLevel(chart);
  return [...everyLevel(chart)].filter((path) => !top.has(path)).map((path) => new Set([...top, path]));
}

async function layoutsOf(views) {
  const layouts = {};
  for (const [chart, open] of views) {
    const graph = graphOf(chart, open);
    layouts[fingerprintOf(graph)] ??= await layOut(graph, (given) => elk.layout(given));
  }
  return layouts;
}

const top = await layoutsOf(charts.map((chart) => [chart, topLevel(chart)]));
const open = await layoutsOf(
  charts.flatMap((chart) => [...someOpen(chart), everyLevel(chart)].map((set) => [chart, set])),
);
for (const fingerprint of Object.keys(top)) delete open[fingerprint];

for (const [name, layouts] of Object.entries({ 'layouts-top.json': top, 'layouts-open.json': open })) {
  const file = new URL(`../src/inspector/page/chart/${name}`, import.meta.url);
  const text = `${JSON.stringify(layouts, undefined, 2)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`src/inspector/page/chart/${name} is out of date. Run: node scripts/chart-layouts.mjs`);
    process.exitCode = 1;
  }
}
