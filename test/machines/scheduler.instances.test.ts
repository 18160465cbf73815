import { expect, test } from 'vitest';
import { decisionLine } from '../../src/scheduler/decision-text.ts';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import type { Policy } from '../../src/scheduler/policies/policy.ts';
import type { Resident } from '../../src/scheduler/resident.ts';
import { AGEING_MS } from '../../src/scheduler/waiting-queue.ts';
import { need } from '../scheduler/need.ts';
import { Stage } from '../scheduler/stage.ts';

const MAX_WAIT_MS = 5_000;
const queue = policyNamed('queue', { maxWaitMs: MAX_WAIT_MS });

/** A plugin with this many idle instances, the first one used least recently. It keeps all of them where it is not said. */
function reside(stage: Stage, plugin: string, instances: number, terms = need(), keeps = instances): void {
  const amount = { ...terms, instances: keeps };
  stage.reside(plugin, amount);
  for (let generation = 2; generation <= instances; generation += 1) {
    stage.pass(1);
    stage.grow(plugin, amount, generation);
  }
  stage.pass(1);
  void stage.told;
  void stage.toldEach;
}

test('a further instance waits behind every first one, however urgent it is and however long it has waited', () => {
  using stage = new Stage({ policy: policyNamed('queue', { maxWaitMs: 1e9 }), capacity: { slots: 2 } });
  stage.reside('a', need());
  stage.reside('b', need());
  stage.busy('a');
  stage.busy('b');
  stage.acquire('a', need(), { generation: 2, further: true, priority: 9 });
  stage.pass(10 * AGEING_MS);
  stage.acquire('c', need());
  stage.acquire('d', need());
  void stage.told;
  stage.freed('b');
  stage.freed('c');
  stage.freed('d');
  expect(stage.told).toEqual(['c GRANTED', 'd GRANTED', 'a GRANTED']);
});

test('of further instances the more urgent one comes first, then the earlier', () => {
  using stage = new Stage({ policy: policyNamed('queue', { maxWaitMs: 1e9 }), capacity: { slots: 4 } });
  for (const name of ['a', 'b', 'c', 'd']) {
    stage.reside(name, need());
    stage.busy(name);
  }
  stage.acquire('a', need(), { generation: 2, further: true });
  stage.acquire('b', need(), { generation: 2, further: true });
  stage.acquire('c', need(), { generation: 2, further: true, priority: 1 });
  stage.freed('d');
  stage.freed('c', 2);
  stage.freed('a', 2);
  expect(stage.told.filter((line) => line.endsWith('GRANTED')).slice(-3)).toEqual([
    'c GRANTED',
    'a GRANTED',
    'b GRANTED',
  ]);
});

test('for a further instance other plugins give what they can spare, and keep as many as the one that asks has then', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 20 } });
  reside(stage, 'single', 1, need(2));
  reside(stage, 'double', 2, need(2));
  reside(stage, 'triple', 3, need(2));
  reside(stage, 'quad', 4, need(2));
  stage.acquire('single', need(6), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['triple#1 RELEASE further', 'quad#1 RELEASE further', 'quad#2 RELEASE further']);
  stage.freed('triple', 1);
  stage.freed('quad', 1);
  stage.freed('quad', 2);
  expect(stage.toldEach).toEqual(['single#2 GRANTED']);
  stage.acquire('double', need(2), { generation: 3, further: true });
  // The others have two each, one less than "double" would have.
  expect(stage.toldEach).toEqual([]);
  expect(stage.decisions.at(-1)).toMatchObject({ outcome: 'wait', reason: 'no-capacity', further: true });
});

test('a further instance of a plugin that asks for more at once leaves the only instance of another', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 2 } });
  reside(stage, 'a', 1);
  reside(stage, 'b', 1);
  stage.acquire('a', need(), { generation: 2, further: true });
  stage.pass(3 * MAX_WAIT_MS);
  expect(stage.toldEach).toEqual([]);
});

