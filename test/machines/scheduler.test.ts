// Longer than others because each decision is told from its request to its effects, on one stage that all share.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fits, type Need, plus, type Resources } from '../../src/scheduler/need.ts';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import type { Policy } from '../../src/scheduler/policies/policy.ts';
import { AGEING_MS } from '../../src/scheduler/waiting-queue.ts';
import { need } from '../scheduler/need.ts';
import { Stage } from '../scheduler/stage.ts';

const MAX_WAIT_MS = 5_000;
const queue = policyNamed('queue', { maxWaitMs: MAX_WAIT_MS });

test('without a room for it, safety refuses where queue waits', () => {
  using stage = new Stage({ policy: policyNamed('safety'), capacity: { vramMb: 10 } });
  stage.reside('a', need(6));
  stage.busy('a');
  stage.acquire('b', need(5));
  expect(stage.told).toEqual(['b REFUSED no-capacity']);
  stage.idle('a');
  stage.acquire('b', need(5), { generation: 2 });
  expect(stage.told).toEqual(['a RELEASE']);
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('permissive grants everything, whatever the capacity', () => {
  using stage = new Stage({ policy: policyNamed('permissive'), capacity: { slots: 1 } });
  stage.acquire('a', need(1e9));
  stage.acquire('b', need(1e9));
  expect(stage.told).toEqual(['a GRANTED', 'b GRANTED']);
});

test('those who go are the least recently used that are needed, as a search of all subsets finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ vramMb: fc.nat(8), ramMb: fc.nat(4) }), { minLength: 1, maxLength: 10 }),
      fc.infiniteStream(fc.nat(1_000)),
      fc.record({ vramMb: fc.nat(30), ramMb: fc.nat(12) }),
      (sizes, order, asked) => {
        const needs = sizes.map((size): Need => ({ ...size, slots: 1 }));
        const total = needs.reduce<Resources>(plus, need());
        using stage = new Stage({ policy: queue, capacity: total });
        const idle = needs.map((amount, at) => ({ name: `p${at}`, amount, key: order.next().value }));
        for (const { name, amount } of idle) {
          stage.acquire(name, amount);
          stage.busy(name);
        }
        idle.sort((a, b) => a.key - b.key);
        for (const { name } of idle) {
          stage.pass(1);
          stage.idle(name);
        }
        const wanted: Need = { ...asked, slots: 1 };
        void stage.told;
        stage.acquire('new', wanted);
        const told = stage.told;
        const expected = leastRecentlyUsedNeeded(
          wanted,
          total,
          idle.map(({ amount }) => amount),
        );
        if (expected === 'never') expect(told).toEqual(['new REFUSED never-fits']);
        else if (expected.length === 0) expect(told).toEqual(['new GRANTED']);
        else expect(told).toEqual(expected.map((at) => `${idle[at]?.name} RELEASE`));
      },
    ),
    { numRuns: 300 },
  );
});

/** Of all sets that would do, the one whose newest member is the oldest; of those, whose next one is; and so on. */
function leastRecentlyUsedNeeded(
  wanted: Need,
  capacity: Resources,
  idle: readonly Need[],
): readonly number[] | 'never' {
  const used = idle.reduce<Resources>(plus, { vramMb: 0, ramMb: 0, slots: 0 });
  for (let set = 0; set < 2 ** idle.length; set += 1) {
    const members = idle.flatMap((_, at) => ((set >> at) & 1 ? [at] : []));
    const gone = members.reduce<Resources>((sum, at) => plus(sum, idle[at] ?? need()), capacity);
    if (fits(plus(wanted, used), gone)) return members;
  }
  return 'never';
}

test('a warm worker goes before any resident, and keeps reserved what it kept until then', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('old', need(3));
  stage.pass(1);
  stage.reside('warm', need(7));
  stage.warm('warm', need(4));
  expect(stage.reserved.vramMb).toBe(7);
  stage.acquire('x', need(6));
  expect(stage.told).toEqual(['warm RELEASE']);
  stage.freed('warm');
  expect(stage.told).toEqual(['x GRANTED']);
});

test('what is released without keeping anything holds nothing', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 1 } });
  stage.reside('a', need());
  stage.acquire('b', need());
  stage.warm('a', undefined);
  expect(stage.told).toEqual(['a RELEASE', 'b GRANTED']);
  expect(stage.reserved.slots).toBe(1);
});

test('a warm worker that comes back needs only what it does not hold', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('a', need(8));
  stage.warm('a', need(5));
  stage.reside('b', need(2));
  stage.busy('b');
  stage.acquire('a', need(8));
  expect(stage.told).toEqual(['a GRANTED']);
  expect(stage.reserved.vramMb).toBe(10);
});

