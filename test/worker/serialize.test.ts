import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerializeError, serialize, withTempFiles } from '../../src/worker/serialize.ts';

describe('serialize', () => {
  it('writes what JSON can say as JSON.stringify does', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => serialize(value) === JSON.stringify(value)));
  });

  it('finds a number that JSON cannot say, wherever it is', () => {
    const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const place = fc.array(fc.oneof(fc.nat(3), fc.constantFrom('a', 'b')), { maxLength: 5 });
    fc.assert(
      fc.property(bad, place, (number, path) => {
        const value = path.reduceRight<unknown>(
          (inner, key) => (typeof key === 'number' ? [...Array(key).fill(null), inner] : { [key]: inner }),
          number,
        );
        expect(() => serialize(value)).toThrow(SerializeError);
      }),
    );
  });

  const loop: { self?: unknown } = {};
  loop.self = { loop };
  it.each([
    ['NaN', { a: { b: [1, Number.NaN] } }, 'The value at a.b[1] is NaN, which JSON cannot say.'],
    ['a BigInt', { a: 1n }, 'The value at a is a BigInt, which JSON cannot say.'],
    ['a cycle', loop, 'The value at self.loop refers back to a value that holds it.'],
    ['a function', () => 1, 'The value is a function.'],
    ['a method', { a: () => 1 }, 'The value at a is a function.'],
    ['a Map', { a: new Map() }, 'The value at a is a Map, of which JSON keeps nothing: give an object or a list.'],
    ['a Set', new Set([1]), 'The value is a Set, of which JSON keeps nothing: give an object or a list.'],
    [
      'numbers in a typed array',
      { a: new Float32Array(2) },
      'The value at a is binary data: write it to a file and give its path, or give a list.',
    ],
    ['a function in a list', { a: { b: [() => 1] } }, 'The value at a.b[0] is a function.'],
  ])('names the place of %s', (_what, value, message) => {
    expect(() => serialize(value)).toThrow(new SerializeError(message));
  });

  it('writes undefined as null, and values by their toJSON', () => {
    expect(serialize(undefined)).toBe('null');
    expect(serialize({ at: new Date(0), none: null })).toBe('{"at":"1970-01-01T00:00:00.000Z","none":null}');
  });
});

const file = (path: string) => ({ toTempFile: () => Promise.resolve(path) });

describe('withTempFiles', () => {
  it('replaces a value, or members of a value, that save themselves', async () => {
    expect(await withTempFiles(file('/a'))).toBe('/a');
    expect(await withTempFiles({ audio: file('/a'), n: 1 })).toEqual({ audio: '/a', n: 1 });
    expect(await withTempFiles([file('/a'), 2])).toEqual(['/a', 2]);
  });

  it('gives any other value as it is', () => {
    const value = { n: 1 };
    expect(withTempFiles(value)).toBe(value);
  });
});