test('a further instance evicts neither what is warm nor an instance of its own plugin', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 3 } });
  reside(stage, 'a', 2);
  stage.reside('b', need());
  stage.warm('b', need());
  void stage.toldEach;
  stage.acquire('a', need(), { generation: 3, further: true });
  stage.pass(3 * MAX_WAIT_MS);
  expect(stage.toldEach).toEqual([]);
  stage.acquire('c', need());
  expect(stage.toldEach).toEqual(['a#1 RELEASE']);
});

test('for a first instance idle ones that can be spared leave first, then warm ones, then the only idle ones', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 5 } });
  reside(stage, 'only', 1);
  reside(stage, 'warm', 1);
  stage.warm('warm', need());
  reside(stage, 'pool', 3);
  for (const name of ['x1', 'x2', 'x3', 'x4', 'x5']) stage.acquire(name, need());
  expect(stage.toldEach).toEqual([
    'pool#1 RELEASE',
    'pool#2 RELEASE',
    'warm#1 RELEASE',
    'only#1 RELEASE',
    'pool#3 RELEASE',
  ]);
});

test('of busy instances those that can be spared are asked to yield first, after all idle ones that can be', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 6 } });
  reside(stage, 'only', 1);
  stage.busy('only');
  reside(stage, 'pool', 5);
  for (const generation of [1, 2, 3, 4]) stage.busy('pool', generation);
  stage.acquire('only', { ...need(), slots: 3 }, { generation: 2, further: true });
  stage.pass(MAX_WAIT_MS);
  expect(stage.toldEach).toEqual(['pool#5 RELEASE further', 'pool#1 YIELD further', 'pool#2 YIELD further']);
});

test('an instance leaves for a further one only if all that may leave, idle and busy, are enough', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 5 } });
  reside(stage, 'a', 1);
  reside(stage, 'pool', 4);
  for (const generation of [1, 2]) stage.busy('pool', generation);
  // Two idle ones and a busy one would do, but only two may leave.
  stage.acquire('a', { ...need(), slots: 3 }, { generation: 2, further: true });
  stage.pass(MAX_WAIT_MS);
  expect(stage.toldEach).toEqual([]);
});

test('a busy instance that has denied lately does not count as if it left', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 5 } });
  reside(stage, 'a', 1);
  reside(stage, 'pool', 4);
  for (const generation of [1, 2, 3, 4]) stage.busy('pool', generation);
  stage.acquire('a', { ...need(), slots: 2 }, { generation: 2, further: true });
  stage.pass(MAX_WAIT_MS);
  expect(stage.toldEach).toEqual(['pool#1 YIELD further', 'pool#2 YIELD further']);
  stage.denied('pool', 1);
  expect(stage.toldEach).toEqual(['pool#3 YIELD further']);
});

test('for a first instance busy ones that can be spared yield before the longest resident', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 3 } });
  reside(stage, 'only', 1);
  stage.busy('only');
  reside(stage, 'pool', 2);
  stage.busy('pool', 1);
  stage.busy('pool', 2);
  stage.acquire('x', { ...need(), slots: 2 });
  stage.pass(MAX_WAIT_MS);
  expect(stage.toldEach).toEqual(['pool#1 YIELD', 'only#1 YIELD']);
});

test('which instance is left follows what happens to the others', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 4 } });
  const surplus = () =>
    [...stage.actor.getSnapshot().context.admission.ledger]
      .filter((each) => each.surplus)
      .map(({ plugin, generation }) => `${plugin}#${generation}`);
  reside(stage, 'a', 3);
  expect(surplus()).toEqual(['a#1', 'a#2']);
  stage.busy('a', 1);
  expect(surplus()).toEqual(['a#2', 'a#3']);
  stage.warm('a', need(), 1);
  expect(surplus()).toEqual(['a#2']);
  stage.freed('a', 3);
  expect(surplus()).toEqual([]);
  stage.acquire('a', need(), { generation: 1, further: true });
  // It may fail to load.
  expect(surplus()).toEqual(['a#1']);
  stage.idle('a', 1);
  expect(surplus()).toEqual(['a#2']);
  stage.acquire('b', { ...need(), slots: 3 });
  expect(surplus()).toEqual([]);
  stage.withdraw('b');
  stage.busy('a', 2);
  stage.denied('a', 2);
  expect(surplus()).toEqual(['a#1']);
});

