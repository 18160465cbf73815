// Longer than others because each decision about GPUs is told from its request to its effects, on one stage.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GpuAmounts } from '../../src/scheduler/gpus/gpu-amounts.ts';
import type { Need } from '../../src/scheduler/need.ts';
import { costAware } from '../../src/scheduler/policies/cost-aware.ts';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import type { Policy } from '../../src/scheduler/policies/policy.ts';
import { need } from '../scheduler/need.ts';
import { Stage } from '../scheduler/stage.ts';

const MAX_WAIT_MS = 5_000;
const queue = policyNamed('queue', { maxWaitMs: MAX_WAIT_MS });
const safety = policyNamed('safety');
/** A stage with two GPUs of 10 and 8. */
const two = (policy: Policy = queue, hostDevices?: string): Stage =>
  new Stage({ policy, capacity: { gpus: { A: 10, B: 8 } }, hostDevices });

test('each plugin goes to the GPU that it fills best, and where none has room nobody is granted', () => {
  using stage = two(safety);
  stage.reside('six', need(6));
  stage.reside('seven', need(7));
  expect([stage.placeOf('six'), stage.placeOf('seven')]).toEqual([{ B: 6 }, { A: 7 }]);
  stage.busy('six');
  stage.busy('seven');
  // There are 5 on both together.
  stage.acquire('four', need(4));
  expect(stage.told).toEqual(['four REFUSED no-capacity']);
  expect(stage.refusals[0]?.free).toEqual({ vramMb: 5, ramMb: Infinity, slots: Infinity, gpus: { A: 3, B: 2 } });
  stage.acquire('three', need(3));
  expect(stage.placeOf('three')).toEqual({ A: 3 });
});

test('the least recently used goes whose room makes a place, and the one that asked gets that', () => {
  using stage = two();
  const sizes: Record<string, number> = { oldest: 3, older: 7, newer: 5 };
  for (const [name, mb] of Object.entries(sizes)) {
    stage.reside(name, need(mb));
    stage.pass(1);
  }
  expect(Object.keys(sizes).map((name) => stage.placeOf(name))).toEqual([{ B: 3 }, { A: 7 }, { B: 5 }]);
  void stage.told;
  stage.acquire('eight', need(8));
  // The oldest is on the other GPU, where it would not do.
  expect(stage.told).toEqual(['older RELEASE']);
  const decision = stage.decisions.at(-1);
  expect(decision).toMatchObject({ considered: [{ plugin: 'oldest' }, { plugin: 'older' }], place: { A: 8 } });
  stage.freed('older');
  expect(stage.told).toEqual(['eight GRANTED']);
  expect(stage.placeOf('eight')).toEqual({ A: 8 });
});

test('one that fits the sum but no GPU is refused at once, or spread if it may be', () => {
  using stage = two();
  stage.reside('idle', need(8));
  void stage.told;
  stage.acquire('big', need(12));
  expect(stage.told).toEqual(['big REFUSED fits-no-gpu']);
  stage.acquire('bigger', need(19, { spread: 2 }));
  expect(stage.told).toEqual(['bigger REFUSED never-fits']);
  stage.acquire('wide', need(12, { spread: 2 }));
  expect(stage.told).toEqual(['idle RELEASE']);
  stage.freed('idle');
  expect(stage.told).toEqual(['wide GRANTED']);
  expect(stage.placeOf('wide')).toEqual({ A: 6, B: 6 });
});

test('what is pinned on a GPU leaves the others to a big one', () => {
  using stage = two();
  stage.reside('pinned', need(5, { pinned: true }));
  expect(stage.placeOf('pinned')).toEqual({ B: 5 });
  void stage.told;
  stage.acquire('ten', need(10));
  stage.acquire('four-on-b', need(4, { devices: 'B' }));
  expect(stage.told).toEqual(['ten GRANTED', 'four-on-b REFUSED fits-no-gpu']);
});

