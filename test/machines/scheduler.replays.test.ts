import { expect, test } from 'vitest';
import { VICTIM_LATE_MS } from '../../src/scheduler/carry-out.ts';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import { need } from '../scheduler/need.ts';
import { Stage } from '../scheduler/stage.ts';

// Each of these has gone wrong in some other program that loads and evicts.

const MAX_WAIT_MS = 5_000;
const queue = policyNamed('queue', { maxWaitMs: MAX_WAIT_MS });
const oneSlot = { policy: queue, capacity: { slots: 1 } };

test('a victim that a fast request revives while it is evicted does not keep the loader waiting for ever', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.acquire('b', need());
  expect(stage.told).toEqual(['a RELEASE']);
  stage.busy('a');
  stage.denied('a');
  expect(stage.state).toBe('waiting');
  stage.idle('a');
  expect(stage.told).toEqual(['a RELEASE']);
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('a resident that one call after the other revives is told to yield in the end', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.acquire('b', need());
  for (let revived = 0; revived < 10; revived += 1) {
    stage.busy('a');
    stage.denied('a');
    stage.pass(MAX_WAIT_MS / 20);
    stage.idle('a');
  }
  stage.busy('a');
  stage.denied('a');
  expect(new Set(stage.told)).toEqual(new Set(['a RELEASE']));
  stage.pass(MAX_WAIT_MS);
  expect(stage.told).toEqual(['a YIELD']);
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('a resident that is never without a call, whatever they ask of it, yields to one that has waited long', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.busy('a');
  stage.acquire('b', need());
  stage.pass(MAX_WAIT_MS - 1);
  expect(stage.told).toEqual([]);
  stage.pass(1);
  expect(stage.told).toEqual(['a YIELD']);
  stage.warm('a', need());
  expect(stage.told).toEqual(['a RELEASE']);
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('nobody is evicted for what can never fit', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10, slots: 9 } });
  stage.reside('pinned', need(4, { pinned: true }));
  stage.reside('a', need(3));
  stage.acquire('big', need(7));
  expect(stage.told).toEqual(['big REFUSED never-fits']);
  stage.acquire('big', need(6));
  expect(stage.told).toEqual(['a RELEASE']);
});

test('nobody is evicted while strangers hold so much memory that it would not help', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } }, { vramMb: 10 });
  stage.reside('a', need(3));
  stage.measured = { vramMb: 2 };
  stage.pass(2_000);
  stage.acquire('b', need(6));
  stage.pass(2_000);
  expect(stage.told).toEqual([]);
  stage.measured = { vramMb: 7 };
  stage.pass(10_000);
  expect(stage.told).toEqual(['b GRANTED']);
});

test('the memory of a victim that is dead already is not waited for', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } }, { vramMb: 10 });
  stage.reside('a', need(8));
  stage.measured = { vramMb: 10 };
  stage.freed('a');
  stage.acquire('b', need(8));
  expect(stage.told).toEqual(['b GRANTED']);
});

test('memory that a dead worker never gives back is waited for only so long, and then said to be missing', () => {
  using stage = new Stage(
    { policy: policyNamed('queue', { confirmMs: 3_000 }), capacity: { vramMb: 10 } },
    { vramMb: 10 },
  );
  stage.reside('a', need(8));
  stage.measured = { vramMb: 2 };
  stage.pass(1_500);
  stage.acquire('b', need(8));
  expect(stage.told).toEqual(['a RELEASE']);
  stage.freed('a');
  stage.pass(2_999);
  expect(stage.told).toEqual([]);
  stage.pass(1);
  expect(stage.told).toEqual(['b GRANTED']);
  expect(stage.facts).toContainEqual({ kind: 'not-seen-free', policy: 'queue', plugin: 'b', waitedMs: 3_000 });
});

test('one of many callers that leaves does not take the request of the others with it', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.busy('a');
  stage.acquire('b', need(), { priority: 5, deadline: 1_000 });
  stage.send({ type: 'ACQUIRE.UPDATE', plugin: 'b', priority: 0, deadline: 2_000 });
  stage.pass(1_500);
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('the last caller that leaves takes the request with it, and what was kept for it goes to others', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.acquire('b', need());
  stage.acquire('c', need());
  expect(stage.told).toEqual(['a RELEASE']);
  stage.withdraw('b');
  stage.freed('a');
  expect(stage.told).toEqual(['c GRANTED']);
});

test('the last caller that leaves gives back at once what was kept for it, though its victim has not answered', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('a', need(5));
  stage.acquire('b', need(8));
  stage.acquire('c', need(5));
  expect(stage.told).toEqual(['a RELEASE']);
  stage.withdraw('b');
  expect(stage.told).toEqual(['c GRANTED']);
});