test('while one generation replaces another of a plugin with one instance, neither can be spared', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 2 } });
  stage.reside('a', need());
  const { ref } = [...stage.actor.getSnapshot().context.admission.ledger][0] ?? {};
  if (ref === undefined) throw new Error('"a" holds nothing');
  stage.send({ type: 'RESERVE_EXTRA', plugin: 'a', generation: 2, ref, need: need() });
  expect([...stage.actor.getSnapshot().context.admission.ledger].map(({ surplus }) => surplus)).toEqual([false, false]);
});

test('an instance that can be spared stays all the same when it is pinned, young, or has not been called', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 10 } });
  reside(stage, 'pinned', 3, need(0, { pinned: true }));
  reside(stage, 'young', 3, need(0, { minResidencyMs: 1_000 }));
  stage.reside('new', need());
  for (const generation of [2, 3]) stage.acquire('new', need(), { generation, further: true });
  void stage.toldEach;
  stage.acquire('x', need());
  stage.acquire('x', need(), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['x#1 GRANTED']);
  stage.pass(1_000);
  expect(stage.toldEach).toEqual(['young#1 RELEASE further']);
});

/** Grants everything but what is urgent, for which it names all that there is, busy ones as if they were idle. */
const greedy: Policy = {
  name: 'greedy',
  measures: false,
  decide: ({ priority }, memory) => {
    if (priority === 0) return { outcome: 'grant', reason: 'not-urgent' };
    const victims = [...memory.residents()].map((each) => ({
      plugin: each.plugin,
      generation: each.generation,
      ask: 'RELEASE' as const,
    }));
    return { outcome: 'evict', reason: 'all', considered: [], victims };
  },
};

/** Which victims were spared. */
function sparedOf({ facts }: Stage): readonly string[] {
  return facts.flatMap((fact) => (fact.kind === 'victim-spared' ? `${fact.plugin}#${fact.generation}` : []));
}

test('a policy cannot take more for a further instance than others can spare', () => {
  using stage = new Stage({ policy: greedy });
  reside(stage, 'a', 1);
  reside(stage, 'b', 2);
  reside(stage, 'c', 1);
  reside(stage, 'd', 3);
  stage.reside('warm', need());
  stage.warm('warm', need());
  void stage.toldEach;
  stage.facts.length = 0;
  stage.acquire('a', need(), { generation: 2, further: true, priority: 1 });
  expect(stage.toldEach).toEqual(['d#1 RELEASE further']);
  expect(sparedOf(stage)).toEqual(['a#1', 'b#1', 'b#2', 'c#1', 'd#2', 'd#3', 'warm#1']);
});

test('of surplus instances that a policy names, the first leave until as many are left as the one that asks has then', () => {
  using stage = new Stage({ policy: greedy });
  reside(stage, 'a', 2);
  reside(stage, 'b', 6);
  stage.busy('b', 1);
  reside(stage, 'c', 4);
  void stage.toldEach;
  stage.facts.length = 0;
  stage.acquire('a', need(), { generation: 3, further: true, priority: 1 });
  // The busy one cannot be released, and does not count as if it had left.
  expect(stage.toldEach).toEqual([
    'b#2 RELEASE further',
    'b#3 RELEASE further',
    'b#4 RELEASE further',
    'c#1 RELEASE further',
  ]);
  expect(sparedOf(stage)).toEqual(['a#1', 'a#2', 'b#1', 'b#5', 'b#6', 'c#2', 'c#3', 'c#4']);
});

