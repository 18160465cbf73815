import { expect, test } from 'vitest';
import { replayFleet } from '../../bench/simulate/fleet/replay-fleet.mjs';
import { makeTrace } from '../../bench/simulate/make.mjs';
import { replay } from '../../bench/simulate/replay.mjs';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import { SEED } from '../seed.ts';

test(`a fleet loads hardly more often than one scheduler with all its memory, and loses no job (seed ${SEED})`, async () => {
  let [fleet, one] = [0, 0];
  for (const kind of ['zipf', 'bursts', 'abab'] as const)
    for (const faster of [1, 20]) {
      const made = makeTrace({ kind, seed: SEED, plugins: 12, calls: 200, sizes: 'proportional' });
      const trace = { ...made, calls: made.calls.map((call) => ({ ...call, at: Math.floor(call.at / faster) })) };
      const nodeMb = Math.max(...trace.plugins.map(({ mb }) => mb), Math.ceil(trace.capacityMb / 3));
      fleet += (await replayFleet(trace, { nodes: 3, nodeMb, seed: SEED })).loads;
      one += replay(trace, { policy: policyNamed('queue', { order: 'lru' }), capacityMb: nodeMb * 3 }).loads;
    }
  expect(fleet).toBeLessThanOrEqual(1.3 * one);
});

test('a job that no node runs for too long has one node make way, however much waits for what is loaded', async () => {
  const plugins = ['busy', 'starved'].map((name) => ({ name, mb: 800, loadMs: 1_000, stopMs: 100 }));
  const calls = Array.from({ length: 400 }, (_, index) => ({ at: index * 90, plugin: 0, ms: 100 }));
  calls.splice(20, 0, { at: 1_800, plugin: 1, ms: 100 });
  const trace = { name: 'starved', capacityMb: 1_000, plugins, calls };
  const outcome = await replayFleet(trace, { nodes: 1, nodeMb: 1_000, seed: 1, maxWaitMs: 10_000 });
  expect(outcome.done).toBe(401);
  expect(outcome.loads).toBe(3);
});
