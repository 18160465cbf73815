// Draws what the build decides into the documentation, between markers: Mermaid diagrams of the state machines, a table
// of every transition, a table of what follows from each end of a worker, and the table of the settings. With --check it
// writes nothing and fails if a page is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { eventName } from '../dist/machines/event-name.js';
import { pluginMachine } from '../dist/machines/plugin.js';
import { schedulerMachine } from '../dist/machines/scheduler.js';
import { supervisorMachine } from '../dist/machines/supervisor.js';
import { workerMachine } from '../dist/machines/worker.js';
import { EXIT_DO_NOT_RESTART } from '../dist/protocol.js';
import { DEFAULT_RESTART, NO_RESTARTS, planRestart } from '../dist/supervision/restart-plan.js';
import { settingsTable } from './settings-table.mjs';

/** What stands between the markers of each name. */
const DRAWINGS = {
  supervisor: () => diagram([supervisorMachine.root]),
  'supervisor table': () => table(supervisorMachine.root),
  scheduler: () => diagram([schedulerMachine.root]),
  'scheduler table': () => table(schedulerMachine.root),
  worker: () => diagram([workerMachine.root]),
  'worker table': () => table(workerMachine.root),
  plugin: () => overview(lifecycle()),
  'plugin discovered': () => diagram([lifecycle().states.discovered]),
  'plugin spawning': () => diagram([lifecycle().states.spawning]),
  'plugin serving': () => diagram([lifecycle().states.ready, lifecycle().states.busy]),
  'plugin released': () => diagram([lifecycle().states.released]),
  'plugin crashed': () => diagram([lifecycle().states.crashed]),
  'plugin replacement': () => diagram([pluginMachine.root.states.alive.states.replacement]),
  'plugin stability': () => diagram([pluginMachine.root.states.alive.states.stability]),
  'plugin table': () => table(pluginMachine.root),
  'restart table': restartTable,
  'settings table': settingsTable,
};

/** The pages, with the names of what must stand in each. */
const PAGES = {
  'docs/state-machines.md': Object.keys(DRAWINGS).filter((name) => !/^(restart|settings) table$/.test(name)),
  'docs/supervision.md': ['restart table', 'plugin crashed', 'plugin replacement'],
  'docs/embedding.md': ['settings table'],
};

/** How a worker can end, in words and as the restart plan hears of it. */
const ENDS = {
  'exits with status 0, having been ready': { code: 0 },
  'exits with another status': { code: 1 },
  'is ended by a signal, or for want of memory': { signal: 'SIGKILL' },
  'hangs, and is killed': {},
  'ends, or is late, before it is ready': { code: 0, ready: false },
  [`exits with status ${EXIT_DO_NOT_RESTART}`]: { code: EXIT_DO_NOT_RESTART },
  'cannot be started, now or later': { ready: false, retryable: false },
};

const POLICIES = ['permanent', 'transient', 'temporary'];

const OUTCOMES = { restart: 'restarted', stopped: 'rests', 'give-up': 'given up' };

const lifecycle = () => pluginMachine.root.states.alive.states.lifecycle;
const children = (node) => Object.values(node.states);
const isLeaf = (node) => children(node).length === 0;
const subtree = (node) => [node, ...children(node).flatMap(subtree)];

/** Where a transition to a compound state ends up. */
const entryOf = (node) => (isLeaf(node) ? node : entryOf(node.initial.target[0]));

/** A state's name: its path, without what only holds the six states together. */
function nameOf(node) {
  const path = node.path.filter((key) => key !== 'alive' && key !== 'lifecycle');
  return path.length === 0 ? 'any state' : path.join('.');
}

/** Everything that may happen in a state itself: `{ event, guard, target }`, `target` undefined where it stays. */
function transitionsOf(node) {
  const listed = [...node.transitions.values()].flat().concat(node.always ?? []);
  return listed.map(({ eventType, guard, target }) => ({
    event: eventType === '' ? 'at once' : eventName(eventType),
    guard: guardName(guard),
    target: target?.[0],
  }));
}

function guardName(guard) {
  if (guard === undefined) return undefined;
  if (typeof guard === 'string') return guard;
  // A guard without a name of its own is a condition on the event's data.
  return guard.type ?? 'its data';
}