test('an instance that has become the last of its plugin denies, and is not asked again', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 4 } });
  stage.reside('a', need());
  stage.busy('a');
  reside(stage, 'b', 3);
  stage.acquire('a', need(), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['b#1 RELEASE further']);
  for (const generation of [2, 3]) stage.warm('b', need(), generation);
  stage.denied('b', 1);
  stage.idle('b', 1);
  stage.pass(3 * MAX_WAIT_MS);
  expect(stage.toldEach).toEqual([]);
  stage.freed('b', 2);
  expect(stage.toldEach).toEqual(['a#2 GRANTED']);
});

test('one that says that it is the last of its plugin is not asked again until an instance comes or goes', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 3 } });
  stage.reside('a', need());
  stage.busy('a');
  reside(stage, 'b', 2, need(), 1);
  // Its plugin has given it up, and it has a call to end.
  stage.busy('b', 2);
  stage.pass(2_000);
  void stage.toldEach;
  stage.acquire('a', need(), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['b#1 RELEASE further']);
  stage.denied('b', 1, true);
  stage.idle('b', 1);
  stage.pass(10_000);
  expect(stage.toldEach.filter((line) => line.startsWith('b#1'))).toEqual([]);
});

test('an instance that its plugin may not need is spared until it has had no call for a second', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 3 } });
  stage.reside('a', need());
  reside(stage, 'b', 2, need(), 1);
  stage.pass(5_000);
  for (const generation of [1, 2]) {
    stage.busy('b', generation);
    stage.idle('b', generation);
  }
  stage.busy('a');
  void stage.toldEach;
  stage.acquire('a', need(), { generation: 2, further: true });
  stage.pass(900);
  expect(stage.toldEach).toEqual([]);
  stage.pass(200);
  expect(stage.toldEach).toEqual(['b#1 RELEASE further']);
});

/**
 * Plugins that ask for instances until each has as many as it wants, and leave whenever they are told to, asking again at
 * once. Returns which instances left, in this order, until none did for ten times as long as a request waits at most.
 */
function untilRest(
  stage: Stage,
  wanted: Readonly<Record<string, number>>,
  serves: 'idle' | 'busy',
  priorities: Readonly<Record<string, number>> = {},
): readonly string[] {
  const left: string[] = [];
  const newest = new Map<string, number>();
  const asking = new Set<string>();
  const held = (plugin: string) =>
    [...stage.actor.getSnapshot().context.admission.ledger].filter((each) => each.plugin === plugin);
  const ask = (plugin: string) => {
    if (asking.has(plugin) || held(plugin).length >= (wanted[plugin] ?? 0)) return;
    const [first] = held(plugin);
    if (first === undefined) throw new Error(`${plugin} has lost its last instance`);
    const generation = Math.max(newest.get(plugin) ?? 0, ...held(plugin).map((each) => each.generation)) + 1;
    newest.set(plugin, generation);
    asking.add(plugin);
    stage.acquire(plugin, first.need, { generation, further: true, priority: priorities[plugin] ?? 0 });
  };
  for (let quiet = 0; quiet < 10; quiet += 1) {
    for (const plugin of Object.keys(wanted)) ask(plugin);
    for (let told = stage.toldEach; told.length > 0; told = stage.toldEach) {
      for (const line of told) {
        const [, plugin = '', generation, event] = /^(\w+)#(\d+) (\w+)/u.exec(line) ?? [];
        if (event === 'RELEASE' || event === 'YIELD') {
          quiet = 0;
          left.push(`${plugin}#${generation}`);
          if (left.length > 50) throw new Error(`no rest: ${left.join()}`);
          stage.freed(plugin, Number(generation));
        } else {
          asking.delete(plugin);
          if (event === 'GRANTED') stage[serves](plugin, Number(generation));
        }
        ask(plugin);
      }
    }
    stage.pass(MAX_WAIT_MS);
  }
  return left;
}

