import { expect, test } from 'vitest';
import { z } from 'zod';
import { jsonSchemaOf } from '../../src/node-sdk/json-schema.ts';
import { compileInputCheck } from '../../src/tools/input-check.ts';

const number = z.coerce.number();

/** A schema of inputs, one that it takes, and one that it does not, if there is one. */
const CASES: readonly [string, z.ZodObject, object, object?][] = [
  ['coerce.number', z.object({ n: z.coerce.number().int().min(1) }), { n: '5' }, {}],
  ['coerce.boolean', z.object({ b: z.coerce.boolean() }), { b: 'yes' }],
  ['coerce.string', z.object({ s: z.coerce.string() }), { s: 5 }],
  ['a described one', z.object({ n: number.describe('How many') }), { n: '5' }],
  ['an optional one with a default', z.object({ n: number.default(3), m: number.optional() }), { n: '5', m: '6' }],
  ['one that is used twice', z.object({ n: number, list: z.array(number) }), { n: '1', list: ['2'] }],
  ['one in a union', z.object({ n: z.union([z.literal('all'), number.nullable()]) }), { n: '5' }],
  ['preprocess', z.object({ n: z.preprocess((value) => value ?? 1, z.number()) }), {}],
  ['catch', z.object({ n: z.number().catch(5) }), { n: 'many' }],
  ['what converts nothing', z.object({ n: z.number(), s: z.string().transform(Number) }), { n: 5, s: '5' }, { n: '5' }],
];

test.each(CASES)('the input schema of %s takes what the worker takes', (_, schema, taken, refused) => {
  const said = jsonSchemaOf(schema, 'input', 'schema') ?? { not: {} };
  const check = compileInputCheck({ name: 't', input_schema: said }, 'p');
  expect(check.schemaProblem).toBeUndefined();
  expect(schema.safeParse(taken).success).toBe(true);
  expect(check.check(taken)).toMatchObject({ ok: true });
  if (refused === undefined) return;
  expect(schema.safeParse(refused).success).toBe(false);
  expect(check.check(refused)).toMatchObject({ ok: false });
});

test('a part that converts says what to, and keeps what describes it; a result is said as it comes out', () => {
  const schema = z.object({ n: z.coerce.number().min(1), d: number.describe('How many').default(3) });
  const properties = { n: { description: 'converted to a number' }, d: { description: 'How many', default: 3 } };
  expect(jsonSchemaOf(schema, 'input', 'schema')?.['properties']).toEqual(properties);
  expect(jsonSchemaOf(schema, 'output', 'schema')).toMatchObject({ properties: { n: { type: 'number', minimum: 1 } } });
});