test('one that denies is not asked again before it has said that it is idle', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.acquire('b', need());
  stage.denied('a');
  expect(stage.told).toEqual(['a RELEASE']);
  stage.idle('a');
  expect(stage.told).toEqual(['a RELEASE']);
});

test('of two that wait for one slot the second is woken when the first has gone', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.busy('a');
  stage.acquire('b', need());
  stage.acquire('c', need());
  stage.freed('a');
  expect(stage.told).toEqual(['b GRANTED']);
  stage.busy('b');
  stage.idle('b');
  expect(stage.told).toEqual(['b RELEASE']);
  stage.freed('b');
  expect(stage.told).toEqual(['c GRANTED']);
});

test('one of two that wait, given up by its caller in the moment it is granted, passes the slot on', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.busy('a');
  stage.acquire('b', need());
  stage.acquire('c', need());
  stage.freed('a');
  stage.withdraw('b');
  stage.send({ type: 'RETURNED', plugin: 'b', generation: 1 });
  expect(stage.told).toEqual(['b GRANTED', 'c GRANTED']);
});

test('one that has just loaded is not evicted before its own caller has reached it', () => {
  using stage = new Stage(oneSlot);
  stage.acquire('a', need());
  stage.acquire('b', need());
  stage.pass(MAX_WAIT_MS + 1);
  expect(stage.told).toEqual(['a GRANTED']);
  // The two edges that a plugin announces in one step when it is ready and calls wait.
  stage.idle('a');
  stage.busy('a');
  stage.denied('a');
  expect(stage.told).toEqual(['a RELEASE', 'a YIELD']);
  expect(stage.reserved.slots).toBe(1);
  expect(stage.facts).toEqual([]);
});

test('a timer that fires between grant and first call changes nothing', () => {
  using stage = new Stage(oneSlot);
  stage.acquire('a', need());
  // An idle limit asks the plugin itself to release; it is loading and denies.
  stage.denied('a');
  stage.acquire('b', need());
  stage.pass(MAX_WAIT_MS + 1);
  expect(stage.told).toEqual(['a GRANTED']);
  expect(stage.reserved.slots).toBe(1);
});

test('the steady traffic of one does not starve another, nor the other the one', () => {
  using stage = new Stage(oneSlot);
  let [resident, other, generation] = ['a', 'b', 1];
  stage.reside(resident, need(), generation);
  for (let round = 0; round < 6; round += 1) {
    stage.busy(resident, generation);
    const asked = stage.now;
    stage.acquire(other, need(), { generation: generation + 1 });
    stage.pass(MAX_WAIT_MS);
    expect(stage.told).toEqual([`${resident} YIELD`]);
    stage.freed(resident, generation);
    expect(stage.told).toEqual([`${other} GRANTED`]);
    expect(stage.now - asked).toBe(MAX_WAIT_MS);
    generation += 1;
    [resident, other] = [other, resident];
  }
});

test('a stuck victim holds up nobody but the one who waits for it, and that one only for a time', () => {
  using stage = new Stage({ policy: queue, capacity: { vramMb: 10 } });
  stage.reside('stuck', need(6));
  stage.pass(1);
  stage.acquire('b', need(5));
  expect(stage.told).toEqual(['stuck RELEASE']);
  stage.reside('small', need(3));
  stage.acquire('c', need(9));
  stage.withdraw('c');
  stage.reside('tiny', need(1));
  expect(stage.told).toEqual([]);
  stage.freed('small');
  stage.freed('tiny');
  stage.reside('d', need(4));
  stage.pass(VICTIM_LATE_MS);
  expect(stage.facts).toContainEqual({ kind: 'victim-late', plugin: 'stuck', generation: 1, requester: 'b' });
  stage.freed('stuck');
  expect(stage.told).toEqual(['b GRANTED']);
});

test('a program that streams from one plugin and calls another that needs its room gets an answer in time', () => {
  using stage = new Stage(oneSlot);
  stage.reside('a', need());
  stage.busy('a');
  stage.acquire('b', need(), { deadline: stage.now + 60_000 });
  stage.pass(MAX_WAIT_MS);
  expect(stage.told).toEqual(['a YIELD']);
  // The stream goes on as long as the program waits, so it cannot end by the drain deadline.
  stage.pass(10_000);
  stage.denied('a');
  stage.pass(60_000);
  expect(stage.told.at(-1)).toBe('b REFUSED deadline');
  expect(stage.refusals.at(-1)).toMatchObject({ waitingFor: [{ plugin: 'a', standing: 'busy' }] });
  expect(stage.state).toBe('settled');
});
