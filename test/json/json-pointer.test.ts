import { expect, test } from 'vitest';
import { lookUpReference } from '../../src/json/json-pointer.ts';

// The document of RFC 6901, as far as references differ from one another.
const document = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'm~n': 8,
  ' ': 7,
  inner: { '': 'empty' },
};

test.each([
  ['#', document],
  ['#/foo', ['bar', 'baz']],
  ['#/foo/0', 'bar'],
  ['#/', 0],
  ['#/a~1b', 1],
  ['#/c%25d', 2],
  ['#/m~0n', 8],
  ['#/%20', 7],
  ['#/inner/', 'empty'],
])('%s refers to what is there', (reference, found) => {
  expect(lookUpReference(reference, document)).toEqual(found);
});

test.each([
  ['a name', '#name'],
  ['another document', 'other.json#/foo'],
  ['a key that is missing', '#/fo'],
  ['a key below a value that has none', '#/foo/0/1'],
  ['what every object inherits', '#/constructor'],
  ['a part that is wrongly encoded', '#/%zz'],
])('a reference to %s refers to nothing', (_, reference) => {
  expect(lookUpReference(reference, document)).toBeUndefined();
});