test('a big one that waits does not hold up a small one that fits', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('a', need(6));
  stage.busy('a');
  stage.acquire('big', need(9), { priority: 10 });
  stage.acquire('small', need(4));
  expect(stage.told).toEqual(['small GRANTED']);
});

test('a big one that has waited too long has room kept for it, so that small ones do not starve it', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  for (const name of ['a', 'b', 'c']) {
    stage.reside(name, need(3));
    stage.busy(name);
  }
  stage.acquire('big', need(9));
  stage.pass(MAX_WAIT_MS);
  expect(stage.told).toEqual(['a YIELD', 'b YIELD', 'c YIELD']);
  for (const name of ['a', 'b', 'c']) stage.denied(name);
  stage.acquire('small', need(1));
  stage.freed('a');
  stage.acquire('other', need(3), { priority: 100 });
  stage.freed('b');
  expect(stage.told).toEqual([]);
  stage.freed('c');
  expect(stage.told).toEqual(['big GRANTED', 'small GRANTED']);
  stage.freed('big');
  expect(stage.told).toEqual(['other GRANTED']);
});

test('one that denied to yield is left in peace for a while', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 1 } });
  stage.reside('a', need());
  stage.busy('a');
  stage.acquire('b', need());
  stage.pass(MAX_WAIT_MS);
  stage.denied('a');
  stage.pass(MAX_WAIT_MS - 1);
  expect(stage.told).toEqual(['a YIELD']);
  stage.pass(1);
  expect(stage.told).toEqual(['a YIELD']);
});

test('calls that alternate between two plugins do not swap them more often than their minimum residency allows', () => {
  using stage = new Stage({ policy: policyNamed('queue'), capacity: { slots: 1 } });
  const terms = need(0, { minResidencyMs: 1_000 });
  const grants = [0];
  let [resident, other, generation] = ['a', 'b', 1];
  stage.reside(resident, terms, generation);
  for (const start = stage.now; stage.now < start + 10_000; stage.pass(50)) {
    if (stage.state === 'settled') stage.acquire(other, terms, { generation: generation + 1 });
    stage.busy(resident, generation);
    stage.idle(resident, generation);
    if (!stage.told.includes(`${resident} RELEASE`)) continue;
    stage.freed(resident, generation);
    expect(stage.told).toEqual([`${other} GRANTED`]);
    generation += 1;
    [resident, other] = [other, resident];
    stage.idle(resident, generation);
    grants.push(stage.now);
  }
  expect(grants.length).toBeGreaterThan(5);
  for (const [at, grant] of grants.entries()) expect(grant - (grants[at - 1] ?? -1_000)).toBeGreaterThanOrEqual(1_000);
});

test('a minimum residency ends by itself, without any event', () => {
  using stage = new Stage({ policy: policyNamed('queue'), capacity: { slots: 1 } });
  stage.reside('a', need(0, { minResidencyMs: 1_000 }));
  stage.acquire('b', need());
  stage.pass(999);
  expect(stage.told).toEqual([]);
  stage.pass(1);
  expect(stage.told).toEqual(['a RELEASE']);
});

test('what is pinned is never told to go', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('pinned', need(5, { pinned: true }));
  stage.reside('a', need(5));
  stage.busy('a');
  stage.acquire('b', need(4));
  stage.pass(MAX_WAIT_MS);
  expect(stage.told).toEqual(['a YIELD']);
});

test('a queue a hundred deep, with priorities and cancellations, ends in the documented order', () => {
  using stage = new Stage({ policy: policyNamed('queue', { maxWaitMs: 1e9 }), capacity: { slots: 1 } });
  stage.reside('first', need());
  stage.busy('first');
  const waiting = Array.from({ length: 100 }, (_, at) => ({ name: `p${at}`, priority: (at * 7) % 5, at }));
  for (const { name, priority } of waiting) {
    stage.pass(100);
    stage.acquire(name, need(), { priority, deadline: 1e9 });
  }
  const cancelled = waiting.filter(({ at }) => at % 4 === 1);
  for (const { name } of cancelled) stage.withdraw(name);
  stage.send({ type: 'ACQUIRE.UPDATE', plugin: 'p98', priority: 50, deadline: 1e9 });
  const right = ({ priority, at, name }: (typeof waiting)[number]): number =>
    (name === 'p98' ? 50 : priority) * AGEING_MS - at * 100;
  const expected = waiting
    .filter((each) => !cancelled.includes(each))
    .toSorted((a, b) => right(b) - right(a) || a.at - b.at)
    .map(({ name }) => `${name} GRANTED`);
  const order: string[] = [];
  let resident = 'first';
  for (let left = expected.length; left > 0; left -= 1) {
    stage.freed(resident);
    const told = stage.told;
    order.push(...told);
    resident = told[0]?.split(' ')[0] ?? '';
  }
  expect(order).toEqual(expected);
  expect(order[0]).toBe('p98 GRANTED');
});