/** How many instances each has. */
function countsOf(stage: Stage): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { plugin } of stage.actor.getSnapshot().context.admission.ledger)
    counts[plugin] = (counts[plugin] ?? 0) + 1;
  return counts;
}

test.each([
  { slots: 5, serves: 'idle', left: ['a#1'], ends: { a: 3, b: 2 } },
  { slots: 6, serves: 'idle', left: ['a#1'], ends: { a: 3, b: 3 } },
  { slots: 7, serves: 'idle', left: [], ends: { a: 4, b: 3 } },
  { slots: 5, serves: 'busy', left: ['a#1'], ends: { a: 3, b: 2 } },
  { slots: 6, serves: 'busy', left: ['a#1'], ends: { a: 3, b: 3 } },
] as const)(
  'two plugins that keep four $serves instances each come to rest with $slots of eight slots',
  ({ slots, serves, left, ends }) => {
    using stage = new Stage({ policy: queue, capacity: { slots } });
    reside(stage, 'a', 4);
    reside(stage, 'b', 1, need(), 4);
    if (serves === 'busy') for (const generation of [1, 2, 3, 4]) stage.busy('a', generation);
    expect(untilRest(stage, { a: 4, b: 4 }, serves)).toEqual(left);
    expect(countsOf(stage)).toEqual(ends);
  },
);

test.each([{ priorities: {} }, { priorities: { a: 9 } }, { priorities: { b: 9, c: 9 } }])(
  'three plugins that keep more than there is come to rest with as many as another or one more: %j',
  ({ priorities }) => {
    using stage = new Stage({ policy: queue, capacity: { slots: 8 } });
    reside(stage, 'a', 6);
    reside(stage, 'b', 1, need(), 6);
    reside(stage, 'c', 1, need(), 6);
    expect(untilRest(stage, { a: 6, b: 6, c: 6 }, 'idle', priorities)).toEqual(['a#1', 'a#2', 'a#3']);
    expect(countsOf(stage)).toEqual({ a: 3, b: 3, c: 2 });
  },
);

test('what was given up for a further instance does not go to a more urgent one of the plugin that gave it up', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 5 } });
  reside(stage, 'a', 4, need(), 5);
  reside(stage, 'b', 1, need(), 5);
  expect(untilRest(stage, { a: 5, b: 5 }, 'idle', { a: 9 })).toEqual(['a#1']);
  expect(countsOf(stage)).toEqual({ a: 3, b: 2 });
});

test.each([
  { idle: 4, keeps: 4, left: ['a#1'], ends: { a: 3, b: 2 } },
  { idle: 4, keeps: 2, left: ['a#1', 'a#2'], ends: { a: 2, b: 3 } },
  { idle: 4, keeps: 1, left: ['a#1', 'a#2', 'a#3'], ends: { a: 1, b: 4 } },
  { idle: 5, keeps: 5, left: ['a#1', 'a#2'], ends: { a: 3, b: 3 } },
  { idle: 6, keeps: 5, left: ['a#1', 'a#2'], ends: { a: 4, b: 3 } },
])(
  'of $idle idle instances, $keeps of which are kept, $left.length leave one by one for a plugin that grows from 1',
  (row) => {
    using stage = new Stage({ policy: queue, capacity: { slots: row.idle + 1 } });
    reside(stage, 'a', row.idle, need(), row.keeps);
    reside(stage, 'b', 1);
    stage.decisions.length = 0;
    expect(untilRest(stage, { b: 9 }, 'busy')).toEqual(row.left);
    expect(countsOf(stage)).toEqual(row.ends);
    const evictions = stage.decisions.filter(({ outcome }) => outcome === 'evict');
    expect(evictions.map(({ chosen }) => chosen.length)).toEqual(row.left.map(() => 1));
  },
);

test('a plugin with four idle instances gives up two at once to one that grows from 1 and needs twice as much', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 6 } });
  reside(stage, 'a', 4, need(1));
  reside(stage, 'b', 1, need(2));
  expect(untilRest(stage, { b: 9 }, 'busy')).toEqual(['a#1', 'a#2']);
  expect(countsOf(stage)).toEqual({ a: 2, b: 2 });
});

