// @ts-check
import { createActor } from 'xstate';
import { schedulerMachine } from '../../dist/machines/scheduler.js';
import { SimulatedClock } from '../../test/simulation/clock.mjs';
import { leastLoadMs } from './hindsight.mjs';
import { SimulatedPlugin } from './simulated-plugin.mjs';

/**
 * @import { Policy } from '../../dist/scheduler/policies/policy.js'
 * @import { SchedulerEvent } from '../../dist/scheduler/scheduler-events.js'
 * @import { Witness } from './simulated-plugin.mjs'
 * @import { Trace } from './trace.mjs'
 */

/**
 * What came of a replay. Times in milliseconds, memory in MiB; a call waits from its arrival until it is served.
 *
 * @typedef {{
 *   loads: number, loadMs: number, hindsightMs: number | null, evictions: number,
 *   served: number, refused: Record<string, number>, waitMs: { p50: number, p99: number },
 *   peakMb: number, decisions: Record<string, number>, events: number, simulatedMs: number,
 * }} Outcome
 */

/** With more calls than this no bound is computed: it takes more than linear time. */
const MOST_CALLS_IN_HINDSIGHT = 20_000;
/** After so many calls it is said how far the replay has come. */
const PROGRESS_EVERY = 4_096;

/**
 * Replays a trace in simulated time: the scheduler is the one that runs in production, its plugins and their processes
 * are simulated. Throws when an invariant does not hold.
 *
 * @param {Trace} trace
 * @param {{
 *   policy: Policy, capacityMb?: number | undefined, onProgress?: ((fraction: number) => void) | undefined,
 * }} options
 * @returns {Outcome}
 */
export function replay(trace, { policy, capacityMb = trace.capacityMb, onProgress }) {
  const clock = new SimulatedClock(0);
  const limitMb = policy.name === 'permissive' ? Infinity : capacityMb;
  const waits = new Float64Array(trace.calls.length);
  /** @type {number[]} Who began (index) and who ended (-1 - index), in this order. */
  const services = [];
  const { refused, decisions } = {
    refused: /** @type {Record<string, number>} */ ({}),
    decisions: /** @type {Record<string, number>} */ ({}),
  };
  let [served, refusals, loads, loadMs, evictions, residentMb, peakMb, events] = [0, 0, 0, 0, 0, 0, 0, 0];

  const scheduler = createActor(schedulerMachine, {
    clock,
    input: { clock, policy, capacity: { vramMb: capacityMb } },
  });
  /** @type {unknown} */
  let failure;
  scheduler.subscribe({ error: (error) => (failure ??= error) });
  scheduler.on('decision', ({ decision: { outcome } }) => (decisions[outcome] = (decisions[outcome] ?? 0) + 1));
  scheduler.start();

  /** @type {Witness} */
  const witness = {
    granted({ figures }) {
      loads += 1;
      loadMs += figures.loadMs;
      residentMb += figures.mb;
      peakMb = Math.max(peakMb, residentMb);
      if (residentMb > limitMb) failure ??= new Error(`${residentMb} MiB reside where ${limitMb} MiB have room.`);
    },
    began: ({ index }) => services.push(index),
    ended: ({ index }) => services.push(-1 - index),
    served(_call, waitedMs) {
      waits[served] = waitedMs;
      served += 1;
    },
    refused(calls, reason) {
      refusals += calls;
      refused[reason] = (refused[reason] ?? 0) + calls;
    },
    gone({ figures }) {
      evictions += 1;
      residentMb -= figures.mb;
    },
  };
  /** @param {SchedulerEvent} event */
  const tell = (event) => {
    events += 1;
    scheduler.send(event);
  };
  const plugins = trace.plugins.map((figures, index) => new SimulatedPlugin(index, figures, clock, tell, witness));

  for (const [index, call] of trace.calls.entries()) {
    clock.pass(call.at - clock.monotonic());
    plugins[call.plugin]?.call(call);
    if (failure !== undefined) throw failure;
    if (index % PROGRESS_EVERY === 0) onProgress?.(index / trace.calls.length);
  }
  for (let next = clock.next; next !== undefined; next = clock.next) clock.pass(next);
  const { value, context } = scheduler.getSnapshot();
  scheduler.stop();
  if (failure !== undefined) throw failure;
  if (served + refusals !== trace.calls.length)
    throw new Error(`${served + refusals} of ${trace.calls.length} calls ended.`);
  if (value !== 'settled' || plugins.some(({ atRest }) => !atRest)) throw new Error('It does not come to rest.');
  const { vramMb } = context.admission.ledger.reserved;
  if (vramMb !== residentMb) throw new Error(`${vramMb} MiB are reserved, ${residentMb} MiB reside.`);

  const sorted = waits.subarray(0, served).toSorted();
  const quantile = (/** @type {number} */ share) => sorted[Math.min(served - 1, Math.floor(served * share))] ?? 0;
  return {
    loads,
    loadMs,
    hindsightMs: trace.calls.length > MOST_CALLS_IN_HINDSIGHT ? null : leastLoadMs(trace.plugins, services, limitMb),
    evictions,
    served,
    refused,
    waitMs: { p50: quantile(0.5), p99: quantile(0.99) },
    peakMb,
    decisions,
    events,
    simulatedMs: clock.monotonic(),
  };
}
