import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GateEvent } from '../../src/calls/gate-event.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import type { LeaseRequest, Residency } from '../../src/calls/lease-request.ts';
import type { WorkerChannel } from '../../src/channel/worker-channel.ts';
import { GreenroomError } from '../../src/errors.ts';

const ERROR = new GreenroomError('E_STOPPING', 'Because.');

const residency = (generation = 1, concurrency = 1): Residency => ({
  generation,
  channel: {} as WorkerChannel,
  concurrency,
  leases: new Set(),
});

/** A request that notes what becomes of it. */
class TestRequest implements LeaseRequest {
  readonly name: string;
  readonly priority: number;
  readonly deadline: number | undefined;
  readonly withoutLease: boolean;
  readonly fates: string[] = [];
  at: Residency | undefined;
  readonly #log: string[];

  constructor(
    name: string,
    {
      priority = 0,
      deadline,
      withoutLease = false,
    }: { priority?: number; deadline?: number; withoutLease?: boolean } = {},
    log: string[] = [],
  ) {
    this.name = name;
    this.priority = priority;
    this.deadline = deadline;
    this.withoutLease = withoutLease;
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

const enter = (into: LeaseGate, ...requests: TestRequest[]): void => requests.forEach((request) => into.enter(request));

test('a request waits at a closed gate, and has its lease as it opens', () => {
  const { gate: closed, types } = gate();
  const request = new TestRequest('a');
  closed.enter(request);
  expect([closed.waiting, closed.leases, request.fates, types()]).toEqual([1, 0, [], ['CALL']]);
  closed.open(residency());
  expect([closed.waiting, closed.leases, request.fates, types()]).toEqual([0, 1, ['started'], ['LEASED']]);
});

test('waiting requests have their leases by priority, then in the order in which they came', () => {
  const log: string[] = [];
  const { gate: closed } = gate();
  const requests = [
    new TestRequest('low', { priority: -1 }, log),
    new TestRequest('first', {}, log),
    new TestRequest('second', {}, log),
    new TestRequest('urgent', { priority: 5 }, log),
    new TestRequest('third', {}, log),
  ];
  enter(closed, ...requests);
  expect(closed.priority).toBe(5);
  const at = residency();
  closed.open(at);
  for (let left = requests.length; left > 0; left -= 1) for (const request of [...at.leases]) closed.leave(at, request);
  expect(log).toEqual(['urgent', 'first', 'second', 'third', 'low'].map((name) => `${name} started`));
});

test('no more leases are granted than the worker takes, nor than the manifest allows', () => {
  const { gate: open } = gate({ maxConcurrency: 2 });
  const at = residency(1, 8);
  open.open(at);
  enter(open, ...['a', 'b', 'c', 'd'].map((name) => new TestRequest(name)));
  expect([open.leases, open.waiting]).toEqual([2, 2]);
  open.limit({ maxWaiting: 100, maxConcurrency: undefined });
  expect([open.leases, open.waiting]).toEqual([4, 0]);
});

test('a full queue refuses with a hint to try again, and those in it stay', () => {
  const { gate: closed } = gate({ maxWaiting: 2 });
  const requests = ['a', 'b', 'c'].map((name) => new TestRequest(name));
  enter(closed, ...requests);
  expect(requests.map((request) => request.fates)).toEqual([[], [], ['refused E_QUEUE_FULL']]);
  closed.open(residency(1, 2));
  expect(requests.map((request) => request.fates[0])).toEqual(['started', 'started', 'refused E_QUEUE_FULL']);
});

test('a request that only waits for the gate to open takes no lease and needs no capacity', () => {
  const { gate: closed } = gate();
  const [first, second] = [new TestRequest('a'), new TestRequest('b')];
  const load = new TestRequest('v', { withoutLease: true });
  enter(closed, first, second, load);
  const at = residency();
  closed.open(at);
  expect([first.fates, second.fates, load.fates, closed.leases]).toEqual([['started'], [], ['started'], 1]);
  const late = new TestRequest('late', { withoutLease: true });
  closed.enter(late);
  expect(late.fates).toEqual(['started']);
});

test('a request that is withdrawn gets no lease, and the last one is told of', () => {
  const { gate: closed, types } = gate();
  const [a, b] = [new TestRequest('a'), new TestRequest('b')];
  enter(closed, a, b);
  types();
  expect([closed.withdraw(a), closed.withdraw(a), types()]).toEqual([true, false, ['CALL']]);
  expect([closed.withdraw(b), types()]).toEqual([true, ['CALLERS.GONE']]);
  closed.open(residency());
  expect([a.fates, b.fates, closed.leases]).toEqual([[], [], 0]);
});

test('the deadline of the waiting requests is the latest, and none if one of them has none', () => {
  const { gate: closed } = gate();
  expect(closed.deadline).toBeUndefined();
  enter(closed, new TestRequest('a', { deadline: 20 }), new TestRequest('b', { deadline: 30 }));
  expect(closed.deadline).toBe(30);
  closed.enter(new TestRequest('c'));
  expect(closed.deadline).toBeUndefined();
});

test('an open gate tells of its last lease at the end of the turn, and not if the next call has come', async () => {
  const { gate: open, types } = gate();
  const at = residency();
  open.open(at);
  const [a, b] = [new TestRequest('a'), new TestRequest('b')];
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
  const request = new TestRequest('a');
  open.enter(request);
  open.close();
  types();
  open.leave(at, request);
  expect(types()).toEqual(['IDLE']);
});

test('a gate that closes in the turn of its last lease still tells of it', async () => {
  const { gate: open, types } = gate();
  const at = residency();
  open.open(at);
  const request = new TestRequest('a');
  open.enter(request);
  types();
  open.leave(at, request);
  open.close();
  expect(types()).toEqual(['IDLE']);
  await turn();
  expect(types()).toEqual([]);
});

test('the leases of a lost worker end, and waiting requests go on waiting', () => {
  const { gate: open, types } = gate();
  const at = residency(1, 2);
  open.open(at);
  const requests = ['a', 'b', 'c'].map((name) => new TestRequest(name));
  enter(open, ...requests);
  types();
  open.lose(1, at, ERROR);
  expect(requests.map((request) => request.fates.at(-1))).toEqual(['lost E_STOPPING', 'lost E_STOPPING', undefined]);
  expect([open.leases, open.waiting, open.serving, types()]).toEqual([0, 1, [], ['IDLE']]);
  open.open(residency(2));
  expect(requests[2]?.fates).toEqual(['started']);
});

test('a worker that is gone in the turn of its last return is told idle at once: the next one starts afresh', () => {
  const { gate: open, types } = gate();
  const [first, second] = [residency(1), residency(2)];
  open.open(first);
  const request = new TestRequest('a');
  open.enter(request);
  open.leave(first, request);
  open.lose(1, first, ERROR);
  expect(types()).toEqual(['LEASED', 'IDLE']);
  open.open(second);
  open.enter(new TestRequest('b'));
  expect(types()).toEqual(['LEASED']);
});

test('a lease comes back once, also if its worker was lost before', () => {
  const { gate: open } = gate();
  const at = residency(1, 2);
  open.open(at);
  const [a, b] = [new TestRequest('a'), new TestRequest('b')];
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
  const requests = ['a', 'b', 'c'].map((name) => new TestRequest(name));
  enter(open, ...requests);
  open.retire(old);
  open.open(next);
  expect(requests[2]?.at).toBe(next);
  types();
  open.leave(old, requests[0] as TestRequest);
  expect(types()).toEqual([]);
  open.leave(old, requests[1] as TestRequest);
  expect(types()).toEqual(['DRAINED']);
});

test('losing an old generation leaves the gate open for the one that serves', () => {
  const { gate: open } = gate();
  const [old, next] = [residency(1), residency(2)];
  open.open(old);
  const [a, b] = [new TestRequest('a'), new TestRequest('b')];
  open.enter(a);
  open.open(next);
  open.lose(1, old, ERROR);
  open.enter(b);
  expect([a.fates, b.fates, open.leases]).toEqual([['started', 'lost E_STOPPING'], ['started'], 1]);
});

test('a gate that refuses turns every request down, until it does no more', () => {
  const { gate: closed } = gate();
  const [a, b, c] = [new TestRequest('a'), new TestRequest('b'), new TestRequest('c')];
  closed.enter(a);
  closed.refuse(ERROR);
  closed.enter(b);
  closed.admit();
  closed.enter(c);
  expect([a.fates, b.fates, c.fates]).toEqual([['refused E_STOPPING'], ['refused E_STOPPING'], []]);
});

test('calls that are not given up are told of only when no other lease of the worker is out', () => {
  const { gate: open, types } = gate();
  const at = residency(1, 2);
  open.open(at);
  const [stuck, busy] = [new TestRequest('a'), new TestRequest('b')];
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
    fc.property(fc.array(fc.tuple(fc.nat(10), fc.nat(1_000)), { minLength: 50, maxLength: 200 }), (steps) => {
      const { gate: tried } = gate({ maxWaiting: 5, maxConcurrency: 3 });
      const log: string[] = [];
      const requests: TestRequest[] = [];
      const generations: Residency[] = [];
      const [waiting, inside] = [new Set<TestRequest>(), new Set<TestRequest>()];
      let limit = 3;
      for (const [step, n] of steps) {
        const some = (set: Set<TestRequest>): TestRequest | undefined => [...set][n % Math.max(1, set.size)];
        switch (step) {
          case 0:
          case 1:
          case 2: {
            const request = new TestRequest(
              String(requests.length),
              { priority: n % 3, withoutLease: n % 11 === 0 },
              log,
            );
            requests.push(request);
            tried.enter(request);
            break;
          }
          case 3: {
            const request = some(waiting);
            if (request !== undefined) expect(tried.withdraw(request)).toBe(true);
            if (request !== undefined) request.fates.push('withdrawn');
            break;
          }
          case 4:
          case 5: {
            const request = some(inside);
            if (request?.at !== undefined) tried.leave(request.at, request);
            if (request !== undefined) request.fates.push('left');
            break;
          }
          case 6:
            generations.push(residency(generations.length + 1, 1 + (n % 4)));
            tried.open(generations.at(-1) as Residency);
            break;
          case 7:
            tried.close();
            break;
          case 10:
            if (tried.serving.length > 0) tried.retire(tried.serving[n % tried.serving.length] as Residency);
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
        for (const request of requests) {
          if (request.fates.length === 0) waiting.add(request);
          else if (request.fates.at(-1) === 'started' && !request.withoutLease) inside.add(request);
          // Started and then left or lost, refused, or withdrawn: nothing twice, nothing after the end.
          if (!/^(started(,(left|lost \w+))?|refused \w+|withdrawn)?$/.test(request.fates.join()))
            throw new Error(`${request.name}: ${request.fates.join()}`);
        }
        expect(tried.waiting).toBe(waiting.size);
        expect(tried.leases).toBe(inside.size);
        expect(new Set(generations.flatMap((generation) => [...generation.leases]))).toEqual(inside);
        expect(waiting.size).toBeLessThanOrEqual(5);
        for (const { leases: at, concurrency } of generations) expect(at.size).toBeLessThanOrEqual(concurrency);
        // A request waits at an open gate only because every worker is full.
        if (step === 6 && waiting.size > 0) {
          for (const { leases: at, concurrency } of tried.serving) {
            expect(at.size).toBeGreaterThanOrEqual(Math.min(concurrency, limit));
          }
        }
      }
      expect(log.length).toBeLessThanOrEqual(requests.length * 2);
    }),
    { numRuns: 200 },
  );
});
