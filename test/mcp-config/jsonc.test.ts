import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJsonc } from '../../src/mcp-config/jsonc.ts';
import '../seed.ts';

test('comments, trailing commas and a byte order mark are read', () => {
  expect(readJsonc('\ufeff// top\n{ "a": [1, 2,], /* b */ "c": { "d": null, }, }')).toMatchObject({
    value: { a: [1, 2], c: { d: null } },
    repeated: [],
  });
});

test('numbers are known as they are written', () => {
  const read = readJsonc('{ "a": 1.10, "b": [12345678901234567890], "c": "1" }');
  if ('reason' in read) throw new Error(read.reason);
  expect([read.digitsAt(['a']), read.digitsAt(['b', 0]), read.digitsAt(['c'])]).toEqual([
    '1.10',
    '12345678901234567890',
    undefined,
  ]);
});

test('of a name that is given twice the later value counts, and the place is told', () => {
  const read = readJsonc('{ "a": { "b": 1.50 }, "a": { "b": "x" } }');
  if ('reason' in read) throw new Error(read.reason);
  expect(read).toMatchObject({ value: { a: { b: 'x' } }, repeated: [['a']] });
  expect(read.digitsAt(['a', 'b'])).toBeUndefined();
});

test('a name with a meaning of its own in JavaScript stays a name', () => {
  const read = readJsonc('{ "__proto__": { "a": 1 } }');
  if ('reason' in read) throw new Error(read.reason);
  expect(Object.keys(read.value as object)).toEqual(['__proto__']);
});

test.each([
  ['', 'is empty'],
  [' \n', 'is empty'],
  ['// only a comment', 'is not JSON: expected a value (line 1, column 18)'],
  ['{\n  a: 1\n}', 'is not JSON: unexpected characters (line 2, column 3)'],
  ['{,}', 'is not JSON: expected a value (line 1, column 2)'],
  ['{"a":1,"b"}', 'is not JSON: expected ":" (line 1, column 11)'],
  ['{1:2}', 'is not JSON: expected a name in double quotes (line 1, column 2)'],
  ['{\r\n"a": 1\r\n"b": 2}', 'is not JSON: expected "," (line 3, column 1)'],
  ['{"a": 1', 'is not JSON: expected "}" (line 1, column 8)'],
  ['{"a": [1', 'is not JSON: expected "]" (line 1, column 9)'],
  ['{} []', 'is not JSON: expected the end of the file (line 1, column 4)'],
  ['{} /* more', 'is not JSON: a comment without its end (line 1, column 4)'],
  ['{"a": "b\n}', 'is not JSON: a string without its end (line 1, column 7)'],
  ['{"a": 1.}', 'is not JSON: a number that is not complete (line 1, column 7)'],
  ['{"a": "\\u12"}', 'is not JSON: expected four hexadecimal digits after \\u (line 1, column 7)'],
  ['{"a": "\\q"}', 'is not JSON: unknown escape in a string (line 1, column 7)'],
  ['{"a": "\u0001"}', 'is not JSON: a control character in a string (line 1, column 7)'],
  ['['.repeat(100_000), 'is nested more than 64 levels deep'],
])('of %j the reason is told', (text, reason) => {
  expect(readJsonc(text)).toEqual({ reason });
});

test('JSON is read as JSON.parse reads it, and any other text does not throw', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const read = readJsonc(text);
      if (!('reason' in read)) expect(read.value).toEqual(JSON.parse(text));
    }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'{}[]",:/*\\ntu0-.e \n'.split('')) }),
      (text) => void readJsonc(text),
    ),
  );
});
