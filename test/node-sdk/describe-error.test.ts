import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/node-sdk/describe-error.ts';
import { PluginError } from '../../src/node-sdk/index.ts';

describe('describeError', () => {
  it('describes anything that can be thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (thrown) => {
        const described = describeError(thrown);
        expect(typeof described.type).toBe('string');
        expect(typeof described.message).toBe('string');
        expect(JSON.parse(JSON.stringify(described))).toEqual(described);
      }),
    );
  });

  it('describes values whose every property throws', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
      },
    );
    expect(describeError(hostile).message).toBe('Something that cannot be shown was thrown.');
  });

  it('cuts what nobody reads to its end in the middle, and says how much is left out', () => {
    const message = `head ${'x'.repeat(1_000_000)} tail`;
    const details = { text: 'x'.repeat(2_000_000) };
    const cause = Object.assign(new Error('y'.repeat(1_000_000)), { name: 'Z'.repeat(1_000) });
    const described = describeError(Object.assign(new Error(message, { cause }), { details }));
    expect(described.message).toMatch(/^head x+… \[983626 characters left out\] …x+ tail$/);
    expect(described.details).toBe('[details of 2000011 characters left out]');
    expect(JSON.stringify(described).length).toBeLessThan(200_000);
    expect(describeError(cause).type.length).toBeLessThan(300);
  });

  it('keeps bigints of details, and bytes where they are carried, and copies both', () => {
    const seen = Buffer.from([1, 2]);
    const error = new PluginError('x', { details: { list: [{ seen }], at: 2n ** 60n } });
    const described = describeError(error, true);
    seen[0] = 9;
    expect(described.details).toEqual({ list: [{ seen: Buffer.from([1, 2]) }], at: 2n ** 60n });
    expect(describeError(error).details).toContain('seen: <Buffer 09 02>');
    const long = new PluginError('x', { details: Buffer.alloc(2_000_000) });
    expect(describeError(long, true).details).toBe('[details of 2000004 characters left out]');
  });

  it('says what is within an error that has no message of its own', () => {
    const refused = new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]);
    expect(describeError(refused).message).toBe('::1 refused; 127.0.0.1 refused');
    refused.errors.unshift(refused);
    expect(describeError(refused).message).toBe('; ::1 refused; 127.0.0.1 refused');
  });

  it.each([
    ['a string', 'oops', { type: 'string', message: 'oops' }],
    ['null', null, { type: 'null', message: 'null' }],
    ['undefined', undefined, { type: 'undefined', message: 'undefined' }],
    ['an error of a class without a name of its own', new (class Odd extends Error {})('x'), { type: 'Odd' }],
    [
      'a typed error',
      new PluginError('x', { category: 'input', details: { field: 'a' } }),
      { category: 'input', details: { field: 'a' } },
    ],
    [
      'a refused connection',
      Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      { category: 'transient', retryable: true },
    ],
    ['a failed fetch', new TypeError('fetch failed', { cause: { code: 'ETIMEDOUT' } }), { category: 'transient' }],
    ['a full disk', Object.assign(new Error('x'), { code: 'ENOSPC' }), { category: 'resource', retryable: false }],
    ['anything else', new Error('x'), { type: 'Error', category: 'fatal', retryable: false }],
  ])('describes %s', (_what, thrown, expected) => {
    expect(describeError(thrown)).toMatchObject(expected);
  });
});
