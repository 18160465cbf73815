import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from '../../src/scheduler/heap.ts';
import { fits, type Resources } from '../../src/scheduler/need.ts';
import { RequestTree } from '../../src/scheduler/request-tree.ts';

interface Item {
  readonly order: number;
  readonly need: Resources;
}

const amounts = fc.record({ vramMb: fc.nat(9), ramMb: fc.nat(9), slots: fc.nat(2) });

test('the first item that fits is the one that a search of the sorted list finds, whatever came and went', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ order: fc.nat(500), need: amounts }), {
        selector: ({ order }) => order,
        maxLength: 60,
      }),
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.array(fc.tuple(amounts, fc.nat(), fc.boolean()), { maxLength: 20 }),
      (items, deletions, searches) => {
        const tree = new RequestTree<Item>((a, b) => a.order < b.order);
        for (const item of items) tree.add(item, item.need);
        const left = items.toSorted((a, b) => a.order - b.order);
        for (const n of deletions) {
          const [gone] = left.splice(n % Math.max(1, left.length), 1);
          if (gone !== undefined) expect(tree.delete(gone)).toBe(true);
          if (gone !== undefined) expect(tree.delete(gone)).toBe(false);
        }
        expect(tree.size).toBe(left.length);
        for (const [room, n, fromStart] of searches) {
          const after = fromStart ? undefined : left[n % Math.max(1, left.length)];
          const expected = left.find(({ order, need }) => order > (after?.order ?? -1) && fits(need, room));
          expect(tree.firstFitting(room, after)).toBe(expected);
        }
      },
    ),
  );
});

test('a heap is read in order without being changed', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ order: fc.nat(50) })), (items) => {
      const heap = new Heap<{ order: number }>((a, b) => a.order < b.order);
      for (const item of items) heap.push(item);
      const sorted = items.map(({ order }) => order).toSorted((a, b) => a - b);
      expect([...heap.sorted()].map(({ order }) => order)).toEqual(sorted);
      expect(Array.from(items, () => heap.pop()?.order)).toEqual(sorted);
    }),
  );
});
