import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Policy } from '../../src/scheduler/policy.ts';
import { permissive } from '../../src/scheduler/permissive.ts';
import { need, slotsPolicy } from '../scheduler/slots-policy.ts';
import { DEEDS, World } from '../scheduler/world.ts';

const RUNS = 50;
const STEPS = 1_200;
/** What each property must have sent at least, so that none of them idles. */
const EVENTS_EACH = 25_000;

/** Random deeds of random plugins; messages cross, time passes. Returns how many events reached the scheduler. */
function live(policy: Policy | undefined, steps: readonly number[], prompt: boolean): number {
  const needs = [need(4), need(6), need(3), need(8), need(0), need(5)];
  const input = policy === undefined ? {} : { policy, capacity: { slots: 3, vramMb: 12 }, maxWaiting: 3 };
  const world = new World(needs, input, prompt);
  for (const step of steps) {
    const plugin = world.plugins[step % needs.length];
    if (plugin === undefined) continue;
    const deeds = DEEDS.filter((deed) => world.can(plugin, deed));
    const deed = deeds[Math.floor(step / needs.length) % deeds.length];
    if (deed !== undefined) world.do(plugin, deed);
    if (step % 97 === 0) {
      world.clock.increment(step % 60_000);
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

test.each([
  ['permissive', permissive, true],
  ['an enforcing policy', slotsPolicy(), true],
  ['an enforcing policy, with messages that cross', slotsPolicy(), false],
  ['an enforcing policy that asks for yields, with messages that cross', slotsPolicy({ yieldAfterMs: 5_000 }), false],
])('the invariants hold under random events with %s', { timeout: 120_000 }, (name, policy, prompt) => {
  let events = 0;
  fc.assert(
    fc.property(steps, (list) => {
      events += live(name === 'permissive' ? undefined : policy, list, prompt);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(events).toBeGreaterThan(EVENTS_EACH);
});
