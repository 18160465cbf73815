import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonLoss, MAX_DEPTH, writeJson } from '../../src/json/exact-json.ts';

class Empty {
  readonly #hidden = 1;
  get hidden(): number {
    return this.#hidden;
  }
}
class Point {
  x = 1;
  move(): void {}
}
class File {
  size = 1;
  toTempFile(): string {
    return '/f';
  }
}
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const cycle: { list: unknown[] } = { list: [] };
cycle.list.push({ back: cycle });

const LOST: [string, unknown, string][] = [
  ['NaN', Number.NaN, 'is NaN'],
  ['an infinity', -Infinity, 'is -Infinity'],
  ['a bigint that is too long', 10n ** 4300n, 'is an integer of more than 4300 digits; pass it as a string'],
  ['a function', () => 1, 'is a function'],
  ['a symbol', Symbol('s'), 'is a symbol'],
  ['a Map', new Map([['a', 1]]), 'is a Map'],
  ['an empty Map', new Map(), 'is a Map'],
  ['a Map with a field', Object.assign(new Map(), { a: 1 }), 'is a Map'],
  ['a Set', new Set([1]), 'is a Set'],
  ['a WeakMap', new WeakMap(), 'is an instance of WeakMap without fields'],
  ['a Promise', Promise.resolve(1), 'is a Promise'],
  ['an Error', new TypeError('x'), 'is an Error'],
  ['an Error with a field', Object.assign(new Error('x'), { code: 1 }), 'is an Error'],
  ['an invalid Date', new Date(Number.NaN), 'is an invalid Date'],
  ['a RegExp', /x/g, 'is a RegExp'],
  ['a boxed number', Object(1), 'is a boxed primitive'],
  ['a boxed text', Object('text'), 'is a boxed primitive'],
  ['a Buffer', Buffer.from('x'), 'is binary data'],
  ['an empty typed array', new Float32Array(0), 'is binary data'],
  ['a DataView', new DataView(new ArrayBuffer(1)), 'is binary data'],
  ['an ArrayBuffer', new ArrayBuffer(2), 'is binary data'],
  ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'is binary data'],
  ['an instance with private state', new Empty(), 'is an instance of Empty without fields'],
  ['a generator', (function* () {})(), 'without fields'],
  ['a file deep inside', new File(), 'has a toTempFile()'],
  ['a hole of a list', Object.assign([], { length: 1 }), '[0] is undefined'],
  ['undefined in a list', [undefined], '[0] is undefined'],
  ['a cycle', cycle, '.list[0].back refers back'],
  [
    'a getter that throws',
    Object.defineProperty({}, 'a', { enumerable: true, get: () => lose('gone') }),
    '.a cannot be read: gone',
  ],
  ['a toJSON that throws', { toJSON: () => lose('never') }, 'cannot be read: never'],
  ['a toJSON that gives what is lost', { toJSON: () => ({ a: [new Set()] }) }, '.a[0] is a Set'],
  ['a proxy that is revoked', revoked.proxy, 'cannot be read'],
  ['a proxy of a Map', new Proxy(new Map(), {}), 'without fields'],
  ['a Map of another realm', runInNewContext('new Map()'), 'is a Map'],
  ['a Date of another realm', runInNewContext('new Date(NaN)'), 'is an invalid Date'],
  ['bytes of another realm', runInNewContext('new Uint8Array(1)'), 'is binary data'],
  ['an Error of another realm', runInNewContext('new Error("x")'), 'is an Error'],
  ['lists that are too deep', nested(MAX_DEPTH + 1), 'is nested deeper than 500 levels'],
];

