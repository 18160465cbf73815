// Lays the charts of the four machines out ahead, so that the inspector's page draws them at once. Those that a chart
// opens with are kept apart from those with more states open. With --check it lays nothing out, writes nothing, and fails
// if the files are not of these charts: a fingerprint is of all that elk is given.
import { readFileSync, writeFileSync } from 'node:fs';
import ELK from 'elkjs/lib/elk.bundled.js';
import { runnerImport } from 'vite';

const load = async (path) => (await runnerImport(new URL(`../src/${path}`, import.meta.url).pathname)).module;

const { chartOf } = await load('inspector/record/chart.ts');
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

const topViews = charts.map((chart) => [chart, topLevel(chart)]);
const openViews = charts.flatMap((chart) => [...someOpen(chart), everyLevel(chart)].map((set) => [chart, set]));

/** The graphs of views by their fingerprints, but for those that are known. */
function graphsOf(views, known = new Map()) {
  const graphs = views.map(([chart, open]) => graphOf(chart, open)).map((graph) => [fingerprintOf(graph), graph]);
  return new Map(graphs.filter(([fingerprint]) => !known.has(fingerprint)));
}

const top = graphsOf(topViews);
for (const [name, graphs] of Object.entries({
  'layouts-top.json': top,
  'layouts-open.json': graphsOf(openViews, top),
})) {
  const file = new URL(`../src/inspector/page/chart/${name}`, import.meta.url);
  if (process.argv.includes('--check')) {
    const there = new Set(Object.keys(JSON.parse(readFileSync(file, 'utf8'))));
    if (there.size === graphs.size && [...graphs.keys()].every((fingerprint) => there.has(fingerprint))) continue;
    console.error(`src/inspector/page/chart/${name} is out of date. Run: node scripts/chart-layouts.mjs`);
    process.exitCode = 1;
  } else {
    const layouts = {};
    for (const [fingerprint, graph] of graphs) {
      layouts[fingerprint] = await layOut(graph, (given) => elk.layout(given));
    }
    writeFileSync(file, `${JSON.stringify(layouts, undefined, 2)}\n`);
  }
}
