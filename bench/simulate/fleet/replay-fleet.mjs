// @ts-check
import { setImmediate as turn } from 'node:timers/promises';
import { SimulatedClock } from '../../../test/simulation/clock.mjs';
import { randomFrom } from '../../../test/simulation/random.mjs';
import { SimulatedNode } from './simulated-node.mjs';
import { SimulatedStore } from './simulated-store.mjs';

/** @import { Trace } from '../trace.mjs' */

/**
 * What came of a replay. Times in milliseconds; a job waits from when it is added until it begins.
 *
 * @typedef {{
 *   loads: number, loadMs: number, evictions: number, done: number, handedBack: number,
 *   waitMs: { p50: number, p99: number, max: number }, makespanMs: number,
 *   asked: Record<string, number>, simulatedMs: number,
 * }} FleetOutcome
 */

/**
 * Replays a trace as jobs of a fleet. `placesOf` says on which nodes a plugin is; undefined: on all. Throws where a job is
 * lost or stuck.
 *
 * @param {Trace} trace
 * @param {{ nodes: number, nodeMb: number, seed: number, maxWaitMs?: number, copies?: number | undefined,
 *   onProgress?: ((fraction: number) => void) | undefined }} options
 * @returns {Promise<FleetOutcome>}
 */
export async function replayFleet(
  trace,
  { nodes: count, nodeMb, seed, maxWaitMs = 60_000, copies = count, onProgress },
) {
  const random = randomFrom(seed);
  const clock = new SimulatedClock(0);
  const waits = new Float64Array(trace.calls.length);
  let [loads, loadMs, evictions, began, done] = [0, 0, 0, 0, 0];
  const store = new SimulatedStore(clock, () => (done += 1));
  const addedAt = (/** @type {string} */ job) => trace.calls[Number(job)]?.at ?? 0;
  const witness = {
    loaded(/** @type {number} */ ms) {
      loads += 1;
      loadMs += ms;
    },
    evicted: () => (evictions += 1),
    began(/** @type {string} */ job) {
      waits[began] = clock.monotonic() - addedAt(job);
      began += 1;
    },
  };
  const msOf = (/** @type {string} */ job) => trace.calls[Number(job)]?.ms ?? 0;
  /** @type {import('../trace.mjs').TracePlugin[][]} */
  const placed = Array.from({ length: count }, () => []);
  for (const [index, plugin] of trace.plugins.entries())
    for (let copy = 0; copy < copies; copy += 1) placed[(index + copy * stride(count, copies)) % count]?.push(plugin);
  const nodes = placed.map(
    (plugins, index) =>
      new SimulatedNode({
        ...{ name: `node-${index}`, clock, random, store, plugins, capacityMb: nodeMb, maxWaitMs, msOf, witness },
      }),
  );
  let next = 0;
  const addDue = () => {
    for (let call = trace.calls[next]; call !== undefined && call.at <= clock.monotonic(); call = trace.calls[next]) {
      const { name } = trace.plugins[call.plugin] ?? { name: '' };
      store.add({ id: String(next), plugin: name, priority: 0, addedAt: call.at, ms: call.ms, claim: 0 });
      next += 1;
    }
    const later = trace.calls[next];
    if (later !== undefined) clock.setTimeout(addDue, later.at - clock.monotonic());
  };
  addDue();
  const stuckAfterMs = 1_000 * maxWaitMs;
  let [progressAt, lastDone] = [0, 0];
  for (let steps = 0; done < trace.calls.length; steps += 1) {
    await turn();
    // After the last one nothing need be left to come.
    if (done === trace.calls.length) break;
    if (done !== lastDone || next < trace.calls.length) [progressAt, lastDone] = [clock.monotonic(), done];
    if (clock.monotonic() - progressAt > stuckAfterMs || clock.next === undefined)
      throw new Error(`${trace.calls.length - done} jobs are stuck at ${clock.monotonic()} ms.`);
    clock.pass(clock.next);
    if (steps % 4_096 === 0) onProgress?.(done / trace.calls.length);
  }
  for (const node of nodes) node.stop();
  if (began < done) throw new Error(`${done} jobs ended, ${began} began.`);
  const sorted = waits.subarray(0, Math.min(began, waits.length)).toSorted();
  const quantile = (/** @type {number} */ share) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const end = clock.monotonic();
  return {
    ...{ loads, loadMs, evictions, done, handedBack: store.asked['give back'] ?? 0 },
    waitMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    makespanMs: end - (trace.calls[0]?.at ?? 0),
    asked: store.asked,
    simulatedMs: end,
  };
}

/** So that the copies of a plugin are spread over the nodes. @param {number} nodes @param {number} copies */
function stride(nodes, copies) {
  return Math.max(1, Math.floor(nodes / copies));
}
