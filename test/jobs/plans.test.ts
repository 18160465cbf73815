import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GreenroomError } from '../../src/errors.ts';
import { mustOutlastPower } from '../../src/jobs/embedded/durability.ts';
import { isJobId, newJobId } from '../../src/jobs/job-id.ts';
import { orderOf } from '../../src/jobs/job-order.ts';
import { output, outputsIn, withOutputs } from '../../src/jobs/job-output.ts';
import { depth } from '../../src/jobs/runner/depth.ts';
import { afterFailure, backoffMs } from '../../src/jobs/runner/failed-attempt.ts';
import { errorText, readError } from '../../src/jobs/stored-error.ts';

test('identifiers sort as they were made, also within a millisecond and when the clock is set back', () => {
  const ids = [5_000, 5_000, 4_000, 5_001, ...Array.from({ length: 9_000 }, () => 5_001), 1].map(newJobId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(isJobId)).toBe(true);
});

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

test('the order of any graph has each job after those that it needs, and a circle is refused', () => {
  const graph = fc.dictionary(fc.constantFrom(...NAMES), fc.array(fc.constantFrom(...NAMES, 'x'), { maxLength: 4 }));
  fc.assert(
    fc.property(graph, (given) => {
      const needs = new Map(Object.entries(given));
      let order: readonly string[];
      try {
        order = orderOf(needs);
      } catch (error) {
        expect((error as Error).message).toMatch(/in a circle/);
        expect(hasCircle(needs)).toBe(true);
        return;
      }
      expect(order.toSorted()).toEqual([...needs.keys()].toSorted());
      for (const [name, before] of needs)
        for (const each of before.filter((other) => needs.has(other)))
          expect(order.indexOf(each)).toBeLessThan(order.indexOf(name));
    }),
  );
});

/** Whether something is left that nothing can be taken from. */
function hasCircle(needs: ReadonlyMap<string, readonly string[]>): boolean {
  const left = new Map(needs);
  for (let removed = true; removed; ) {
    removed = false;
    for (const [name, before] of left)
      if (!before.some((each) => left.has(each))) {
        left.delete(name);
        removed = true;
      }
  }
  return left.size > 0;
}

test('a chain of 100,000 jobs is put in order', () => {
  const needs = new Map(Array.from({ length: 100_000 }, (_, n) => [`${n}`, [`${n + 1}`]] as const));
  expect(orderOf(needs)[0]).toBe('99999');
});

test('an input that is nested without an end has no outputs', () => {
  const circle: Record<string, unknown> = { a: output('x') };
  Object.assign(circle, { b: circle, c: { circle } });
  expect(outputsIn(circle)).toEqual(['x']);
});

test('an input takes results at any depth, and what only looks alike stays', () => {
  const input = { a: output('x', '/list/1'), deep: [{ b: output('y') }], other: { '$greenroom.output': 'z', at: '' } };
  expect(outputsIn(input)).toEqual(['x', 'y']);
  const stored = JSON.parse(JSON.stringify(input)) as unknown;
  const results = new Map<string, unknown>([
    ['x', { list: [0, 1n] }],
    ['y', Buffer.from('b')],
  ]);
  expect(withOutputs('p', stored, results)).toEqual({
    a: 1n,
    deep: [{ b: Buffer.from('b') }],
    other: { '$greenroom.output': 'z', at: '' },
  });
});

test('what outlasts a loss of power: what is acknowledged, and that a job has begun which may run only once', () => {
  const begin = (once: boolean) => ({ method: 'begin', args: [[{ id: 'x', claim: 1, once, generation: 1 }]] }) as const;
  expect([begin(true), begin(false)].map(mustOutlastPower)).toEqual([true, false]);
  expect(mustOutlastPower({ method: 'add', args: [[]] })).toBe(true);
  expect(mustOutlastPower({ method: 'take', args: [[]] })).toBe(false);
});

test('a plugin has enough jobs in hand to stay at work while the store is asked, and not too many', () => {
  expect(depth(0, undefined, 0)).toBe(17);
  expect(depth(1, 60_000, 1)).toBe(2);
  expect(depth(4, 60_000, 1)).toBe(5);
  expect(depth(1, 10, 1)).toBe(6);
  expect(depth(1, 10, 100)).toBe(41);
  expect(depth(1, 0.1, 1)).toBe(65);
  expect(depth(1_000, 1, 1)).toBe(256);
});

test('an attempt is made again where that may help, and a job goes back where its call was not made', () => {
  const given = { attempt: 1, attempts: 3, backoff: { delayMs: 100, factor: 2, maxMs: 150 }, hasBegun: true };
  const after = (code: 'E_CRASHED' | 'E_INPUT' | 'E_REFUSED' | 'E_STOPPING' | 'E_TIMEOUT', changed = {}) =>
    afterFailure(new GreenroomError(code, 'x'), { ...given, ...changed });
  expect(after('E_CRASHED')).toEqual({ kind: 'again', afterMs: 100 });
  expect(after('E_TIMEOUT', { attempt: 2 })).toEqual({ kind: 'again', afterMs: 150 });
  expect(after('E_CRASHED', { attempt: 3 })).toEqual({ kind: 'failed' });
  expect(after('E_INPUT')).toEqual({ kind: 'failed' });
  expect(after('E_REFUSED', { hasBegun: false })).toEqual({ kind: 'back' });
  expect(after('E_STOPPING')).toEqual({ kind: 'back' });
  expect(backoffMs(10, given.backoff)).toBe(150);
});

test('an error of any size is stored with its code, and with its details where they can be', () => {
  const details = { deep: { big: 2n ** 80n } } as never;
  const remote = { type: 'T', message: 'm', category: 'fatal', retryable: false, details, stack: 's' } as const;
  const error = new GreenroomError('E_REMOTE', 'failed', { plugin: 'p', remote });
  expect(readError(errorText(error))).toMatchObject({ code: 'E_REMOTE', plugin: 'p', remote });
  const odd = { ...remote, details: () => {} };
  expect(readError(errorText(new GreenroomError('E_REMOTE', 'failed', { remote: odd }))).remote?.stack).toBe('s');
  const long = readError(errorText(new GreenroomError('E_REMOTE', 'x'.repeat(10_000_000), { remote })));
  expect(long.code).toBe('E_REMOTE');
  expect(long.message.length).toBeLessThan(20_000);
});
