import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isDeeperThan } from '../../src/json/json-depth.ts';
import { isSurelySound, jsonFaults, quoteInexact } from '../../src/json/json-text.ts';

const found = (text: string): string[] => jsonFaults(text).map(({ kind, field }) => `${kind} ${field}`);

describe('jsonFaults', () => {
  it('finds a name that is given twice, in whichever spelling, and no other', () => {
    expect(found('{"a":1,"b":{"a":2,"b":3,"a":[]},"c":[{"a":1},{"a":1}],"\\u0061":4}')).toEqual([
      'repeated b.a',
      'repeated a',
    ]);
    expect(found('{"a\\"b":1,"a\\\\":2,"text":"{\\"a\\":1,\\"a\\":2}"}')).toEqual([]);
  });

  it('finds __proto__ at any depth', () => {
    expect(found('{"__proto__":{"x":1},"a":[{"b":{"__proto__":null}}],"t":"__proto__"}')).toEqual([
      'reserved __proto__',
      'reserved a[0].b.__proto__',
    ]);
  });

  it.each(['9007199254740992', '-9007199254740992', '12345678901234567890', '1e400', '-1E+400', '1'.repeat(400)])(
    'finds the number %s, which would become another one',
    (digits) => {
      expect(found(digits)).toEqual(['inexact ']);
      expect(found(`{"a":[0,{"b":${digits}}]}`)).toEqual(['inexact a[1].b']);
      expect(found(`{"a":"${digits}"}`)).toEqual([]);
    },
  );

  it.each(['9007199254740991', '-9007199254740991', '0.1234567890123456789', '1e20', '18446744073709551616.0', '-0'])(
    'takes the number %s',
    (digits) => expect(found(`[${digits}]`)).toEqual([]),
  );

  it('asks about each number whether it is used as it is written', () => {
    const told: string[] = [];
    const faults = jsonFaults('{"env":{"A":1.10,"B":12345678901234567890},"n":1}', (path, digits) => {
      told.push(`${path.join('.')}=${digits}`);
      return path[0] === 'env';
    });
    expect(told).toEqual(['env.A=1.10', 'env.B=12345678901234567890', 'n=1']);
    expect(faults).toEqual([]);
  });

  it('says no more than twenty faults, and bears any depth', () => {
    expect(jsonFaults(`[${'1e999,'.repeat(50)}0]`)).toHaveLength(20);
    const depth = 200_000;
    expect(found(`${'['.repeat(depth)}1e999${']'.repeat(depth)}`)).toHaveLength(1);
  });

  it('finds nothing in what JSON.stringify writes of small numbers', () => {
    const data = fc.anything({
      maxDepth: 5,
      values: [fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.constant(0.5)],
    });
    fc.assert(
      fc.property(data, (value) => {
        expect(found(JSON.stringify(value ?? null))).toEqual([]);
      }),
    );
  });
});

describe('quoteInexact', () => {
  it('finds numbers that would be rounded, and keeps their digits', () => {
    const text = '{"a": [1, 12345678901234567890, "x\\"1e999"], "b": -9007199254740993 }';
    expect(JSON.parse(quoteInexact(text))).toEqual({
      a: [1, '12345678901234567890', 'x"1e999'],
      b: '-9007199254740993',
    });
    expect(quoteInexact('[1, 2]')).toBe('[1, 2]');
  });
});

test('a text that is surely sound has no fault', () => {
  // Few names and odd numbers, so that they meet; colons and quotes in texts, and spaces around colons.
  const name = fc.constantFrom('a', 'b', '__proto__', 'a":1', '\\u0061');
  const scalar = fc.constantFrom('1', '-0', '1e400', '9007199254740993', '0.5', '"x\\":"', '"a : b"', 'null');
  const { text } = fc.letrec<{ text: string }>((tie) => ({
    text: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('text'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      fc
        .array(fc.tuple(name, fc.constantFrom(':', ' : ', '\n:'), tie('text')), { maxLength: 3 })
        .map((fields) => `{${fields.map(([key, colon, item]) => `${JSON.stringify(key)}${colon}${item}`).join(',')}}`),
    ),
  }));
  let sound = 0;
  fc.assert(
    fc.property(text, fc.constantFrom(1, 2, 64), (given, levels) => {
      const value: unknown = JSON.parse(given);
      if (!isSurelySound(given, value, levels)) return;
      sound += 1;
      expect(isDeeperThan(levels, value)).toBe(false);
      expect(jsonFaults(given)).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
  expect(sound).toBeGreaterThan(100);
});
