import * as fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { WorkerChannel } from '../../src/channel/worker-channel.ts';
import { type GateEvent, type Guest, LeaseGate, type Residency } from '../../src/calls/lease-gate.ts';
import { GreenroomError } from '../../src/errors.ts';

const ERROR = new GreenroomError('E_STOPPING', 'Because.');

const residency = (generation = 1, concurrency = 1): Residency => ({
  generation,
  channel: {} as WorkerChannel,
  concurrency,
  guests: new Set(),
});

/** A guest that notes what becomes of it. */
class Visitor implements Guest {
  readonly name: string;
  readonly priority: number;
  readonly deadline: number | undefined;
  readonly visitor: boolean;
  readonly fates: string[] = [];
  at: Residency | undefined;
  readonly #log: string[];

  constructor(
    name: string,
    { priority = 0, deadline, visitor = false }: { priority?: number; deadline?: number; visitor?: boolean } = {},
    log: string[] = [],
  ) {
    this.name = name;
    this.priority = priority;
    this.deadline = deadline;
    this.visitor = visitor;
    this.#log = log;
  }

  #note(fate: string): void {
    this.fates.push(fate);
    this.#log.push(`${this.name} ${fate}`);
  }

  start(at: Residency): void {
    this.at = at;
    this.#note('started');
  }

  refuse(error: GreenroomError): void {
    this.#note(`refused ${error.code}`);
  }

  lose(error: GreenroomError): void {
    this.at = undefined;
    this.#note(`lost ${error.code}`);
  }
}

function gate(limits: { maxWaiting?: number; maxConcurrency?: number } = {}) {
  const events: GateEvent[] = [];
  const made = new LeaseGate('p', (event) => events.push(event));
  made.limit({ maxWaiting: limits.maxWaiting ?? 100, maxConcurrency: limits.maxConcurrency });
  return { gate: made, events, types: () => events.splice(0).map(({ type }) => type) };
}

const enter = (into: LeaseGate, ...guests: Visitor[]): void => guests.forEach((guest) => into.enter(guest));

test('a guest waits at a closed gate, and is let in as it opens', () => {
  const { gate: closed, types } = gate();
  const guest = new Visitor('a');
  closed.enter(guest);
  expect([closed.waiting, closed.leases, guest.fates, types()]).toEqual([1, 0, [], ['CALL']]);
  closed.open(residency());
  expect([closed.waiting, closed.leases, guest.fates, types()]).toEqual([0, 1, ['started'], ['LEASED']]);
});

test('those who wait are let in by priority, then in the order in which they came', () => {
  const log: string[] = [];
  const { gate: closed } = gate();
  const guests = [
    new Visitor('low', { priority: -1 }, log),
    new Visitor('first', {}, log),
    new Visitor('second', {}, log),
    new Visitor('urgent', { priority: 5 }, log),
    new Visitor('third', {}, log),
  ];
  enter(closed, ...guests);
  expect(closed.priority).toBe(5);
  const at = residency();
  closed.open(at);
  for (let left = guests.length; left > 0; left -= 1) for (const guest of [...at.guests]) closed.leave(at, guest);
  expect(log).toEqual(['urgent', 'first', 'second', 'third', 'low'].map((name) => `${name} started`));
});

test('no more are let in than the worker takes, nor than the manifest allows', () => {
  const { gate: open } = gate({ maxConcurrency: 2 });
  const at = residency(1, 8);
  open.open(at);
  enter(open, ...['a', 'b', 'c', 'd'].map((name) => new Visitor(name)));
  expect([open.leases, open.waiting]).toEqual([2, 2]);
  open.limit({ maxWaiting: 100, maxConcurrency: undefined });
  expect([open.leases, open.waiting]).toEqual([4, 0]);
});

test('a full queue refuses with a hint to try again, and those in it stay', () => {
  const { gate: closed } = gate({ maxWaiting: 2 });
  const guests = ['a', 'b', 'c'].map((name) => new Visitor(name));
  enter(closed, ...guests);
  expect(guests.map((guest) => guest.fates)).toEqual([[], [], ['refused E_QUEUE_FULL']]);
  closed.open(residency(1, 2));
  expect(guests.map((guest) => guest.fates[0])).toEqual(['started', 'started', 'refused E_QUEUE_FULL']);
});

test('who only waits for the gate to open takes no lease and needs no room', () => {
  const { gate: closed } = gate();
  const [first, second] = [new Visitor('a'), new Visitor('b')];
  const visitor = new Visitor('v', { visitor: true });
  enter(closed, first, second, visitor);
  const at = residency();
  closed.open(at);
  expect([first.fates, second.fates, visitor.fates, closed.leases]).toEqual([['started'], [], ['started'], 1]);
  const late = new Visitor('late', { visitor: true });
  closed.enter(late);
  expect(late.fates).toEqual(['started']);
});