test.each([
  ['1', undefined, { B: 3 }],
  ['B', undefined, { B: 3 }],
  ['0,1', undefined, { B: 3 }],
  ['0', undefined, { A: 3 }],
  ['0,1', '0', { A: 3 }],
  [undefined, '0', { A: 3 }],
  ['1', '0', undefined],
  ['7', undefined, undefined],
  ['', undefined, undefined],
])('a manifest with CUDA_VISIBLE_DEVICES=%s on a host with %s gets %j', (devices, hostDevices, place) => {
  using stage = two(queue, hostDevices);
  stage.acquire('p', need(3, { devices }));
  expect(stage.told).toEqual([place === undefined ? 'p REFUSED fits-no-gpu' : 'p GRANTED']);
  expect(stage.placeOf('p')).toEqual(place);
});

test('what takes no GPU memory has no place, whatever it names', () => {
  using stage = two();
  stage.reside('p', need(0, { devices: '7' }));
  expect(stage.placeOf('p')).toBeUndefined();
});

test('a warm worker comes back on its own GPU, for which others there have to go', () => {
  using stage = two();
  stage.reside('warm', need(8, { devices: 'B' }));
  stage.warm('warm', need(2));
  expect(stage.placeOf('warm')).toEqual({ B: 2 });
  stage.reside('other', need(6, { devices: 'B' }));
  stage.reside('a', need(9, { devices: 'A' }));
  stage.busy('a');
  void stage.told;
  stage.acquire('warm', need(8));
  expect(stage.told).toEqual(['other RELEASE']);
  stage.freed('other');
  expect(stage.told).toEqual(['warm GRANTED']);
  expect(stage.placeOf('warm')).toEqual({ B: 8 });
});

test('a warm worker whose GPU has no room is started anew where there is some', () => {
  using stage = two();
  stage.reside('warm', need(8));
  stage.warm('warm', need(2));
  stage.reside('other', need(6));
  stage.busy('other');
  expect([stage.placeOf('warm'), stage.placeOf('other')]).toEqual([{ B: 2 }, { B: 6 }]);
  void stage.told;
  stage.acquire('warm', need(8));
  expect(stage.told).toEqual(['warm START_COLD']);
  expect(stage.decisions.at(-1)).toMatchObject({ outcome: 'evict', reason: 'other-gpu', chosen: [{ plugin: 'warm' }] });
  stage.freed('warm');
  stage.acquire('warm', need(8), { generation: 2 });
  expect(stage.told).toEqual(['warm GRANTED']);
  expect(stage.placeOf('warm', 2)).toEqual({ A: 8 });
});

test('a warm worker waits for its GPU where there is room on no other', () => {
  using stage = two();
  stage.reside('warm', need(8));
  stage.warm('warm', need(2));
  for (const [name, mb] of [
    ['b', 6],
    ['a', 9],
  ] as const) {
    stage.reside(name, need(mb));
    stage.busy(name);
  }
  void stage.told;
  stage.acquire('warm', need(8));
  expect(stage.told).toEqual([]);
  // Now a cold one would be granted.
  stage.freed('a');
  expect(stage.told).toEqual(['warm START_COLD']);
});

test('room is kept on one GPU for a big one that has waited too long, and small ones go to the other', () => {
  using stage = two();
  for (const [name, mb] of [
    ['a1', 5],
    ['a2', 5],
    ['b1', 4],
    ['b2', 4],
  ] as const) {
    stage.reside(name, need(mb, { devices: name[0]?.toUpperCase() }));
    stage.busy(name);
  }
  stage.acquire('big', need(10));
  stage.pass(MAX_WAIT_MS);
  expect(stage.told.toSorted()).toEqual(['a1 YIELD', 'a2 YIELD']);
  stage.denied('a1');
  stage.denied('a2');
  stage.acquire('small', need(4));
  stage.freed('a1');
  expect(stage.told).toEqual([]);
  stage.freed('b1');
  expect(stage.told).toEqual(['small GRANTED']);
  expect(stage.placeOf('small')).toEqual({ B: 4 });
  stage.freed('a2');
  expect(stage.told).toEqual(['big GRANTED']);
  expect(stage.placeOf('big')).toEqual({ A: 10 });
});

