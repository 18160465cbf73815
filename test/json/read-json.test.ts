import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeJson } from '../../src/json/exact-json.ts';
import { readJson, UnreadableJson } from '../../src/json/read-json.ts';

describe('readJson', () => {
  it('reads as JSON.parse does where large integers are to be numbers', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readJson(text, 'number')).toEqual(JSON.parse(text));
      }),
    );
  });

  it('reads what writeJson wrote as the same value, with integers of any size and floats as floats', () => {
    const number = fc.oneof(fc.bigInt(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(2 ** 60));
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => {
        const text = writeJson(given, 'value') as string;
        expect(readJson(text)).toEqual(asRead(given));
      }),
    );
  });

  it.each<[string, unknown]>([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9223372036854775809', -9223372036854775809n],
    ['1000000000000000000000000000000', 10n ** 30n],
    ['1e20', 1e20],
    ['1E+20', 1e20],
    ['9007199254740993.0', 9007199254740992],
    ['9'.repeat(4300), 10n ** 4300n - 1n],
    [`-${'9'.repeat(4300)}`, 1n - 10n ** 4300n],
    ['-0.0', -0],
  ])('reads the number %.30s as it is meant', (digits, value) => {
    expect(readJson(digits)).toBe(value);
    expect(readJson(`[{"a":[${digits}],"b":"${digits}"}]`)).toEqual([{ a: [value], b: digits }]);
  });

  it('rounds large integers where that is asked for', () => {
    expect(readJson('[9007199254740993]', 'number')).toEqual([9007199254740992]);
  });

  it('keeps the last value of a name that is given twice', () => {
    expect(readJson('{"a":9007199254740993,"a":"x"}')).toEqual({ a: 'x' });
    expect(readJson('{"a":{"b":9007199254740993},"a":5,"c":9007199254740993}')).toEqual({ a: 5, c: 9007199254740993n });
    expect(readJson('{"a":9007199254740993,"a":9007199254740992}')).toEqual({ a: 9007199254740992n });
  });

  it('refuses numbers that are too large, and says where', () => {
    expect(() => readJson('{"a":[0,1e400]}')).toThrow(UnreadableJson);
    expect(() => readJson('{"a":[0,1e400]}')).toThrow(
      'a[1] is 1e400, which is too large to be read; pass it as a text',
    );
    expect(() => readJson('1'.repeat(4301))).toThrow(`it is ${'1'.repeat(40)}…`);
    expect(() => readJson('1'.repeat(400), 'number')).toThrow(UnreadableJson);
  });
});

/** A bigint that a number can hold is read as that number: JSON does not tell the two apart. */
function asRead(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value === BigInt.asIntN(53, value) && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(asRead);
  if (typeof value !== 'object' || value === null) return value;
  const read = {};
  for (const [key, field] of Object.entries(value)) {
    Object.defineProperty(read, key, { value: asRead(field), enumerable: true, configurable: true, writable: true });
  }
  return read;
}