test('who leaves the queue is let in by nobody, and the last one to leave is told of', () => {
  const { gate: closed, types } = gate();
  const [a, b] = [new Visitor('a'), new Visitor('b')];
  enter(closed, a, b);
  types();
  expect([closed.withdraw(a), closed.withdraw(a), types()]).toEqual([true, false, ['CALL']]);
  expect([closed.withdraw(b), types()]).toEqual([true, ['CALLERS.GONE']]);
  closed.open(residency());
  expect([a.fates, b.fates, closed.leases]).toEqual([[], [], 0]);
});

test('the deadline of those who wait is the latest, and none if one of them has none', () => {
  const { gate: closed } = gate();
  expect(closed.deadline).toBeUndefined();
  enter(closed, new Visitor('a', { deadline: 20 }), new Visitor('b', { deadline: 30 }));
  expect(closed.deadline).toBe(30);
  closed.enter(new Visitor('c'));
  expect(closed.deadline).toBeUndefined();
});

test('an open gate tells of its last lease at the end of the turn, and not if the next call has come', async () => {
  const { gate: open, types } = gate();
  const at = residency();
  open.open(at);
  const [a, b] = [new Visitor('a'), new Visitor('b')];
  open.enter(a);
  types();
  open.leave(at, a);
  open.enter(b);
  await turn();
  expect(types()).toEqual([]);
  open.leave(at, b);
  expect(types()).toEqual([]);
  await turn();
  expect(types()).toEqual(['IDLE']);
});

test('a closed gate, for which a drain waits, tells of its last lease at once', () => {
  const { gate: open, types } = gate();
  const at = residency();
  open.open(at);
  const guest = new Visitor('a');
  open.enter(guest);
  open.close();
  types();
  open.leave(at, guest);
  expect(types()).toEqual(['IDLE']);
});

test('a gate that closes in the turn of its last lease still tells of it', async () => {
  const { gate: open, types } = gate();
  const at = residency();
  open.open(at);
  const guest = new Visitor('a');
  open.enter(guest);
  types();
  open.leave(at, guest);
  open.close();
  expect(types()).toEqual(['IDLE']);
  await turn();
  expect(types()).toEqual([]);
});

test('the leases of a lost worker end, those who wait go on waiting', () => {
  const { gate: open, types } = gate();
  const at = residency(1, 2);
  open.open(at);
  const guests = ['a', 'b', 'c'].map((name) => new Visitor(name));
  enter(open, ...guests);
  types();
  open.lose(1, at, ERROR);
  expect(guests.map((guest) => guest.fates.at(-1))).toEqual(['lost E_STOPPING', 'lost E_STOPPING', undefined]);
  expect([open.leases, open.waiting, open.residency, types()]).toEqual([0, 1, undefined, ['IDLE']]);
  open.open(residency(2));
  expect(guests[2]?.fates).toEqual(['started']);
});

test('a worker that is gone in the turn of its last return is told idle at once: the next one starts afresh', () => {
  const { gate: open, types } = gate();
  const [first, second] = [residency(1), residency(2)];
  open.open(first);
  const guest = new Visitor('a');
  open.enter(guest);
  open.leave(first, guest);
  open.lose(1, first, ERROR);
  expect(types()).toEqual(['LEASED', 'IDLE']);
  open.open(second);
  open.enter(new Visitor('b'));
  expect(types()).toEqual(['LEASED']);
});

test('a lease comes back once, also if its worker was lost before', () => {
  const { gate: open } = gate();
  const at = residency(1, 2);
  open.open(at);
  const [a, b] = [new Visitor('a'), new Visitor('b')];
  enter(open, a, b);
  open.leave(at, a);
  open.leave(at, a);
  expect(open.leases).toBe(1);
  open.lose(1, at, ERROR);
  open.leave(at, b);
  expect(open.leases).toBe(0);
});

test('a generation that was replaced tells when it has returned its last lease', () => {
  const { gate: open, types } = gate();
  const [old, next] = [residency(1, 2), residency(2)];
  open.open(old);
  const guests = ['a', 'b', 'c'].map((name) => new Visitor(name));
  enter(open, ...guests);
  open.open(next);
  expect(guests[2]?.at).toBe(next);
  types();
  open.leave(old, guests[0] as Visitor);
  expect(types()).toEqual([]);
  open.leave(old, guests[1] as Visitor);
  expect(types()).toEqual(['DRAINED']);
});

