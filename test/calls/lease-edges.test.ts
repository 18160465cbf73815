import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LeaseEdges } from '../../src/calls/lease-edges.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import type { LeaseRequest, Residency } from '../../src/calls/lease-request.ts';
import type { WorkerChannel } from '../../src/channel/worker-channel.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const REQUEST: LeaseRequest = { priority: 0, deadline: undefined, start: () => {}, refuse: () => {}, lose: () => {} };

/** An open gate whose edges go by a clock that is turned by hand. */
function open(onTold: (type: string) => void = () => {}) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const pending: boolean[] = [];
  let isWaitedFor = false;
  const edges = new LeaseEdges({
    clock,
    isWaitedFor: () => isWaitedFor,
    onPending: (isPending) => pending.push(isPending),
  });
  const announce = ({ type }: { readonly type: string }): void => {
    told.push(type);
    onTold(type);
  };
  const gate = new LeaseGate('p', announce, edges);
  const at: Residency = { generation: 1, channel: {} as WorkerChannel, concurrency: 8, leases: new Set() };
  gate.limit({ maxWaiting: 8, maxConcurrency: undefined });
  gate.open(at);
  const call = (): (() => void) => {
    const request = { ...REQUEST };
    gate.enter(request);
    return () => gate.leave(at, request);
  };
  const wait = (): void => void (isWaitedFor = true);
  return { clock, edges, gate, call, wait, pending, told: () => told.splice(0) };
}

test('a call that is over soon is told of once, after it', () => {
  const { clock, call, told, pending } = open();
  call()();
  expect([told(), pending]).toEqual([[], [true]]);
  clock.pass(5);
  expect(told()).toEqual([]);
  clock.pass(5);
  expect([told(), pending, clock.pending]).toEqual([['IDLE'], [true, false], 0]);
});

test('a call that goes on is told of when it begins and when it has ended', () => {
  const { clock, call, told } = open();
  const end = call();
  clock.pass(5);
  expect([told(), clock.pending]).toEqual([['LEASED'], 0]);
  clock.pass(1_000);
  end();
  expect(told()).toEqual([]);
  clock.pass(10);
  expect(told()).toEqual(['IDLE']);
});

test('a call that is made by whoever hears of the end of the one before is told of too', () => {
  const { clock, call, told } = open((type) => {
    if (type === 'IDLE') call();
  });
  call()();
  clock.pass(10);
  expect(told()).toEqual(['IDLE']);
  clock.pass(10);
  expect(told()).toEqual(['LEASED']);
});

test('calls that follow each other closely are one use', () => {
  const { clock, call, told } = open();
  for (let count = 0; count < 100; count += 1) {
    call()();
    clock.pass(1);
  }
  expect(told()).toEqual([]);
  clock.pass(10);
  expect(told()).toEqual(['IDLE']);
});

test('all is told at once when a decision is about to be made by it', () => {
  const { clock, edges, call, told } = open();
  const end = call();
  edges.tellAll();
  expect(told()).toEqual(['LEASED']);
  end();
  edges.tellAll();
  expect(told()).toEqual(['IDLE']);
  edges.tellAll();
  clock.pass(10);
  expect([told(), clock.pending]).toEqual([[], 0]);
});

test.each(['a decision', 'a tick'])('gates are told of at %s in the order in which they were used last', (when) => {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const edges = new LeaseEdges({ clock, isWaitedFor: () => false, onPending: () => {} });
  const [a, b, c] = ['a', 'b', 'c'].map((plugin) => {
    const gate = new LeaseGate(plugin, ({ type }) => told.push(`${plugin} ${type}`), edges);
    const at: Residency = { generation: 1, channel: {} as WorkerChannel, concurrency: 8, leases: new Set() };
    gate.limit({ maxWaiting: 8, maxConcurrency: undefined });
    gate.open(at);
    return () => {
      const request = { ...REQUEST };
      gate.enter(request);
      gate.leave(at, request);
    };
  }) as [() => void, () => void, () => void];
  for (const call of [a, b, c, a, b]) call();
  if (when === 'a decision') edges.tellAll();
  else clock.pass(10);
  expect(told).toEqual(['c IDLE', 'a IDLE', 'b IDLE']);
});

test('nothing is told late while a request waits for memory', async () => {
  const { call, wait, told } = open();
  wait();
  const end = call();
  expect(told()).toEqual(['LEASED']);
  end();
  await new Promise(setImmediate);
  expect(told()).toEqual(['IDLE']);
});

test('a gate that closes without a lease tells at once what it had not told yet', () => {
  const { gate, call, told } = open();
  call()();
  gate.close();
  expect(told()).toEqual(['IDLE']);
});

test('a closed set of edges has no timer and tells nothing more', () => {
  const { clock, edges, call, told, pending } = open();
  call();
  edges.close();
  clock.pass(100);
  expect([told(), pending, clock.pending]).toEqual([[], [true, false], 0]);
});

test('whatever happens, the machine ends up being told whether leases are out, and of every use', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant('call'), fc.constant('end'), fc.integer({ min: 1, max: 8 }), fc.constant('tell')), {
        maxLength: 60,
      }),
      (steps) => {
        const { clock, edges, call, told } = open();
        const running: (() => void)[] = [];
        let uses = 0;
        const all: string[] = [];
        for (const step of steps) {
          if (step === 'call' && running.length < 8) {
            running.push(call());
            uses += 1;
          } else if (step === 'end') running.shift()?.();
          else if (step === 'tell') edges.tellAll();
          else if (typeof step === 'number') clock.pass(step);
          all.push(...told());
        }
        clock.pass(10);
        all.push(...told());
        if (running.length > 0) expect(all.at(-1)).toBe('LEASED');
        else if (uses > 0) expect(all.at(-1)).toBe('IDLE');
        else expect(all).toEqual([]);
        // Never the same twice for nothing: two in a row are uses that were too short to tell of.
        expect(all.join(' ')).not.toContain('LEASED LEASED');
        expect(clock.pending).toBe(0);
      },
    ),
  );
});
