import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import type { Policy } from '../../src/scheduler/policies/policy.ts';
import { ACTIONS, CheckedScheduler } from '../scheduler/checked-scheduler.ts';
import { need } from '../scheduler/need.ts';

const STEPS = 1_200;

interface Setting {
  readonly name: string;
  readonly policy: Policy;
  /** Whether plugins read their messages at once. */
  readonly prompt: boolean;
  readonly measured?: boolean;
  /** Memory of each GPU, if they are told apart. */
  readonly gpus?: Readonly<Record<string, number>>;
  /** Whether plugins have several instances. */
  readonly instances?: true;
  readonly runs: number;
}

const NEEDS = [
  need(4),
  need(6, { minResidencyMs: 15_000 }),
  need(3),
  need(8),
  need(0),
  need(5),
  need(1, { pinned: true }),
];
/** On GPUs some may be spread, and some name theirs. */
const ON_GPUS = [
  need(4, { devices: 'GPU-b' }),
  need(6, { minResidencyMs: 15_000, spread: 2 }),
  need(3),
  need(9, { spread: 2 }),
  need(0),
  need(5),
  need(1, { pinned: true, devices: '1,0' }),
];
/** Where plugins have several instances; some of these may be spread over GPUs, and some name theirs. */
const OF_POOLS = [
  need(3, { spread: 2, instances: 3 }),
  need(2),
  need(2, { minResidencyMs: 5_000, instances: 2 }),
  need(4, { devices: 'GPU-a' }),
  need(0),
];
/** The most instances of each. */
const INSTANCES = [3, 3, 2, 1, 3];
const VRAM = 12;

/** Random actions of random plugins; messages cross, time passes. Returns how many events reached the scheduler. */
function live({ policy, prompt, measured, gpus, instances }: Setting, steps: readonly number[]): number {
  const slots = instances === undefined && gpus === undefined ? 3 : 5;
  const capacity = gpus === undefined ? { slots, vramMb: VRAM } : { slots, gpus };
  const bounds = policy.name === 'permissive' ? {} : { capacity, maxWaiting: 3 };
  const needs = instances === true ? OF_POOLS : gpus === undefined ? NEEDS : ON_GPUS;
  const scheduler = new CheckedScheduler(
    needs,
    { policy, ...bounds },
    prompt,
    measured === true ? VRAM : undefined,
    instances && INSTANCES,
  );
  for (const step of steps) {
    const plugin = scheduler.plugins[step % needs.length];
    if (plugin === undefined) continue;
    // Plugins that crash at every turn never have several instances.
    const isSpared = instances === true && step % 8 !== 0;
    const actions = ACTIONS.filter((action) => scheduler.can(plugin, action) && !(isSpared && action === 'crash'));
    const action = actions[Math.floor(step / needs.length) % actions.length];
    if (action !== undefined) scheduler.do(plugin, action);
    if (step % 31 === 0) {
      scheduler.clock.hold(step % 20_000);
      scheduler.settle();
      scheduler.check();
    }
  }
  scheduler.finish();
  expect(scheduler.ended).toBe(scheduler.asked);
  expect(scheduler.actor.getSnapshot().value).toBe('settled');
  scheduler.stop();
  startedCold += scheduler.cold;
  grown += scheduler.grown;
  evictedForFurther += scheduler.evictedForFurther;
  return scheduler.events;
}

const TWO = { 'GPU-a': 7, 'GPU-b': 5 };
const steps = fc.array(fc.nat(1_000_000), { minLength: STEPS, maxLength: STEPS, size: 'max' });
const queue = policyNamed('queue', { maxWaitMs: 5_000 });
/** Has everything evicted for a further instance, because it does not know that one must not. */
const careless: Policy = {
  ...queue,
  name: 'a careless policy',
  decide: (asking, memory, now) => {
    const verdict = queue.decide(asking, memory, now);
    if (!asking.further || verdict.outcome === 'grant') return verdict;
    const victims = [...memory.residents()].map(({ plugin, generation, standing }) =>
      standing === 'busy'
        ? ({ plugin, generation, ask: 'YIELD', deadline: now + 10_000 } as const)
        : ({ plugin, generation, ask: 'RELEASE' } as const),
    );
    return { outcome: 'evict', reason: 'all', considered: [], victims };
  },
};
const settings: readonly Setting[] = [
  { name: 'permissive', policy: policyNamed('permissive'), prompt: true, runs: 3 },
  { name: 'safety', policy: policyNamed('safety'), prompt: true, runs: 10 },
  { name: 'safety, with messages that cross', policy: policyNamed('safety'), prompt: false, runs: 8 },
  { name: 'queue', policy: queue, prompt: true, runs: 15 },
  { name: 'queue, with messages that cross', policy: queue, prompt: false, runs: 20 },
  { name: 'queue, on late figures', policy: queue, prompt: true, measured: true, runs: 12 },
  {
    name: 'queue, on late figures that are waited for, and messages that cross',
    policy: policyNamed('queue', { maxWaitMs: 5_000, order: 'cost-aware', unconfirmed: 'refuse' }),
    prompt: false,
    measured: true,
    runs: 10,
  },
  { name: 'safety, on two GPUs', policy: policyNamed('safety'), prompt: true, gpus: TWO, runs: 6 },
  { name: 'queue, on two GPUs', policy: queue, prompt: true, gpus: TWO, runs: 10 },
  { name: 'queue, on two GPUs, with messages that cross', policy: queue, prompt: false, gpus: TWO, runs: 12 },
  { name: 'queue, on two GPUs and late figures', policy: queue, prompt: true, gpus: TWO, measured: true, runs: 8 },
  {
    name: 'safety, with several instances',
    policy: policyNamed('safety'),
    prompt: true,
    instances: true,
    runs: 6,
  },
  { name: 'queue, with several instances', policy: queue, prompt: true, instances: true, runs: 12 },
  {
    name: 'queue, with several instances and messages that cross',
    policy: queue,
    prompt: false,
    instances: true,
    runs: 20,
  },
  {
    name: 'a careless policy, with several instances and messages that cross',
    policy: careless,
    prompt: false,
    instances: true,
    runs: 12,
  },
  {
    name: 'queue, with several instances on late figures',
    policy: queue,
    prompt: true,
    measured: true,
    instances: true,
    runs: 8,
  },
  {
    name: 'queue, with several instances on two GPUs',
    policy: queue,
    prompt: false,
    gpus: TWO,
    instances: true,
    runs: 15,
  },
];
let enforced = 0;
let grown = 0;
let evictedForFurther = 0;
let startedCold = 0;

test.each(settings)('the invariants hold under random events with $name', { timeout: 120_000 }, (setting) => {
  let events = 0;
  fc.assert(
    fc.property(steps, (list) => {
      events += live(setting, list);
    }),
    { numRuns: setting.runs, endOnFailure: true },
  );
  // Without this the actions might all be ones that cannot be done.
  expect(events).toBeGreaterThan(setting.runs * STEPS * 0.7);
  if (setting.policy.name !== 'permissive') enforced += events;
});

test('that were a hundred thousand events under policies that enforce a capacity', () => {
  expect(enforced).toBeGreaterThanOrEqual(100_000);
  // And among them what happens on several GPUs only.
  expect(startedCold).toBeGreaterThan(0);
  // And of several instances.
  expect(grown).toBeGreaterThan(1_000);
  expect(evictedForFurther).toBeGreaterThan(100);
});