test('a low priority gains on a high one while it waits', () => {
  using stage = new Stage({ policy: policyNamed('queue', { maxWaitMs: 1e9 }), capacity: { slots: 1 } });
  stage.reside('first', need());
  stage.busy('first');
  stage.acquire('low', need(), { priority: 0 });
  stage.pass(2 * AGEING_MS + 1);
  stage.acquire('high', need(), { priority: 2 });
  stage.freed('first');
  expect(stage.told).toEqual(['low GRANTED']);
});

test('a full queue refuses with a hint when to come again, and lets those go on that wait', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 1 }, maxWaiting: 2 });
  stage.reside('a', need());
  stage.busy('a');
  for (const name of ['b', 'c', 'd']) stage.acquire(name, need());
  expect(stage.told).toEqual(['d REFUSED queue-full']);
  expect(stage.refusals[0]).toMatchObject({ reason: 'queue-full', retryAfterMs: 1_000 });
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
  stage.acquire('d', need());
  expect(stage.told).toEqual([]);
});

test('whoever waits is refused at the deadline, by default after 300 s', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 1 } });
  stage.reside('pinned', need(0, { minResidencyMs: 1e9 }));
  stage.acquire('b', need(), { deadline: stage.now + 7_000 });
  stage.acquire('c', need());
  stage.pass(6_999);
  expect(stage.told).toEqual([]);
  stage.pass(1);
  expect(stage.told).toEqual(['b REFUSED deadline']);
  stage.pass(300_000 - 7_000);
  expect(stage.told).toEqual(['c REFUSED deadline']);
});

test('memory that is given up counts when it is measured as free, and until then nobody else is evicted for it', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } }, { vramMb: 10 });
  stage.reside('a', need(7));
  stage.pass(1);
  stage.reside('c', need(3));
  stage.measured = { vramMb: 0 };
  stage.pass(1_500);
  stage.acquire('b', need(6));
  expect(stage.told).toEqual(['a RELEASE']);
  stage.freed('a');
  stage.pass(1_000);
  // What is kept for one is not for another that comes meanwhile.
  stage.acquire('d', need(1));
  expect(stage.told).toEqual([]);
  stage.measured = { vramMb: 7 };
  stage.pass(1_000);
  expect(stage.told).toEqual(['b GRANTED', 'd GRANTED']);
});

test('what is measured as free bit by bit goes to the one who evicted for it, whoever else asks', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } }, { vramMb: 10 });
  stage.reside('a', need(7));
  stage.reside('c', need(3));
  stage.busy('c');
  stage.measured = { vramMb: 0 };
  stage.pass(1_500);
  stage.acquire('b', need(6));
  stage.freed('a');
  stage.acquire('d', need(3), { priority: 100 });
  stage.measured = { vramMb: 3 };
  stage.pass(1_000);
  expect(stage.told).toEqual(['a RELEASE']);
  stage.measured = { vramMb: 7 };
  stage.pass(1_000);
  expect(stage.told).toEqual(['b GRANTED']);
});

test('memory that is not seen free in time is refused where the policy says so', () => {
  const policy = policyNamed('safety', { confirmMs: 2_000, unconfirmed: 'refuse' });
  using stage = new Stage({ policy, capacity: { vramMb: 10 } }, { vramMb: 10 });
  stage.reside('a', need(8));
  stage.measured = { vramMb: 2 };
  stage.pass(1_500);
  stage.acquire('b', need(8));
  stage.freed('a');
  stage.pass(2_000);
  expect(stage.told).toEqual(['a RELEASE', 'b REFUSED not-seen-free']);
});

test('a request that is made again keeps its place in the queue', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('a', need(8));
  stage.busy('a');
  stage.acquire('b', need(6));
  stage.pass(10);
  stage.acquire('c', need(6));
  stage.pass(10);
  stage.acquire('b', need(6));
  expect(stage.decisions.filter(({ plugin }) => plugin === 'b')).toHaveLength(1);
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('a monitor that does not answer delays a decision by half a second, and is reported', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } }, { vramMb: 10 });
  stage.reside('a', need(1));
  stage.measured = undefined;
  stage.pass(2_000);
  stage.acquire('b', need(1));
  expect(stage.state).toBe('measuring');
  stage.pass(500);
  expect(stage.told).toEqual(['b GRANTED']);
  expect(stage.facts).toEqual([{ kind: 'monitor-late', ageMs: 2_500 }]);
});

