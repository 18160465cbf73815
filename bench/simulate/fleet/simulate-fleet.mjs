// @ts-check
// npm run simulate:fleet: jobs of a fleet in simulated time, beside one scheduler with the memory of all its nodes.
// npm run simulate:fleet -- --large: a fleet of 1,000 nodes, and what it asks of Redis. See --help.
import { parseArgs } from 'node:util';
import { formatTable } from '../../../dist/cli/terminal/table.js';
import { policyNamed } from '../../../dist/scheduler/policies/policies.js';
import { KINDS, makeTrace, SIZES } from '../make.mjs';
import { replay } from '../replay.mjs';
import { replayFleet } from './replay-fleet.mjs';

/** @import { Trace } from '../trace.mjs' */

const HELP = `Simulates jobs of a fleet: its nodes decide as in production; plugins, time and Redis are simulated.

Usage: npm run simulate:fleet -- [OPTIONS]

  --nodes N      how many nodes (default 4, with --large 1000)
  --seed N       what everything follows from (default 1)
  --large        one large fleet, and what it asks of Redis, in place of the comparison
  --plugins N    with --large: how many plugins (default 100000)
  --copies N     with --large: on how many nodes each is (default 10)
  --rate N       with --large: jobs an hour (default 1000000)
  --minutes N    with --large: for how long they come (default 5)

Without --large: the loads and waits of every kind of trace under three loads, beside one scheduler with all the memory.`;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    large: { type: 'boolean', default: false },
    plugins: { type: 'string', default: '100000' },
    copies: { type: 'string', default: '10' },
    rate: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '5' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** How much faster the calls of a trace come than it says, and how many times as long each takes. */
const LOADS = /** @type {const} */ ([
  { name: 'light', faster: 1, longer: 1 },
  { name: 'many', faster: 20, longer: 1 },
  { name: 'long', faster: 4, longer: 20 },
]);

if (values.help) console.log(HELP);
else if (values.large) await large();
else await compare();

async function compare() {
  const nodes = Number(values.nodes ?? 4);
  const seed = Number(values.seed);
  const rows = [['trace', 'load', 'loads', 'of one', 'p50', 'of one', 'p99', 'of one', 'longest']];
  let [all, best] = [0, 0];
  for (const { name, faster, longer } of LOADS)
    for (const kind of KINDS)
      for (const sizes of SIZES) {
        const trace = under(makeTrace({ kind, seed, plugins: 24, calls: 500, sizes }), faster, longer);
        const largest = Math.max(...trace.plugins.map(({ mb }) => mb));
        const nodeMb = Math.max(largest, Math.ceil(trace.capacityMb / nodes));
        const one = replay(trace, { policy: policyNamed('queue', { order: 'lru' }), capacityMb: nodeMb * nodes });
        const fleet = await replayFleet(trace, { nodes, nodeMb, seed });
        all += fleet.loads;
        best += one.loads;
        rows.push([
          ...[trace.name, name, String(fleet.loads), `${(fleet.loads / one.loads).toFixed(2)}×`],
          ...[seconds(fleet.waitMs.p50), seconds(one.waitMs.p50), seconds(fleet.waitMs.p99), seconds(one.waitMs.p99)],
          seconds(fleet.waitMs.max),
        ]);
      }
  for (const line of formatTable(rows)) console.log(line);
  console.log(
    `\n${nodes} nodes, seed ${seed}. Loads in all: ${all}, ${(all / best).toFixed(2)}× those of one scheduler (${best}).`,
  );
}

/** @param {Trace} trace @param {number} faster @param {number} longer @returns {Trace} */
function under(trace, faster, longer) {
  const calls = trace.calls.map(({ at, plugin, ms }) => ({ at: Math.floor(at / faster), plugin, ms: ms * longer }));
  return { ...trace, calls };
}

async function large() {
  const nodes = Number(values.nodes ?? 1_000);
  const plugins = Number(values.plugins);
  const copies = Number(values.copies);
  const seed = Number(values.seed);
  const perSecond = Number(values.rate) / 3_600;
  const calls = Math.round(perSecond * 60 * Number(values.minutes));
  const made = makeTrace({ kind: 'zipf', seed, plugins, calls, sizes: 'proportional' });
  const span = made.calls.at(-1)?.at ?? 1;
  const stretch = (calls / perSecond) * 1_000;
  // A job of a second and a half, and plugins that load in a second to half a minute.
  const trace = {
    ...made,
    calls: made.calls.map(({ at, plugin, ms }) => ({ at: Math.floor((at / span) * stretch), plugin, ms: ms * 15 })),
  };
  const nodeMb = 65_536;
  const start = performance.now();
  const outcome = await replayFleet(trace, {
    ...{ nodes, nodeMb, seed, copies, maxWaitMs: 300_000 },
    onProgress: (fraction) => process.stderr.write(`\r${Math.round(fraction * 100)} %`),
  });
  process.stderr.write('\r');
  const s = outcome.simulatedMs / 1_000;
  const per = (/** @type {number | undefined} */ count) => ((count ?? 0) / s).toFixed(1);
  console.log(
    `${nodes} nodes, ${plugins} plugins on ${copies} nodes each, ${calls} jobs in ${Math.round(s)} s, seed ${seed}; simulated in ${Math.round((performance.now() - start) / 1_000)} s.`,
  );
  console.log(
    `Loads ${outcome.loads}, evictions ${outcome.evictions}, waits p50 ${seconds(outcome.waitMs.p50)}, p99 ${seconds(outcome.waitMs.p99)}, longest ${seconds(outcome.waitMs.max)}.`,
  );
  const rows = [['asked of the store', 'a second', 'a job']];
  for (const [what, count] of Object.entries(outcome.asked).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    rows.push([what, per(count), (count / calls).toFixed(2)]);
  for (const line of formatTable(rows)) console.log(line);
  console.log(`Beside: ${nodes / 2} beats a second, ${nodes / 10} slow looks a second, ${2 * nodes} connections.`);
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