test('kept room moves to another GPU only for more of it', () => {
  using stage = new Stage({ policy: queue, capacity: { gpus: { A: 10, B: 10 } } });
  const sizes = { a1: 6, a2: 4, b1: 6, b2: 4 };
  for (const [name, mb] of Object.entries(sizes)) {
    stage.reside(name, need(mb, { devices: name[0]?.toUpperCase() }));
    stage.busy(name);
  }
  stage.acquire('big', need(10));
  stage.pass(MAX_WAIT_MS);
  for (const name of Object.keys(sizes)) stage.denied(name);
  void stage.told;
  stage.freed('b1');
  stage.acquire('small-b', need(6, { devices: 'B' }));
  stage.freed('a1');
  // As much is free on both.
  expect(stage.told).toEqual([]);
  stage.freed('a2');
  expect(stage.told).toEqual(['big GRANTED', 'small-b GRANTED']);
});

test('a second generation is placed anew, and where there is no GPU for it, it is refused at once', () => {
  using stage = two();
  stage.reside('p', need(7));
  const ref = stage.actor;
  const extra = { type: 'RESERVE_EXTRA', plugin: 'p', ref, need: need(7) } as const;
  stage.send({ ...extra, generation: 2 });
  expect([stage.placeOf('p'), stage.placeOf('p', 2)]).toEqual([{ B: 7 }, { A: 7 }]);
  stage.send({ ...extra, generation: 3 });
  expect(stage.placeOf('p', 3)).toBeUndefined();
  expect(stage.decisions.at(-1)).toMatchObject({ outcome: 'refuse', reason: 'no-capacity-for-replacement' });
});

test('another figure in the manifest changes what is reserved, and not where', () => {
  using stage = two();
  stage.reside('p', need(12, { spread: 2 }));
  stage.send({ type: 'RECONFIGURED', plugin: 'p', need: need(6, { spread: 2 }) });
  expect(stage.placeOf('p')).toEqual({ A: 3, B: 3 });
  expect(stage.reserved).toMatchObject({ vramMb: 6, gpus: { A: 3, B: 3 } });
});

const machine = [
  { uuid: 'A', totalMb: 10 },
  { uuid: 'B', totalMb: 8 },
];

test('where the monitor tells of several GPUs, they count with all of their memory, as far as it is free', () => {
  using stage = new Stage({ policy: safety }, { vramMb: 12, gpus: { A: 4, B: 8 } });
  stage.gpus = machine;
  stage.acquire('seven', need(7));
  stage.acquire('nine', need(9));
  stage.acquire('eleven', need(11));
  expect(stage.told).toEqual(['seven GRANTED', 'nine REFUSED no-capacity', 'eleven REFUSED fits-no-gpu']);
  expect(stage.placeOf('seven')).toEqual({ B: 7 });
});

test('a given GPU of which the monitor does not tell counts with its capacity, one that is not given with nothing', () => {
  using stage = new Stage({ policy: safety, capacity: { gpus: { A: 10, 'MIG-1': 8 } } }, { vramMb: 0, gpus: { A: 0 } });
  stage.reside('p', need(7));
  expect(stage.placeOf('p')).toEqual({ 'MIG-1': 7 });
  stage.measured = { vramMb: 99, gpus: { A: 2, C: 97 } };
  stage.pass(2_000);
  stage.acquire('q', need(5, { devices: 'A' }));
  expect(stage.told).toEqual(['q REFUSED no-capacity']);
  expect(stage.refusals[0]?.free).toMatchObject({ vramMb: 3, gpus: { A: 2, 'MIG-1': 1 } });
});

test.each([
  ['one GPU', [{ uuid: 'A', totalMb: 10 }], undefined],
  ['one that tells its memory', [...machine.slice(1), { uuid: 'C', totalMb: null }], undefined],
  ['one that the host sees', machine, 'B'],
])('with %s nothing is placed', (_, gpus, hostDevices) => {
  using stage = new Stage({ policy: safety, hostDevices }, { vramMb: 8 });
  stage.gpus = gpus;
  stage.reside('p', need(7));
  expect(stage.placeOf('p')).toBeUndefined();
  stage.acquire('q', need(2));
  expect(stage.told.at(-1)).toMatch(/^q (GRANTED|REFUSED)|^p RELEASE/);
});