const KEPT: [string, unknown, string][] = [
  ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ['a Date of another realm', runInNewContext('new Date(0)'), '"1970-01-01T00:00:00.000Z"'],
  ['a URL', new URL('http://a/'), '"http://a/"'],
  ['an object of another realm', runInNewContext('({ a: [{}] })'), '{"a":[{}]}'],
  ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ['the fields of an instance', new Point(), '{"x":1}'],
  ['fields that are undefined, left out', { a: undefined, b: null }, '{"b":null}'],
  ['a field named __proto__', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
  ['a toJSON', { toJSON: (key: string) => [key] }, '["@"]'],
  ['a lone surrogate', '\ud800', '"\\ud800"'],
  ['minus zero', -0, '-0.0'],
  ['minus zero among others', { a: [1, -0, 0.5, 'ä"', true] }, '{"a":[1,-0.0,0.5,"ä\\"",true]}'],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ['a number beyond it, as a float', 2 ** 64, '1.8446744073709552e+19'],
  ['a negative one', -(2 ** 53), '-9.007199254740992e+15'],
  ['a bigint', 2n ** 64n + 1n, '18446744073709551617'],
  ['a negative bigint', -(2n ** 63n) - 1n, '-9223372036854775809'],
  ['the longest bigint', 10n ** 4300n - 1n, '9'.repeat(4300)],
  ['1e20', 1e20, '1e+20'],
  ['1e300', 1e300, '1e+300'],
  ['lists as deep as may be', nested(MAX_DEPTH), '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)],
];

function lose(message: string): never {
  throw new Error(message);
}

function nested(levels: number): unknown[] {
  const outer: unknown[] = [];
  let inner = outer;
  for (let level = 1; level < levels; level += 1) inner = inner[inner.push([]) - 1] as unknown[];
  return outer;
}

/** The places of a value: alone, and below the first level, with neighbours and without. */
const PLACES: [string, (value: unknown) => unknown, (json: string) => string][] = [
  ['', (value) => value, (json) => json],
  ['.a', (a) => ({ a }), (json) => `{"a":${json}}`],
  ['.a[1].b.c', (c) => ({ z: null, a: [null, { b: { c } }] }), (json) => `{"z":null,"a":[null,{"b":{"c":${json}}}]}`],
  ['[0][0][1]', (value) => [[['x', value]]], (json) => `[[["x",${json}]]]`],
  ['.x.y', (y) => ({ x: Object.assign(new Point(), { x: undefined, y }) }), (json) => `{"x":{"y":${json}}}`],
];

describe('writeJson', () => {
  it.each(LOST)('refuses %s at any depth, and says where and what it is', (_what, value, message) => {
    for (const [place, put] of PLACES) {
      const write = (): unknown => writeJson(put(value), 'input');
      expect(write, place).toThrow(JsonLoss);
      expect(write, place).toThrow(message);
      // What is nested too deep has one place, wherever it begins.
      if (!message.includes('nested')) expect(write, place).toThrow(`input${place}`);
    }
  });

  it.each(KEPT)('writes %s', (_what, value, json) => {
    const isDeep = json.length > MAX_DEPTH;
    for (const [place, put, wrap] of isDeep ? PLACES.slice(0, 1) : PLACES) {
      const key = /[^.[\]]+(?=\]?$)/.exec(place)?.[0] ?? '';
      expect(writeJson(put(value), 'input')).toBe(wrap(json.replace('@', key)));
    }
  });

  it('has no text for undefined, or for what gives it as its JSON', () => {
    expect(writeJson(undefined, 'input')).toBeUndefined();
    expect(writeJson({ toJSON: () => undefined }, 'input')).toBeUndefined();
  });

  it('reads a property once where it has to look closely', () => {
    let reads = 0;
    const value = {
      zero: -0,
      get once() {
        return (reads += 1) === 1 ? 1 : Number.NaN;
      },
    };
    // The first look ends at the zero.
    expect(writeJson(value, 'input')).toBe('{"zero":-0.0,"once":1}');
  });

  it('writes any data so that reading it gives the same', () => {
    const data = fc.anything({
      withNullPrototype: true,
      maxDepth: 6,
      values: [fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.boolean(), fc.constant(null)],
    });
    fc.assert(
      fc.property(data, (value) => {
        let json: string | undefined;
        try {
          json = writeJson(value, 'value');
        } catch (error) {
          expect(error).toBeInstanceOf(JsonLoss);
          expect(hasNoJson(value)).toBe(true);
          return;
        }
        expect(hasNoJson(value)).toBe(false);
        expect(JSON.parse(json as string)).toEqual(asPlain(value));
      }),
    );
  });
});

function hasNoJson(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNoJson);
}

/** With the prototype that reading gives. */
function asPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asPlain);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asPlain(field)]));
}