test('losing an old generation leaves the gate open for the one that serves', () => {
  const { gate: open } = gate();
  const [old, next] = [residency(1), residency(2)];
  open.open(old);
  const [a, b] = [new Visitor('a'), new Visitor('b')];
  open.enter(a);
  open.open(next);
  open.lose(1, old, ERROR);
  open.enter(b);
  expect([a.fates, b.fates, open.leases]).toEqual([['started', 'lost E_STOPPING'], ['started'], 1]);
});

test('whoever comes to a gate that refuses is refused, until it does no more', () => {
  const { gate: closed } = gate();
  const [a, b, c] = [new Visitor('a'), new Visitor('b'), new Visitor('c')];
  closed.enter(a);
  closed.refuse(ERROR);
  closed.enter(b);
  closed.refuse(undefined);
  closed.enter(c);
  expect([a.fates, b.fates, c.fates]).toEqual([['refused E_STOPPING'], ['refused E_STOPPING'], []]);
});

test('calls that are not given up are told of only when no other lease of the worker is out', () => {
  const { gate: open, types } = gate();
  const at = residency(1, 2);
  open.open(at);
  const [stuck, busy] = [new Visitor('a'), new Visitor('b')];
  enter(open, stuck, busy);
  types();
  open.reportStuck(at, stuck);
  expect(types()).toEqual([]);
  open.leave(at, busy);
  expect(types()).toEqual(['STUCK']);
  open.leave(at, stuck);
  open.reportStuck(at, stuck);
  expect(types()).toEqual([]);
});

test('no lease is lost or doubled, and no limit exceeded, whatever comes in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(1_000)), { minLength: 50, maxLength: 200 }), (steps) => {
      const { gate: tried, events } = gate({ maxWaiting: 5, maxConcurrency: 3 });
      const log: string[] = [];
      const guests: Visitor[] = [];
      const generations: Residency[] = [];
      const [waiting, inside] = [new Set<Visitor>(), new Set<Visitor>()];
      let limit = 3;
      for (const [step, n] of steps) {
        const some = (set: Set<Visitor>): Visitor | undefined => [...set][n % Math.max(1, set.size)];
        switch (step) {
          case 0:
          case 1:
          case 2: {
            const guest = new Visitor(String(guests.length), { priority: n % 3, visitor: n % 11 === 0 }, log);
            guests.push(guest);
            tried.enter(guest);
            break;
          }
          case 3: {
            const guest = some(waiting);
            if (guest !== undefined) expect(tried.withdraw(guest)).toBe(true);
            if (guest !== undefined) guest.fates.push('withdrawn');
            break;
          }
          case 4:
          case 5: {
            const guest = some(inside);
            if (guest?.at !== undefined) tried.leave(guest.at, guest);
            if (guest !== undefined) guest.fates.push('left');
            break;
          }
          case 6:
            generations.push(residency(generations.length + 1, 1 + (n % 4)));
            tried.open(generations.at(-1) as Residency);
            break;
          case 7:
            tried.close();
            break;
          case 8: {
            const lost = generations[n % Math.max(1, generations.length)];
            if (lost !== undefined) tried.lose(lost.generation, lost, ERROR);
            break;
          }
          default:
            limit = 1 + (n % 3);
            tried.limit({ maxWaiting: 5, maxConcurrency: limit });
        }
        waiting.clear();
        inside.clear();
        for (const guest of guests) {
          if (guest.fates.length === 0) waiting.add(guest);
          else if (guest.fates.at(-1) === 'started' && !guest.visitor) inside.add(guest);
          // Started and then left or lost, refused, or withdrawn: nothing twice, nothing after the end.
          if (!/^(started(,(left|lost \w+))?|refused \w+|withdrawn)?$/.test(guest.fates.join()))
            throw new Error(`${guest.name}: ${guest.fates.join()}`);
        }
        expect(tried.waiting).toBe(waiting.size);
        expect(tried.leases).toBe(inside.size);
        expect(new Set(generations.flatMap((generation) => [...generation.guests]))).toEqual(inside);
        expect(waiting.size).toBeLessThanOrEqual(5);
        for (const { guests: at, concurrency } of generations) expect(at.size).toBeLessThanOrEqual(concurrency);
        // Whoever waits before an open gate waits because it is full.
        const open = tried.residency;
        if (open !== undefined && events.length > 0 && step === 6 && waiting.size > 0) {
          expect(open.guests.size).toBeGreaterThanOrEqual(Math.min(open.concurrency, limit));
        }
      }
      expect(log.length).toBeLessThanOrEqual(guests.length * 2);
    }),
    { numRuns: 200 },
  );
});