test('a decision says what was asked, what was free, who was looked at and who was chosen', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('a', need(3));
  stage.pass(10);
  stage.reside('c', need(6));
  stage.pass(10);
  stage.acquire('b', need(6), { priority: 2, deadline: 9_000 });
  const asked = { policy: 'queue', plugin: 'b', generation: 1, priority: 2, since: 20, deadline: 9_000 };
  expect(stage.decisions.at(-1)).toEqual({
    ...asked,
    at: 20,
    asked: need(6),
    free: { vramMb: 1, ramMb: Infinity, slots: Infinity },
    considered: [
      { plugin: 'a', generation: 1, rank: 0 },
      { plugin: 'c', generation: 1, rank: 10 },
    ],
    chosen: [{ plugin: 'c', generation: 1, ask: 'RELEASE' }],
    waitingFor: [],
    outcome: 'evict',
    reason: 'fits-after-eviction',
  });
  stage.busy('c');
  stage.denied('c');
  expect(stage.decisions.at(-1)).toMatchObject({
    ...asked,
    outcome: 'wait',
    reason: 'no-capacity',
    waitingFor: [{ plugin: 'c', generation: 1, standing: 'busy', leaving: false, since: 10, holds: need(6) }],
  });
});

test('cost-aware takes what is cheap to load again for the room it frees, and in the end what is never used', () => {
  const policy = policyNamed('queue', { order: 'cost-aware' });
  using stage = new Stage({ policy, capacity: { vramMb: 10 } });
  stage.acquire('slow', need(5));
  stage.pass(3_000);
  stage.idle('slow');
  stage.acquire('quick', need(5));
  stage.pass(1_000);
  stage.idle('quick');
  void stage.told;
  const names: string[] = [];
  for (let generation = 1; generation < 10 && !names.includes('slow'); generation += 1) {
    stage.acquire('new', need(5), { generation });
    const victim = stage.told[0]?.split(' ')[0] ?? '';
    names.push(victim);
    stage.freed(victim, victim === 'new' ? generation - 1 : 1);
    stage.pass(1_000);
    stage.idle('new', generation);
    void stage.told;
  }
  expect(names).toEqual(['quick', 'new', 'slow']);
});

test.each<[string, Policy['decide']]>([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['answers nothing', () => undefined as never],
  ['answers nonsense', () => ({ outcome: 'maybe', reason: '' }) as never],
  ['names no victims', () => ({ outcome: 'evict', reason: '' }) as never],
])('a policy that %s costs the one who asked its answer, and nobody else', (_, decide) => {
  const own: Policy = {
    name: 'own',
    measures: false,
    decide: (asking, room, now) =>
      asking.plugin === 'a' ? decide(asking, room, now) : { outcome: 'grant', reason: 'mine' },
  };
  using stage = new Stage({ policy: own });
  stage.acquire('a', need());
  stage.acquire('b', need());
  expect(stage.told).toEqual(['a REFUSED policy-failed', 'b GRANTED']);
  expect(stage.facts.map(({ kind }) => kind)).toEqual(['nothing-enforced', 'policy-failed']);
});

test('a policy cannot have anybody taken away who must not be', () => {
  const greedy: Policy = {
    name: 'greedy',
    measures: false,
    decide: ({ plugin }, room) => {
      const others = [...room.residents()].filter((resident) => resident.plugin !== plugin);
      if (others.length < 4) return { outcome: 'grant', reason: 'first' };
      return {
        outcome: 'evict',
        reason: 'all',
        considered: [],
        victims: others.map((other) => ({ plugin: other.plugin, generation: other.generation, ask: 'RELEASE' })),
      };
    },
  };
  using stage = new Stage({ policy: greedy });
  stage.reside('pinned', need(0, { pinned: true }));
  stage.reside('young', need(0, { minResidencyMs: 1_000 }));
  stage.reside('busy', need());
  stage.busy('busy');
  stage.acquire('loading', need());
  void stage.told;
  stage.acquire('x', need());
  expect(stage.told).toEqual([]);
  expect(stage.decisions.at(-1)).toMatchObject({ outcome: 'wait', reason: 'nobody-to-evict' });
});

test('a victim that has calls has stayed: it is not told to have been evicted, and another is chosen', () => {
  using stage = new Stage({ policy: policyNamed('queue'), capacity: { slots: 2 } });
  const outcomes: string[] = [];
  stage.actor.on('eviction', ({ eviction: { plugin, requester, outcome } }) =>
    outcomes.push(`${plugin} ${outcome} for ${requester}`),
  );
  stage.reside('a', need(0));
  stage.pass(1);
  stage.reside('b', need(0));
  stage.acquire('c', need(0));
  stage.denied('a');
  stage.freed('b');
  expect(outcomes).toEqual(['a stayed for c', 'b left for c']);
  expect(stage.told.at(-1)).toBe('c GRANTED');
});
