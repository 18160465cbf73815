import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { policyNamed } from '../../src/scheduler/policies.ts';
import type { Policy } from '../../src/scheduler/policy.ts';
import { need } from '../scheduler/need.ts';
import { DEEDS, World } from '../scheduler/world.ts';

const STEPS = 1_200;

interface Setting {
  readonly name: string;
  readonly policy: Policy;
  /** Whether plugins read their messages at once. */
  readonly prompt: boolean;
  readonly measured?: boolean;
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
const VRAM = 12;

/** Random deeds of random plugins; messages cross, time passes. Returns how many events reached the scheduler. */
function live({ policy, prompt, measured }: Setting, steps: readonly number[]): number {
  const bounds = policy.name === 'permissive' ? {} : { capacity: { slots: 3, vramMb: VRAM }, maxWaiting: 3 };
  const world = new World(NEEDS, { policy, ...bounds }, prompt, measured === true ? VRAM : undefined);
  for (const step of steps) {
    const plugin = world.plugins[step % NEEDS.length];
    if (plugin === undefined) continue;
    const deeds = DEEDS.filter((deed) => world.can(plugin, deed));
    const deed = deeds[Math.floor(step / NEEDS.length) % deeds.length];
    if (deed !== undefined) world.do(plugin, deed);
    if (step % 31 === 0) {
      world.clock.increment(step % 20_000);
      world.settle();
      world.check();
    }
  }
  world.finish();
  expect(world.ended).toBe(world.asked);
  expect(world.actor.getSnapshot().value).toBe('settled');
  world.stop();
  return world.events;
}

const steps = fc.array(fc.nat(1_000_000), { minLength: STEPS, maxLength: STEPS, size: 'max' });
const queue = policyNamed('queue', { maxWaitMs: 5_000 });
const settings: readonly Setting[] = [
  { name: 'permissive', policy: policyNamed('permissive'), prompt: true, runs: 5 },
  { name: 'safety', policy: policyNamed('safety'), prompt: true, runs: 20 },
  { name: 'safety, with messages that cross', policy: policyNamed('safety'), prompt: false, runs: 10 },
  { name: 'queue', policy: queue, prompt: true, runs: 25 },
  { name: 'queue, with messages that cross', policy: queue, prompt: false, runs: 30 },
  { name: 'queue, on late figures', policy: queue, prompt: true, measured: true, runs: 20 },
  {
    name: 'queue, on late figures that are waited for, and messages that cross',
    policy: policyNamed('queue', { maxWaitMs: 5_000, order: 'cost-aware', unconfirmed: 'refuse' }),
    prompt: false,
    measured: true,
    runs: 10,
  },
];
let enforced = 0;

test.each(settings)('the invariants hold under random events with $name', { timeout: 120_000 }, (setting) => {
  let events = 0;
  fc.assert(
    fc.property(steps, (list) => {
      events += live(setting, list);
    }),
    { numRuns: setting.runs, endOnFailure: true },
  );
  // Without this the deeds might all be ones that cannot be done.
  expect(events).toBeGreaterThan(setting.runs * STEPS * 0.7);
  if (setting.policy.name !== 'permissive') enforced += events;
});

test('that were a hundred thousand events under policies that enforce a capacity', () => {
  expect(enforced).toBeGreaterThanOrEqual(100_000);
});