test('what a plugin is measured to use counts on the GPU where that is, also if it was not placed', () => {
  using stage = new Stage({ policy: safety, capacity: { slots: 9 } }, { vramMb: 18 });
  stage.reside('early', need(6));
  expect(stage.placeOf('early')).toBeUndefined();
  stage.gpus = machine;
  stage.used = [{ plugin: 'early', generation: 1, vramMb: 2, gpus: { A: 2 } }];
  stage.measured = { vramMb: 16, gpus: { A: 8, B: 8 } };
  stage.pass(2_000);
  stage.reside('seven', need(7));
  expect([stage.placeOf('early'), stage.placeOf('seven')]).toEqual([{ A: 6 }, { B: 7 }]);
  stage.used = [{ plugin: 'seven', generation: 1, vramMb: 9, gpus: { B: 7.5, A: 1.5 } }];
  stage.measure();
  expect(stage.placeOf('seven')).toEqual({ A: 2, B: 8 });
  expect(stage.reserved.vramMb).toBe(16);
});

test('memory that was given up on one GPU and is not seen free there is waited for, and is the place then', () => {
  using stage = new Stage(
    { policy: policyNamed('queue', { confirmMs: 1_000 }), capacity: { gpus: { A: 10, B: 8 } } },
    { vramMb: 0, gpus: { A: 0, B: 0 } },
  );
  stage.measured = { vramMb: 10, gpus: { A: 10, B: 0 } };
  stage.reside('old', need(9));
  expect(stage.placeOf('old')).toEqual({ A: 9 });
  stage.measured = { vramMb: 1, gpus: { A: 1, B: 0 } };
  stage.pass(10);
  stage.measure();
  void stage.told;
  stage.acquire('new', need(7));
  expect(stage.told).toEqual(['old RELEASE']);
  expect(stage.decisions.at(-1)).toMatchObject({ outcome: 'evict', place: { A: 7 } });
  stage.freed('old');
  expect(stage.told).toEqual([]);
  stage.pass(1_000);
  expect(stage.told).toEqual(['new GRANTED']);
  expect(stage.decisions.at(-1)).toMatchObject({ reason: 'not-seen-free', place: { A: 7 } });
});

test('what others have taken of a GPU is no room to wait for once somebody goes on another', () => {
  using stage = new Stage({ policy: queue, capacity: { gpus: { A: 10, B: 8 } } }, { gpus: { A: 0, B: 8 } });
  stage.reside('old', need(7));
  stage.measured = { gpus: { A: 0, B: 1 } };
  stage.busy('old');
  stage.acquire('new', need(8));
  stage.pass(MAX_WAIT_MS);
  stage.denied('old');
  stage.pass(MAX_WAIT_MS);
  expect(stage.told).toEqual(['old YIELD', 'old YIELD']);
  expect(stage.decisions.at(-1)).toMatchObject({ outcome: 'evict', place: { B: 8 } });
});

test('a policy of its own that grants in spite of everything gets the emptiest GPU, as far as any will do', () => {
  const generous: Policy = {
    name: 'generous',
    measures: false,
    decide: () => ({ outcome: 'grant', reason: 'why-not' }),
  };
  using stage = two(generous);
  stage.reside('a', need(9));
  stage.reside('b', need(9));
  stage.reside('c', need(5, { devices: '7' }));
  expect(['a', 'b', 'c'].map((name) => stage.placeOf(name))).toEqual([{ A: 9 }, { A: 9 }, undefined]);
});

test('what fills a small GPU is as costly to keep for the cost-aware order as it is', () => {
  const [capacity, terms] = [{ vramMb: 100, ramMb: 100, slots: 100, gpus: { A: 90, B: 10 } }, { floor: 0 }];
  const rank = (gpus: GpuAmounts) =>
    costAware.rank({ need: { ...need(9), gpus }, loadMs: 100 } as never, { capacity, ...terms });
  expect(rank({ B: 9 })).toBeLessThan(rank({ A: 9 }));
});

