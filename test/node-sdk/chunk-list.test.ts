import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeJson } from '../../src/json/exact-json.ts';
import { ChunkList, flatLength } from '../../src/node-sdk/chunk-list.ts';

it('a list of chunks says what each of them says, those that are written together and the others', () => {
  const chunk = fc.anything({
    maxDepth: 2,
    values: [
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, -0),
    ],
  });
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 8 }), (chunks) => {
      const list = new ChunkList();
      for (const each of chunks) {
        const length = flatLength(each);
        if (length === -1) list.add(writeJson(each, 'chunk') ?? 'null', []);
        else list.addFlat(each, length);
      }
      expect(list.take().text).toBe(`[${chunks.map((each) => writeJson(each, 'chunk') ?? 'null').join(',')}]`);
      expect(list.isEmpty).toBe(true);
      expect(list.length).toBe(0);
    }),
  );
});

it.each<[string, unknown]>([
  ['a list', [1]],
  ['an object in an object', { a: {} }],
  ['a Date', new Date(0)],
  [
    'an instance',
    new (class Point {
      x = 1;
    })(),
  ],
  ['an object with a toJSON', { toJSON: () => 1 }],
  ['an object without prototype', Object.create(null)],
  ['a field that is undefined', { a: undefined }],
  ['NaN', Number.NaN],
  ['minus zero', { a: -0 }],
  ['a number that is written as a float', 2 ** 60],
  ['a bigint', { a: 1n }],
  ['bytes', Buffer.from('a')],
  ['a long text', 'x'.repeat(20_000)],
  ['long texts together', { a: 'x'.repeat(10_000), b: 'x'.repeat(10_000) }],
])('%s is not flat', (_what, value) => {
  expect(flatLength(value)).toBe(-1);
});
