import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEMAND_PARTS, DemandWindow } from '../../src/calls/demand-window.ts';
import { leastLoaded } from '../../src/calls/dispatch.ts';
import { LeaseEdges } from '../../src/calls/lease-edges.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import type { LeaseRequest, Residency } from '../../src/calls/lease-request.ts';
import type { WorkerChannel } from '../../src/channel/worker-channel.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const residency = (generation: number, concurrency = 1): Residency => ({
  generation,
  channel: {} as WorkerChannel,
  concurrency,
  leases: new Set(),
});

class Call implements LeaseRequest {
  readonly priority = 0;
  readonly deadline = undefined;
  readonly only: Residency | undefined;
  at: Residency | undefined;
  refusal: string | undefined;

  constructor(only?: Residency) {
    this.only = only;
  }

  start(at: Residency): void {
    this.at = at;
  }

  refuse({ code }: { readonly code: string }): void {
    this.refusal = code;
  }

  lose(): void {
    this.at = undefined;
  }
}

/** A gate of a plugin with up to four instances, which is told to grow after 100 ms; its edges go by a clock. */
function gateOf(...serving: Residency[]) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const edges = new LeaseEdges({ clock, isWaitedFor: () => false, onPending: () => {} });
  const gate = new LeaseGate('p', ({ type }) => told.push(type), edges);
  gate.limit({ maxWaiting: 100, maxConcurrency: undefined, instances: { max: 4, growAfterMs: 100 } });
  for (const each of serving) gate.open(each);
  const call = (only?: Residency): Call => {
    const made = new Call(only);
    gate.enter(made);
    return made;
  };
  const end = (done: Call): void => {
    if (done.at !== undefined) gate.leave(done.at, done);
    done.at = undefined;
  };
  return { gate, clock, call, end, told: () => told.splice(0) };
}

test('a call goes to the least loaded worker, and among equals to the one used last', () => {
  const [one, two, three] = [residency(1, 2), residency(2, 2), residency(3, 2)];
  const { call, end } = gateOf(one, two, three);
  const first = call();
  expect([first, call(), call()].map(({ at }) => at?.generation)).toEqual([1, 2, 3]);
  expect([call(), call(), call()].map(({ at }) => at?.generation)).toEqual([3, 2, 1]);
  end(first);
  expect(call().at).toBe(one);
});

test('of workers at rest the last one used has the next call, so that the others stay at rest', () => {
  const workers = [residency(1), residency(2), residency(3)];
  const { call, end } = gateOf(...workers);
  const both = [call(), call()];
  both.forEach(end);
  const used = [0, 1, 2, 3].map(() => {
    const next = call();
    const { at } = next;
    end(next);
    return at?.generation;
  });
  expect(used).toEqual([2, 2, 2, 2]);
});

test('a worker that takes fewer calls than another is given no more than it takes', () => {
  const [small, large] = [residency(1, 1), residency(2, 3)];
  const { call } = gateOf(small, large);
  for (let count = 0; count < 6; count += 1) call();
  expect([small.leases.size, large.leases.size]).toEqual([1, 3]);
});

test('no worker with room is passed over, and none without gets a call, whatever the loads', () => {
  const load = fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 4 }), fc.nat(9));
  fc.assert(
    fc.property(fc.array(load, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 4 }), (loads, most) => {
      const workers = loads.map(([size, concurrency, lastLease], index) => {
        const made = { ...residency(index + 1, concurrency), lastLease };
        for (let count = 0; count < Math.min(size, concurrency); count += 1) made.leases.add(new Call());
        return made;
      });
      const free = workers.filter(({ leases, concurrency }) => leases.size < Math.min(concurrency, most));
      const chosen = leastLoaded(workers, most);
      if (free.length === 0) expect(chosen).toBeUndefined();
      else {
        const least = Math.min(...free.map(({ leases }) => leases.size));
        const best = free.filter(({ leases }) => leases.size === least);
        expect(best.map(({ lastLease }) => lastLease)).toContain(chosen?.lastLease);
        expect(chosen?.lastLease).toBe(Math.max(...best.map(({ lastLease }) => lastLease)));
      }
    }),
  );
});

test('a worker that joins takes the calls that wait', () => {
  const { gate, call } = gateOf(residency(1));
  call();
  const waiting = call();
  expect([waiting.at, gate.waiting]).toEqual([undefined, 1]);
  const second = residency(2);
  gate.open(second);
  expect([waiting.at, gate.waiting, gate.serving.length]).toEqual([second, 0, 2]);
});

test('a worker that retires keeps its calls, gets no new one, and tells when it has none', () => {
  const [one, two] = [residency(1, 2), residency(2, 2)];
  const { gate, call, end, told } = gateOf(one, two);
  const calls = [call(), call()];
  gate.retire(two);
  expect([call().at, call().at]).toEqual([one, undefined]);
  expect(two.leases.size).toBe(1);
  told();
  end(calls[1] as Call);
  expect(told()).toEqual(['DRAINED']);
});

