import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonView } from '../../src/json/json-view.ts';
import { compileSchema } from '../../src/json-schema/compile.ts';
import { compileDefaults } from '../../src/json-schema/defaults.ts';
import { compileInputCheck } from '../../src/tools/input-check.ts';
import '../seed.ts';

/** A schema, and a value that was made to fit it. */
interface Fitting {
  readonly schema: Record<string, unknown>;
  readonly value: unknown;
}

const leaf: fc.Arbitrary<Fitting> = fc.oneof(
  fc.string().map((value) => ({ schema: { type: 'string', maxLength: 100 }, value })),
  fc.integer().map((value) => ({ schema: { type: 'integer' }, value })),
  fc.bigInt().map((value) => ({ schema: { type: 'integer' }, value })),
  fc.boolean().map((value) => ({ schema: { type: 'boolean' }, value })),
  fc.uint8Array().map((value) => ({ schema: { type: 'string', contentEncoding: 'base64' }, value })),
  fc.date({ noInvalidDate: true }).map((value) => ({ schema: { type: 'string', format: 'date-time' }, value })),
  fc.constant({ schema: { type: 'null' }, value: null }),
  fc.jsonValue().map((value) => ({ schema: {}, value })),
);

const name = fc.oneof(fc.string(), fc.constantFrom('a', 'constructor', 'toString', 'hasOwnProperty'));

const { fitting } = fc.letrec<{ fitting: Fitting; object: Fitting }>((tie) => ({
  fitting: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('object'),
    tie('fitting').map(({ schema, value }) => ({ schema: { type: 'array', items: schema }, value: [value] })),
    tie('fitting').map(({ schema, value }) => ({ schema: { anyOf: [{ type: 'null' }, schema] }, value })),
    tie('fitting').map(({ schema, value }) => ({ schema: { allOf: [schema] }, value })),
  ),
  object: objectOf(tie('fitting')),
}));

function objectOf(part: fc.Arbitrary<Fitting>): fc.Arbitrary<Fitting> {
  const field = fc.record({ name, part, isGiven: fc.boolean(), hasDefault: fc.boolean() });
  return fc.uniqueArray(field, { selector: (each) => each.name, maxLength: 5 }).map((fields) => ({
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        fields.map(({ name: key, part: { schema, value }, hasDefault }) => [
          key,
          hasDefault && isJson(value) ? { ...schema, default: value } : schema,
        ]),
      ),
      required: fields.filter(({ isGiven }) => isGiven).map(({ name: key }) => key),
    },
    value: Object.fromEntries(
      fields.map(({ name: key, part: { value }, isGiven }) => [key, isGiven ? value : undefined]),
    ),
  }));
}

function isJson(value: unknown): boolean {
  return jsonView(value) === value;
}

const toolOf = (schema: Record<string, unknown>): Parameters<typeof compileInputCheck>[0] => ({
  name: 'tool',
  input_schema: schema,
});

// Each takes a compiler some milliseconds.
const RUNS = { numRuns: 150 };

describe('whatever the schema', () => {
  it('an input that was made to fit it passes, and is not written', () => {
    fc.assert(
      fc.property(objectOf(fitting), ({ schema, value }) => {
        const before = shape(value);
        const checked = compileInputCheck(toolOf(schema), 'plugin').check(deeplyFrozen(value));
        if (!checked.ok) throw checked.error;
        expect(shape(value)).toBe(before);
        expect(checked.input).toMatchObject(withoutUndefined(value as object));
        if (compileDefaults(schema) === undefined) expect(checked.input).toBe(value);
      }),
      RUNS,
    );
  });

  it('any other input is left as it is, and told of in at most 20 places, or in none where it fits', () => {
    fc.assert(
      fc.property(objectOf(fitting), fc.array(fc.anything(), { minLength: 1, maxLength: 10 }), ({ schema }, inputs) => {
        const { check } = compileInputCheck(toolOf(schema), 'plugin');
        const compiled = compileSchema(schema);
        for (const input of inputs) {
          const before = shape(input);
          const checked = check(input);
          expect(shape(input)).toEqual(before);
          if (!checked.ok) {
            const { problems } = checked.error.details as { problems: unknown[] };
            expect(problems.length).toBeGreaterThan(0);
            expect(problems.length).toBeLessThanOrEqual(20);
          }
          const view = viewOf(input);
          if (compiled.fits(view)) expect(compiled.problems(view, 'input')).toEqual([]);
          else expect(compiled.problems(view, 'input')).not.toEqual([]);
        }
      }),
      RUNS,
    );
  });
});

function viewOf(input: unknown): unknown {
  try {
    return jsonView(input);
  } catch {
    return null;
  }
}

function shape(input: unknown): unknown {
  return fc.stringify(input);
}

/** Without the fields that are undefined, at any depth: a default may be in their place. */
function withoutUndefined(value: object): object;
function withoutUndefined(value: unknown): unknown;
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutUndefined(item));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([key, field]) => [key, withoutUndefined(field)]));
}

/** Bytes cannot be frozen. */
function deeplyFrozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deeplyFrozen(part);
  return Object.freeze(value);
}
