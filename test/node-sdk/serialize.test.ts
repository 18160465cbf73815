import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerializeError, serialize, serializeJsonOnly, withTempFiles } from '../../src/node-sdk/serialize.ts';

describe('serialize', () => {
  it('writes data so that reading it gives the same, and undefined as null', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(serialize(value))).toEqual(value);
      }),
    );
    expect(serialize(undefined)).toBe('null');
  });

  it('names the place of what JSON would lose, from what it is on', () => {
    expect(() => serialize({ a: { b: [new Map()] } })).toThrow(
      new SerializeError('result.a.b[0] is a Map, of which JSON keeps nothing; pass an object or a list'),
    );
    expect(() => serialize(Number.NaN, 'chunk')).toThrow(SerializeError);
    expect(() => serialize(Number.NaN, 'chunk')).toThrow('chunk is NaN');
  });
});

describe('serializeJsonOnly', () => {
  it('writes bigints in digits, and says why bytes cannot be sent', () => {
    expect(serializeJsonOnly({ n: 2n ** 64n }, 'result')).toBe('{"n":18446744073709551616}');
    expect(() => serializeJsonOnly({ list: [new Uint8Array(1)] }, 'chunk')).toThrow(
      new SerializeError(
        'chunk.list[0] is binary data, and this call came by version 1 of the worker protocol, which carries only JSON; pass it as base64, or as the path of a file',
      ),
    );
  });
});

const file = (path: string) => ({ toTempFile: () => Promise.resolve(path) });

describe('withTempFiles', () => {
  it('replaces a value, or members of a value, that save themselves', async () => {
    expect(await withTempFiles(file('/a'))).toBe('/a');
    expect(await withTempFiles({ audio: file('/a'), n: 1 })).toEqual({ audio: '/a', n: 1 });
    expect(await withTempFiles([file('/a'), 2])).toEqual(['/a', 2]);
  });

  it('keeps the places of a list with holes, and refuses what is no path', async () => {
    // eslint-disable-next-line no-sparse-arrays
    expect(await withTempFiles([, file('/a')])).toEqual([undefined, '/a']);
    await expect(withTempFiles({ audio: { toTempFile: () => undefined } })).rejects.toThrow(SerializeError);
  });

  it('gives any other value as it is', () => {
    for (const value of [{ n: 1 }, [1, { n: 1 }], Buffer.from('x'), 1n]) expect(withTempFiles(value)).toBe(value);
  });
});
