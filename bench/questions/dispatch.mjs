// @ts-check
// What does it cost a call that its plugin has four instances, of which one has to be chosen?
import { join } from 'node:path';
import { LeaseEdges } from '../../dist/calls/lease-edges.js';
import { LeaseGate } from '../../dist/calls/lease-gate.js';
import { PLUGINS } from '../lib/host.mjs';
import { withSeveral } from '../lib/instances.mjs';
import { compare, limitRow, ratioRow } from '../lib/measure.mjs';
import { medianAfterRest, RESTS } from '../lib/rests.mjs';

const INSTANCES = 4;
const LEASES = 200_000;
const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => [await choice(bench), ...(await afterRests(bench))];

/** What one lease more costs where there are several to choose from. @param {import('../lib/measure.mjs').Bench} bench */
async function choice({ repetitions }) {
  const [one, control, several] = [leaser(1), leaser(1), leaser(INSTANCES)];
  const { over, reference, aa } = await compare(
    { reference: one, control, subject: several },
    { repetitions, warmup: 6 },
  );
  const question = `a lease of one of ${INSTANCES} idle instances, more than one of a single instance`;
  return { ...limitRow(question, 'ns', over, { atMost: 1_000 }, { aa }), reference };
}

/** How many nanoseconds it takes to be given a lease and to return it. @param {number} instances */
function leaser(instances) {
  const clock = {
    now: Date.now,
    monotonic: () => performance.now(),
    setTimeout: (/** @type {() => void} */ run, /** @type {number} */ ms) => setTimeout(run, ms),
    clearTimeout: (/** @type {any} */ timer) => clearTimeout(timer),
  };
  const edges = new LeaseEdges({ clock, isWaitedFor: () => false, onPending: () => {} });
  const gate = new LeaseGate('bench', () => {}, edges);
  gate.limit({
    maxWaiting: 10,
    maxConcurrency: undefined,
    instances: { max: instances, growAfterMs: 100, idleMs: 60_000 },
  });
  for (let generation = 1; generation <= instances; generation += 1) {
    const channel = /** @type {any} */ (undefined);
    gate.open({ generation, channel, concurrency: 1, leases: new Set() });
  }
  /** @type {import('../../dist/calls/lease-request.js').Residency | undefined} */
  let residency;
  /** @type {import('../../dist/calls/lease-request.js').LeaseRequest} */
  const request = {
    priority: 0,
    deadline: undefined,
    start: (given) => {
      residency = given;
    },
    refuse: (error) => {
      throw error;
    },
    lose: (error) => {
      throw error;
    },
  };
  return async () => {
    const start = performance.now();
    for (let index = 0; index < LEASES; index += 1) {
      gate.enter(request);
      if (residency === undefined) throw new Error('The gate gave no lease.');
      gate.leave(residency, request);
    }
    return ((performance.now() - start) / LEASES) * 1e6;
  };
}

/** @param {import('../lib/measure.mjs').Bench} bench */
function afterRests({ repetitions }) {
  const fields = { worker: 'node', module: join(PLUGINS, 'bench-node', 'bench-node.mjs') };
  return withSeveral({ one: 1, control: 1, several: INSTANCES }, fields, async (supervisor) => {
    const rows = [];
    for (const { name, calls, rest } of RESTS) {
      /** @param {string} plugin */
      const measure = (plugin) => () => medianAfterRest(calls, rest, () => supervisor.execute(plugin, INPUT));
      const comparison = await compare(
        { reference: measure('one'), control: measure('control'), subject: measure('several') },
        { repetitions, warmup: 3 },
      );
      const question = `execute after a rest of ${name}, ${INSTANCES} instances against one`;
      rows.push(ratioRow(question, 'µs', comparison, { atMost: 1.05 }));
    }
    return rows;
  });
}