test('what was given up for a further instance goes to a first one that waits', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 4 } });
  stage.reside('a', need());
  stage.busy('a');
  reside(stage, 'b', 3);
  for (const generation of [2, 3]) stage.busy('b', generation);
  stage.acquire('a', need(), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['b#1 RELEASE further']);
  stage.acquire('c', need());
  stage.freed('b', 1);
  expect(stage.toldEach).toEqual(['c#1 GRANTED']);
  stage.freed('c', 1);
  expect(stage.toldEach).toEqual(['a#2 GRANTED']);
});

test('nothing is kept back for a further instance while others leave for it', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 5 } });
  stage.reside('a', need());
  stage.busy('a');
  reside(stage, 'b', 3);
  stage.busy('b', 2);
  stage.acquire('a', { ...need(), slots: 2 }, { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['b#1 RELEASE further']);
  stage.acquire('c', need());
  expect(stage.toldEach).toEqual(['c#1 GRANTED']);
});

test('what is no longer kept back for one first instance goes to another before a further one has it', () => {
  const policy = policyNamed('queue', { maxWaitMs: 1e9 });
  using stage = new Stage({ policy, capacity: { vramMb: 10 } }, { vramMb: 1_000 });
  stage.reside('a', need(2));
  stage.busy('a');
  stage.reside('x', need(3));
  stage.reside('y', need(3));
  void stage.toldEach;
  stage.acquire('big', need(8));
  stage.acquire('small', need(2));
  expect(stage.toldEach).toEqual(['x#1 RELEASE', 'y#1 RELEASE']);
  stage.measured = undefined;
  stage.pass(2_000);
  // All of this is decided about in one round, because the monitor does not answer.
  stage.denied('x');
  stage.denied('y');
  stage.acquire('a', need(2), { generation: 2, further: true });
  stage.pass(500);
  expect(stage.toldEach).toEqual(['small#1 GRANTED']);
});

test('a policy sees only what may leave for a further instance, and its own instances as never leaving', () => {
  const seen: unknown[] = [];
  const policy: Policy = {
    ...queue,
    decide: (asking, memory, now) => {
      if (asking.further && asking.plugin === 'a') {
        const { pinned, evictable, yieldable } = memory;
        const named = (list: Iterable<Resident>) =>
          [...list].map(({ plugin, generation }) => `${plugin}#${generation}`);
        seen.push([
          named(memory.candidates()),
          named(memory.busy()),
          evictable.vramMb,
          yieldable.vramMb,
          pinned.vramMb,
        ]);
      }
      return queue.decide(asking, memory, now);
    },
  };
  using stage = new Stage({ policy, capacity: { vramMb: 100 } });
  reside(stage, 'a', 3, need(1));
  stage.busy('a', 1);
  stage.busy('a', 2);
  reside(stage, 'b', 5, need(2));
  for (const generation of [1, 2, 3]) stage.busy('b', generation);
  reside(stage, 'c', 1, need(4));
  // Less by one than "a" would have would be left.
  reside(stage, 'd', 4, need(3));
  reside(stage, 'pinned', 1, need(8, { pinned: true }));
  reside(stage, 'warm', 1, need(16));
  stage.warm('warm', need(16));
  seen.length = 0;
  stage.acquire('a', need(1), { generation: 4, further: true });
  expect(seen).toEqual([[['b#4', 'b#5'], ['b#1', 'b#2'], 13, 4, 11]]);
});

test('no memory is kept for a further instance that has waited too long', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  for (const name of ['a', 'b', 'c']) {
    stage.reside(name, need(3));
    stage.busy(name);
  }
  stage.acquire('a', need(5), { generation: 2, further: true });
  stage.pass(MAX_WAIT_MS);
  stage.freed('b');
  void stage.toldEach;
  stage.acquire('d', need(4));
  stage.acquire('c', need(1), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['d#1 GRANTED']);
});

