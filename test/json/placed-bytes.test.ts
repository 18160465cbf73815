import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonLoss, writeJson } from '../../src/json/exact-json.ts';
import { MAX_BYTES, MisplacedBytes, type PlacedBytes, putBytes, writePlaces } from '../../src/json/placed-bytes.ts';

function sent(value: unknown): unknown {
  const placed: PlacedBytes[] = [];
  const text = writeJson(value, 'input', placed) as string;
  return putBytes(JSON.parse(text), writePlaces(placed), Buffer.concat(placed.map(({ bytes }) => bytes)));
}

describe('bytes in a value', () => {
  it('come back as they were, at any depth', () => {
    const bytes = fc.uint8Array({ maxLength: 20 }).map((data) => Buffer.from(data));
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        bytes,
        fc.constantFrom(null, 'null', 7),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', '', '0', '__proto__', 'a.b'), tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => {
        expect(sent(given)).toEqual(given);
      }),
    );
  });

  it.each<[string, unknown]>([
    ['a Buffer', Buffer.from('abc')],
    ['a Uint8Array', new TextEncoder().encode('abc')],
    ['a part of a larger array', new TextEncoder().encode('xabcx').subarray(1, 4)],
    ['an ArrayBuffer', new Uint8Array([97, 98, 99]).buffer],
    ['a Uint8Array of another realm', runInNewContext('new Uint8Array([97, 98, 99])')],
    ['a Uint8Array of shared memory', sharedBytes()],
  ])('may be %s', (_what, value) => {
    expect(sent({ a: [value] })).toEqual({ a: [Buffer.from('abc')] });
  });

  it('are copied, and have memory of their own', () => {
    const given = Buffer.from('abc');
    const placed: PlacedBytes[] = [];
    writeJson(given, 'input', placed);
    given[0] = 0;
    expect(placed[0]?.bytes).toEqual(Buffer.from('abc'));
    expect((sent(given) as Buffer).buffer.byteLength).toBe(3);
  });

  it.each<[string, unknown, string]>([
    ['other typed arrays', new Float32Array(2), 'input.a is a Float32Array; pass a Uint8Array of its buffer'],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'input.a is a DataView'],
    ['shared memory itself', new SharedArrayBuffer(1), 'input.a is a SharedArrayBuffer; pass a Uint8Array of it'],
  ])('are not taken from %s', (_what, value, message) => {
    expect(() => writeJson({ a: value }, 'input', [])).toThrow(JsonLoss);
    expect(() => writeJson({ a: value }, 'input', [])).toThrow(message);
  });

  it('are refused beyond the limit, with what to do', () => {
    const half = new ArrayBuffer(MAX_BYTES / 2);
    const write = (): unknown => writeJson({ a: [half, half, Buffer.alloc(1)] }, 'input', []);
    expect(write).toThrow(JsonLoss);
    expect(write).toThrow('input.a[2] brings the bytes of one value to more than 256 MiB; pass them in pieces');
  });
});

function sharedBytes(): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(3));
  bytes.set([97, 98, 99]);
  return bytes;
}

describe('putBytes', () => {
  it.each<[string, string]>([
    ['no JSON', '[['],
    ['no list', '{}'],
    ['a place without a length', '[[[]]]'],
    ['a negative length', '[[["a"],-1]]'],
    ['a step that is no name', '[[[null],3]]'],
    ['a place that is not there', '[[["b"],3]]'],
    ['a place of the prototype', '[[["__proto__","x"],3]]'],
    ['a name in a list', '[[["l","length"],3]]'],
    ['a place in a list by its name', '[[["l","0"],3]]'],
    ['a place in a text', '[[["t",0],3]]'],
    ['a place with a value', '[[["t"],3]]'],
    ['the same place twice', '[[["a"],1],[["a"],2]]'],
    ['more bytes than there are', '[[["a"],4]]'],
    ['fewer bytes than there are', '[[["a"],2]]'],
  ])('refuses %s', (_what, places) => {
    const value = JSON.parse('{"a":null,"l":[null],"t":"text"}');
    expect(() => putBytes(value, places, Buffer.from('abc'))).toThrow(MisplacedBytes);
  });
});