test('what is meant for one worker waits for that one, and holds nobody up', () => {
  const [one, two] = [residency(1), residency(2)];
  const { gate, call, end } = gateOf(one, two);
  const atOne = call();
  const atTwo = call();
  const bound = call(one);
  const waiting = call();
  end(atTwo);
  expect([bound.at, waiting.at]).toEqual([undefined, two]);
  end(atOne);
  expect(bound.at).toBe(one);
  const late = call(one);
  gate.retire(one);
  expect([late.refusal, gate.waiting]).toEqual(['E_STOPPING', 0]);
});

test('a call that comes while another waits for one worker alone goes to a free worker', () => {
  const [one, two] = [residency(1), residency(2)];
  const { call, end } = gateOf(one, two);
  call();
  const second = call();
  call(one);
  end(second);
  expect(call().at).toBe(two);
});

test('a worker that is lost takes its own calls with it, and the gate stays open for the others', () => {
  const [one, two] = [residency(1, 2), residency(2, 2)];
  const { gate, call } = gateOf(one, two);
  const calls = [call(), call(), call(), call()];
  gate.lose(2, two, { code: 'E_CRASHED' } as never);
  expect(calls.map(({ at }) => at?.generation)).toEqual([1, undefined, undefined, 1]);
  expect([gate.leases, gate.serving]).toEqual([2, [one]]);
});

test('that a call has waited for long is told once each such time, and that none waits any more', () => {
  const { gate, clock, call, end, told } = gateOf(residency(1));
  const first = call();
  const second = call();
  clock.pass(95);
  expect([told(), gate.waitsLong]).toEqual([['LEASED'], false]);
  clock.pass(5);
  expect([told(), gate.waitsLong]).toEqual([['FULL'], true]);
  clock.pass(95);
  expect(told()).toEqual([]);
  clock.pass(5);
  expect(told()).toEqual(['FULL']);
  end(first);
  expect(gate.waitsLong).toBe(false);
  clock.pass(5);
  expect(told()).toEqual(['ROOM']);
  end(second);
});

test('calls that came before the first worker count as waiting from its opening on', () => {
  const { gate, clock, call, told } = gateOf();
  call();
  call();
  clock.pass(10_000);
  expect(told()).toEqual(['CALL']);
  gate.open(residency(1));
  clock.pass(95);
  expect(told()).toEqual(['LEASED']);
  clock.pass(5);
  expect(told()).toEqual(['FULL']);
});

test('calls that wait for a moment each are no reason to grow, however many there are', () => {
  const { clock, call, end, told } = gateOf(residency(1));
  let running = call();
  for (let count = 0; count < 100; count += 1) {
    const next = call();
    clock.pass(50);
    end(running);
    running = next;
  }
  expect(told()).toEqual(['LEASED']);
});

test('a plugin that cannot grow is told of no waiting', () => {
  const { gate, clock, call, told } = gateOf(residency(1));
  gate.limit({ maxWaiting: 100, maxConcurrency: undefined, instances: { max: 1, growAfterMs: 100 } });
  call();
  call();
  clock.pass(1_000);
  expect([told(), clock.pending]).toEqual([['LEASED'], 0]);
});

test('which of several workers have calls is told a little late, and not while one call follows another there', () => {
  const [one, two] = [residency(1), residency(2)];
  const { clock, call, end, told } = gateOf(one, two);
  const first = call();
  clock.pass(10);
  expect(told()).toEqual(['LEASED']);
  one.toldBusy = true;
  for (let count = 0; count < 10; count += 1) {
    end(call());
    clock.pass(1);
  }
  expect(told()).toEqual([]);
  const long = call();
  clock.pass(10);
  expect([long.at, told()]).toEqual([two, ['USED']]);
  two.toldBusy = true;
  end(long);
  clock.pass(10);
  expect(told()).toEqual(['USED']);
  two.toldBusy = false;
  clock.pass(1_000);
  expect([told(), clock.pending]).toEqual([[], 0]);
  end(first);
});

test('the demand of late is the most calls at once, until all of that time has passed', () => {
  const window = new DemandWindow();
  for (const count of [1, 5, 2]) window.note(count);
  expect(window.most).toBe(5);
  for (let part = 0; part < DEMAND_PARTS; part += 1) window.turn(1);
  expect(window.most).toBe(5);
  window.turn(1);
  expect(window.most).toBe(1);
});

test('a gate that was closed takes no call for one that has waited for long', () => {
  const { gate, clock, call } = gateOf(residency(1));
  call();
  call();
  clock.pass(105);
  expect(gate.waitsLong).toBe(true);
  gate.close();
  gate.open(residency(2));
  call();
  expect(gate.waitsLong).toBe(false);
});