interface Held {
  readonly name: string;
  readonly place: GpuAmounts;
}

test('those who go are the least recently used that make a place, as a search of all subsets finds', () => {
  let evicted = 0;
  fc.assert(
    fc.property(
      fc.array(fc.record({ vramMb: fc.integer({ min: 1, max: 8 }), spread: fc.integer({ min: 1, max: 2 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.array(fc.integer({ min: 4, max: 16 }), { minLength: 2, maxLength: 3 }),
      fc.record({ vramMb: fc.integer({ min: 1, max: 24 }), spread: fc.integer({ min: 1, max: 3 }) }),
      fc.option(fc.uniqueArray(fc.nat(2), { minLength: 1 }), { nil: undefined }),
      (sizes, memory, asked, named) => {
        const gpus: GpuAmounts = Object.fromEntries(memory.map((mb, at) => [`GPU-${at}`, mb]));
        using stage = new Stage({ policy: queue, capacity: { gpus } });
        const idle: Held[] = [];
        for (const [at, { vramMb, spread }] of sizes.entries()) {
          const name = `p${at}`;
          stage.acquire(name, need(vramMb, { spread }));
          if (!stage.told.includes(`${name} GRANTED`)) {
            stage.withdraw(name);
            continue;
          }
          stage.busy(name);
          idle.push({ name, place: stage.placeOf(name) ?? {} });
        }
        for (const { name } of idle) {
          stage.pass(1);
          stage.idle(name);
        }
        const devices = named?.map((at) => `GPU-${at}`).join();
        void stage.told;
        stage.acquire('new', need(asked.vramMb, { spread: asked.spread, devices }));
        const on = named === undefined ? Object.keys(gpus) : namedOf(named, memory.length);
        const expected = leastRecentlyUsedNeeded({ ...need(asked.vramMb), spread: asked.spread, on }, gpus, idle);
        const { told } = stage;
        if (expected === 'never') expect(told[0]).toMatch(/^new REFUSED (fits-no-gpu|never-fits)$/);
        else if (expected.length === 0) expect(told).toEqual(['new GRANTED']);
        else expect(told).toEqual(expected.map((name) => `${name} RELEASE`));
        if (expected === 'never' || expected.length === 0) return;
        evicted += 1;
        for (const name of expected) stage.freed(name);
        expect(stage.told).toEqual(['new GRANTED']);
        const { reserved } = stage;
        for (const [gpu, mb] of Object.entries(gpus)) expect(reserved.gpus?.[gpu] ?? 0).toBeLessThanOrEqual(mb);
      },
    ),
    { numRuns: 500 },
  );
  expect(evicted).toBeGreaterThan(50);
});

/** As for CUDA, what follows a name that is none does not count. */
function namedOf(named: readonly number[], count: number): string[] {
  const stop = named.findIndex((at) => at >= count);
  return named.slice(0, stop === -1 ? named.length : stop).map((at) => `GPU-${at}`);
}

/** Of all sets that would do, the one whose newest member is the oldest; of those, whose next one is; and so on. */
function leastRecentlyUsedNeeded(wanted: Need, gpus: GpuAmounts, idle: readonly Held[]): readonly string[] | 'never' {
  for (let set = 0; set < 2 ** idle.length; set += 1) {
    const free: Record<string, number> = { ...gpus };
    for (const [at, { place }] of idle.entries())
      if (((set >> at) & 1) === 0) for (const gpu in place) free[gpu] = (free[gpu] ?? 0) - (place[gpu] ?? 0);
    if (hasPlace(wanted, free)) return idle.filter((_, at) => (set >> at) & 1).map(({ name }) => name);
  }
  return 'never';
}

/** Whether any set of as many GPUs as it may be spread over holds it. */
function hasPlace({ vramMb, spread = 1, on = [] }: Need, free: GpuAmounts): boolean {
  for (let set = 0; set < 2 ** on.length; set += 1) {
    const members = on.filter((_, at) => (set >> at) & 1);
    if (members.length > spread) continue;
    if (members.reduce((sum, gpu) => sum + (free[gpu] ?? 0), 0) >= vramMb) return true;
  }
  return false;
}