/** A Mermaid diagram of the leaf states under these nodes; what they lead to outside is drawn as a plain state. */
function diagram(nodes) {
  const inside = nodes.flatMap(subtree);
  const edges = inside.flatMap((node) =>
    transitionsOf(node)
      .filter(({ target }) => target !== undefined)
      .map(({ event, guard, target }) => ({
        from: sourceOf(node),
        to: nameOf(entryOf(target)),
        label: guard === undefined ? event : `${event} [${guard}]`,
      })),
  );
  return mermaid(nameOf(entryOf(nodes[0])), inside.filter(isLeaf).map(nameOf), edges);
}

const sourceOf = (node) => (isLeaf(node) || node.path.length === 0 ? nameOf(node) : `any ${nameOf(node)}`);

/** A Mermaid diagram of a node's children alone, as if they had no states in them. */
function overview(node) {
  const topOf = (state) => children(node).find((child) => subtree(child).includes(state));
  const edges = children(node).flatMap((child) =>
    subtree(child).flatMap((state) =>
      transitionsOf(state)
        .filter(({ target }) => target !== undefined && topOf(target) !== child)
        .map(({ event, guard, target }) => ({
          from: nameOf(child),
          to: nameOf(topOf(target) ?? target),
          label: event === 'at once' ? `[${guard}]` : event,
        })),
    ),
  );
  return mermaid(nameOf(node.initial.target[0]), children(node).map(nameOf), edges);
}

function mermaid(initial, names, edges) {
  const labels = new Map();
  for (const { from, to, label } of edges) {
    const key = `${idOf(from)} --> ${idOf(to)}`;
    labels.set(key, (labels.get(key) ?? new Set()).add(label));
  }
  const states = new Set([...names, ...edges.flatMap(({ from, to }) => [from, to])]);
  const lines = [
    'stateDiagram-v2',
    ...[...states].filter((name) => idOf(name) !== name).map((name) => `  state "${name}" as ${idOf(name)}`),
    `  [*] --> ${idOf(initial)}`,
    ...[...labels].map(([edge, found]) => `  ${edge}: ${[...found].join(', ')}`),
  ];
  return ['```mermaid', ...lines, '```'].join('\n');
}

const idOf = (name) => name.replaceAll(/\W/g, '_');

/** A table of every transition under a node, in the order in which they are tried. */
function table(root) {
  const rows = subtree(root).flatMap((node) =>
    transitionsOf(node).map(({ event, guard, target }) => {
      const goesTo = target === undefined ? '' : `\`${nameOf(entryOf(target))}\``;
      const condition = guard === undefined ? '' : guard === 'its data' ? guard : `\`${guard}\``;
      return `| \`${nameOf(node)}\` | \`${event}\` | ${condition} | ${goesTo} |`;
    }),
  );
  return ['| in | on | if | goes to |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** A table of what follows from each end of a worker under each policy. */
function restartTable() {
  const rows = Object.entries(ENDS).map(([words, end]) => {
    const outcomes = POLICIES.map((policy) => {
      const { action } = planRestart({
        history: NO_RESTARTS,
        settings: { ...DEFAULT_RESTART, policy },
        end: { code: null, signal: null, ready: true, retryable: true, ...end },
        now: 0,
        random: 0,
      });
      return OUTCOMES[action];
    });
    return `| ${[words, ...outcomes].join(' | ')} |`;
  });
  const head = ['a worker that', ...POLICIES.map((policy) => `\`${policy}\``)];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows].join('\n');
}

for (const [path, names] of Object.entries(PAGES)) {
  const file = new URL(`../${path}`, import.meta.url);
  const page = readFileSync(file, 'utf8');
  const drawn = page.replaceAll(
    /(<!-- begin (?<name>[\w ]+) -->\n).*?(<!-- end -->)/gs,
    (_match, begin, name, end) => `${begin}${DRAWINGS[name]()}\n${end}`,
  );
  const missing = names.filter((name) => !page.includes(`<!-- begin ${name} -->`));
  if (missing.length > 0) throw new Error(`${path} has no place for: ${missing.join(', ')}`);
  if (!process.argv.includes('--check')) writeFileSync(file, drawn);
  else if (drawn !== page) {
    console.error(`${path} is out of date. Run: npm run build && npm run diagrams`);
    process.exitCode = 1;
  }
}
