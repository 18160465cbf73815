import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinedNames, MAX_NAME, type ToolPlace } from '../../src/mcp-front/joined-names.ts';

/** Few letters, so that names come close to each other, and some that clients refuse. */
const name = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '_', '-', '.'), minLength: 1, maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '_', '.'), minLength: 28, maxLength: 70 }),
);
const places = fc.uniqueArray(fc.record({ plugin: name, tool: name }), {
  selector: ({ plugin, tool }) => JSON.stringify([plugin, tool]),
  maxLength: 40,
});

const inTwoOrders = places.chain((all) =>
  fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
);

const nameOf = (all: readonly ToolPlace[], wanted: ToolPlace): string | undefined =>
  [...joinedNames(all)].find(([, { plugin, tool }]) => plugin === wanted.plugin && tool === wanted.tool)?.[0];

describe('the names of the tools of several plugins', () => {
  test('are what clients take, and each stands for one tool', () => {
    fc.assert(
      fc.property(places, (all) => {
        const names = joinedNames(all);
        expect([...names.values()]).toHaveLength(all.length);
        expect(new Set(names.values())).toEqual(new Set(all));
        for (const each of names.keys()) expect(each).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      }),
    );
  });

  test('do not depend on the order of the tools', () => {
    fc.assert(
      fc.property(inTwoOrders, ([all, shuffled]) => {
        for (const place of all) expect(nameOf(shuffled, place)).toBe(nameOf(all, place));
      }),
    );
  });

  test('stay when other plugins come or go', () => {
    fc.assert(
      fc.property(places, (all) => {
        for (const { plugin } of all) {
          const own = all.filter((place) => place.plugin === plugin);
          for (const place of own) expect(nameOf(all, place)).toBe(nameOf(own, place));
        }
      }),
    );
  });

  test.each([
    ['files', 'read', 'files__read'],
    ['near-duplicates', 'execute', 'near-duplicates__execute'],
    ['files', 'fs.read', 'files__fs_read'],
    ['files', '_read', 'files___read'],
    ['my_files', 'read__all', 'my_files__read__all'],
  ])('of "%s" and "%s" is %s', (plugin, tool, expected) => {
    expect([...joinedNames([{ plugin, tool }]).keys()]).toEqual([expected]);
  });

  test('end in a hash where they are too long, or another plugin could have the same', () => {
    const long = { plugin: 'a'.repeat(60), tool: 'read' };
    const split = { plugin: 'a__b', tool: 'c' };
    const whole = { plugin: 'a', tool: 'b__c' };
    expect(nameOf([long], long)).toMatch(/^a{55}_[0-9a-f]{8}$/);
    expect(nameOf([long], long)).toHaveLength(MAX_NAME);
    expect(nameOf([split, whole], whole)).toBe('a__b__c');
    expect(nameOf([split, whole], split)).toMatch(/^a__b__c_[0-9a-f]{8}$/);
  });

  test('tell two tools apart that differ in what clients refuse', () => {
    const dotted = { plugin: 'a', tool: 'b.c' };
    const plain = { plugin: 'a', tool: 'b_c' };
    expect(nameOf([dotted, plain], plain)).toBe('a__b_c');
    expect(nameOf([dotted, plain], dotted)).toMatch(/^a__b_c_[0-9a-f]{8}$/);
  });
});
