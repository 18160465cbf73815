import { describe, expect, it } from 'vitest';
import { compileResultCheck } from '../../src/tools/result-check.ts';

const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

describe('a result', () => {
  it('that fits the output schema is right, and so is any without one', () => {
    expect(compileResultCheck({ name: 'read', output_schema: TEXT }, 'books').check({ text: 'a' })).toBeUndefined();
    expect(compileResultCheck({ name: 'read' }, 'books').check(3)).toBeUndefined();
  });

  it('that does not fit is told with its places', () => {
    expect(compileResultCheck({ name: 'read', output_schema: TEXT }, 'books').check({ text: 3 })).toEqual({
      message:
        'The result of the tool "read" of "books" does not fit its output schema: result.text: expected a string, got 3.',
      problems: [{ path: 'result.text', expected: 'a string', got: '3' }],
    });
    const chunks = compileResultCheck({ name: 'read', streams: true, output_schema: TEXT }, 'books');
    expect(chunks.check({})?.message).toBe(
      'A chunk of the tool "read" of "books" does not fit its output schema: result.text: missing; expected a string.',
    );
  });

  it('may have bytes and integers of any size', () => {
    const output_schema = {
      type: 'object',
      properties: { image: { type: 'string', contentEncoding: 'base64' }, id: { type: 'integer' } },
    };
    const { check } = compileResultCheck({ name: 'draw', output_schema }, 'books');
    expect(check({ image: Buffer.from('x'), id: 2n ** 64n })).toBeUndefined();
    expect(check({ image: 2n ** 64n, id: Buffer.from('x') })?.problems).toEqual([
      { path: 'result.image', expected: 'bytes, or a string of base64', got: '18446744073709551616' },
      { path: 'result.id', expected: 'a whole number', got: '1 byte' },
    ]);
  });

  it('is not checked by what is no JSON Schema, and is told where the check has no end', () => {
    const { schemaProblem, check } = compileResultCheck({ name: 'read', output_schema: { type: 'colour' } }, 'books');
    expect(schemaProblem).toContain('schema.type');
    expect(check(3)).toBeUndefined();
    const endless = compileResultCheck({ name: 'read', output_schema: { anyOf: [{ $ref: '#' }] } }, 'books');
    expect(endless.check(3)).toMatchObject({ message: expect.stringContaining('cannot be checked') as string });
  });
});
