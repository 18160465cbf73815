import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printedJson } from '../../src/json/printed-json.ts';
import { readJson } from '../../src/json/read-json.ts';

describe('printedJson', () => {
  it('prints data as JSON.stringify does, on one line and on several', () => {
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (data, indent) => {
        expect(printedJson(data, indent)).toBe(JSON.stringify(data, null, indent));
      }),
    );
  });

  it('prints integers of any size in digits, and large floats as floats', () => {
    const value = { n: [2n ** 64n, -1n, 1e20, -0], id: 10n ** 40n };
    const text = `{"n":[18446744073709551616,-1,1e+20,-0.0],"id":1${'0'.repeat(40)}}`;
    expect(printedJson(value)).toBe(text);
    expect(readJson(printedJson(value, 2))).toEqual(readJson(text));
  });

  it('prints bytes as base64, at any depth', () => {
    const bytes = Buffer.from('audio');
    expect(printedJson([bytes, { a: new Uint8Array(bytes), b: new Uint8Array(bytes).buffer }])).toBe(
      '["YXVkaW8=",{"a":"YXVkaW8=","b":"YXVkaW8="}]',
    );
    expect(printedJson(bytes, 2)).toBe('"YXVkaW8="');
  });

  it('prints what JSON leaves out, or says otherwise, as JSON.stringify does', () => {
    const value = { a: undefined, b: [undefined, NaN], at: new Date(0), f: () => {}, e: {}, l: [] };
    expect(printedJson(value)).toBe(JSON.stringify(value));
    expect(printedJson(value, 2)).toBe(JSON.stringify(value, null, 2));
    expect(printedJson(undefined)).toBe('null');
  });
});