test('further instances that wait do not fill the queue for first ones', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 2 }, maxWaiting: 2 });
  for (const name of ['a', 'b']) {
    stage.reside(name, need());
    stage.busy(name);
  }
  void stage.toldEach;
  for (const name of ['a', 'b']) stage.acquire(name, need(), { generation: 2, further: true });
  stage.acquire('c', need());
  stage.acquire('d', need());
  stage.acquire('e', need());
  expect(stage.toldEach).toEqual(['e#1 REFUSED queue-full']);
});

test('a full queue takes no further instance, whatever it is full of', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 2 }, maxWaiting: 2 });
  for (const name of ['a', 'b']) {
    stage.reside(name, need());
    stage.busy(name);
  }
  void stage.toldEach;
  stage.acquire('a', need(), { generation: 2, further: true });
  stage.acquire('c', need());
  stage.acquire('b', need(), { generation: 2, further: true });
  expect(stage.toldEach).toEqual(['b#2 REFUSED queue-full']);
});

test('an instance that can never fit beside those of its own plugin is refused at once', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('a', need(4));
  stage.grow('a', need(4), 2);
  stage.acquire('a', need(4), { generation: 3, further: true });
  expect(stage.toldEach).toEqual(['a#3 REFUSED never-fits']);
});

test('a warm worker that waits to be a further instance again is evicted for a first one', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  reside(stage, 'a', 2, need(4));
  stage.warm('a', need(2), 1);
  stage.reside('b', need(4));
  stage.busy('a', 2);
  stage.busy('b');
  void stage.toldEach;
  stage.acquire('a', need(4), { generation: 1, further: true });
  expect(stage.toldEach).toEqual([]);
  stage.acquire('c', need(2));
  expect(stage.toldEach).toEqual(['a#1 REFUSED evicted', 'a#1 RELEASE']);
  stage.freed('a', 1);
  expect(stage.toldEach).toEqual(['c#1 GRANTED']);
});

test('a decision says that it is for a further instance', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 4 } });
  stage.reside('a', need());
  reside(stage, 'b', 3);
  stage.acquire('a', need(), { generation: 2, further: true });
  const evict = stage.decisions.at(-1);
  expect(evict).toMatchObject({ plugin: 'a', generation: 2, further: true, outcome: 'evict' });
  expect(evict && decisionLine(evict)).toBe(
    'Making room for a further instance of "a": evicting "b" (it fits once idle instances that their plugins can spare are evicted).',
  );
  stage.freed('b');
  expect(stage.decisions.map(decisionLine).at(-1)).toBe(
    'A further instance of "a" may run: it fits into the free capacity.',
  );
  expect(stage.decisions[0]).not.toHaveProperty('further');
});

test('a busy instance that its plugin can spare is asked after a second to finish its calls for the first of another plugin', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 3 } });
  reside(stage, 'pool', 2);
  stage.reside('only', need());
  for (const generation of [1, 2]) stage.busy('pool', generation);
  stage.busy('only');
  void stage.toldEach;
  stage.acquire('first', need());
  stage.pass(999);
  expect(stage.toldEach).toEqual([]);
  stage.pass(1);
  expect(stage.toldEach).toEqual(['pool#1 YIELD']);
  stage.freed('pool', 1);
  expect(stage.toldEach).toEqual(['first#1 GRANTED']);
});

test('no busy instance is asked soon for a further one of another plugin', () => {
  using stage = new Stage({ policy: queue, capacity: { slots: 4 } });
  reside(stage, 'pool', 3);
  stage.reside('a', need());
  for (const generation of [1, 2, 3]) stage.busy('pool', generation);
  stage.busy('a');
  void stage.toldEach;
  stage.acquire('a', need(), { generation: 2, further: true });
  stage.pass(MAX_WAIT_MS - 1);
  expect(stage.toldEach).toEqual([]);
});
