import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../src/inspector/page/chart/graph.ts';
import { insideOf, isActive, lastArrows, nodesOf } from '../../../src/inspector/page/chart/highlight.ts';
import { fingerprintOf } from '../../../src/inspector/page/chart/layout.ts';
import { routeOf } from '../../../src/inspector/page/chart/route.ts';
import { everyLevel, topLevel } from '../../../src/inspector/page/chart/states.ts';
import { centre, fit, zoom } from '../../../src/inspector/page/chart/viewport.ts';
import { chartOf } from '../../../src/inspector/record/chart.ts';
import { pluginMachine } from '../../../src/machines/plugin.ts';
import { workerMachine } from '../../../src/machines/worker.ts';

const plugin = chartOf(pluginMachine);
const LIFE = 'alive.lifecycle.';
const REST = 'alive.replacement.none';

describe('the graph of a chart', () => {
  it('shows the six states of a plugin as closed boxes at first', () => {
    const closed = nodesOf(graphOf(plugin, topLevel(plugin)).root).filter(({ open }) => !open);
    expect(closed.map(({ path }) => path)).toEqual([
      ...['discovered', 'spawning', 'ready', 'busy', 'released', 'crashed'].map((state) => LIFE + state),
      'alive.replacement',
      'alive.stability',
      'removed',
    ]);
  });

  it('keeps every transition that leaves its box when all is open, each on one arrow', () => {
    const all = graphOf(plugin, everyLevel(plugin));
    const drawn = all.edges.flatMap(({ transitions }) => transitions);
    const defined = nodesOf(all.root).flatMap(({ state }) =>
      state.transitions.filter(({ targets }) => targets.length > 0),
    );
    expect(drawn.map(({ transition }) => transition)).toEqual(expect.arrayContaining(defined));
    expect(drawn).toHaveLength(defined.length);
  });

  it('joins the transitions of what is closed, and leaves out those that stay in it', () => {
    const { edges } = graphOf(plugin, topLevel(plugin));
    const pairs = edges.map(({ from, to }) => `${from}>${to}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(pairs).not.toContain(`${LIFE}busy>${LIFE}busy`);
    const leased = edges.find(({ from, to }) => from === `${LIFE}ready` && to === `${LIFE}busy`);
    expect(leased?.lines[0]).toMatch(/^LEASED/);
  });

  it('names what is waited for: events, timers, conditions, and what is run', () => {
    const { edges } = graphOf(chartOf(workerMachine), everyLevel(chartOf(workerMachine)));
    const lines = edges.flatMap((edge) => edge.lines);
    expect(lines).toEqual(expect.arrayContaining(['PROCESS.SPAWNED', 'connect done', 'cleanup failed', 'after stop']));
  });

  it('has another fingerprint whenever what is open is another', () => {
    const views = [topLevel(plugin), everyLevel(plugin), new Set([...topLevel(plugin), `${LIFE}busy`])];
    expect(new Set(views.map((open) => fingerprintOf(graphOf(plugin, open)))).size).toBe(views.length);
  });
});

it('has the layouts of the four machines as they are now', () => {
  const script = fileURLToPath(new URL('../../../scripts/chart-layouts.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).not.toContain('out of date');
  expect(status).toBe(0);
});

describe('what a chart marks', () => {
  it('are the states around the innermost ones, and what is inside of the closed ones', () => {
    const active = [`${LIFE}busy.serving`, REST];
    expect(['', 'alive', `${LIFE}busy`, `${LIFE}busy.serving`].every((path) => isActive(path, active))).toBe(true);
    expect(isActive(`${LIFE}bus`, active)).toBe(false);
    expect(insideOf(`${LIFE}busy`, active)).toBe('serving');
    expect(insideOf(`${LIFE}ready`, active)).toBe('');
  });

  const taken = (before: string, after: string, event: string, all = false): string[] =>
    lastArrows(graphOf(plugin, all ? everyLevel(plugin) : topLevel(plugin)), {
      before: [LIFE + before, REST],
      after: [LIFE + after, REST],
      event,
    }).map(({ from, to }) => `${from.replace(LIFE, '')} > ${to.replace(LIFE, '')}`);

  it('is the arrow of the event that led from the one state to the other', () => {
    expect(taken('ready', 'busy.serving', 'LEASED')).toEqual(['ready > busy']);
    expect(taken('crashed.deciding', 'crashed.backoff', 'RESTART', true)).toEqual([
      'crashed.deciding > crashed.backoff',
    ]);
  });

  it('are all the arrows of what went on at once', () => {
    expect(taken('released.cold', 'discovered.idle', 'UNLOAD', true)).toEqual([
      'released.cold > discovered.stopping',
      'discovered.stopping > discovered.idle',
    ]);
  });

  it('is nothing where it stayed in one box', () => {
    expect(taken('spawning.launching', 'spawning.initializing', 'WORKER.CONNECTED')).toEqual([]);
  });
});

describe('the viewport of a chart', () => {
  const chart = { width: 2000, height: 1000 };
  const pane = { width: 500, height: 500 };

  it('fits all of it into the middle', () => {
    expect(fit(chart, pane)).toEqual({ x: 0, y: 125, scale: 0.25 });
  });

  it('keeps the point that is zoomed about', () => {
    const zoomed = zoom({ x: 10, y: 20, scale: 1 }, 2, { x: 100, y: 50 });
    expect([(100 - zoomed.x) / zoomed.scale, (50 - zoomed.y) / zoomed.scale]).toEqual([90, 30]);
  });

  it('shows a point without leaving the chart where there is more of it', () => {
    expect(centre({ x: 0, y: 500 }, chart, pane, 1)).toEqual({ x: 0, y: -250, scale: 1 });
    expect(centre({ x: 2000, y: 500 }, chart, pane, 1).x).toBe(-1500);
  });
});

it('rounds the corners of a line, short pieces less', () => {
  expect(routeOf('0 0 20 0 20 4')).toBe('M0 0L14 0Q20 0 20 2L20 4');
});
