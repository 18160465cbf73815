import { describe, expect, it } from 'vitest';
import { Arguments } from '../../src/channel/arguments.ts';
import type { GreenroomError } from '../../src/errors.ts';
import type { Problem } from '../../src/json-schema/problems.ts';
import type { Tool } from '../../src/protocol.ts';
import { type Checked, compileInputCheck } from '../../src/tools/input-check.ts';

type Schema = NonNullable<Tool['input_schema']>;

const TRANSCRIBE = {
  type: 'object',
  properties: {
    path: { type: 'string', minLength: 1 },
    model: { enum: ['base', 'large'] },
    beams: { type: 'integer', minimum: 1, maximum: 10 },
    api_key: { type: 'string' },
    segments: { type: 'array', items: { $ref: '#/$defs/segment' } },
  },
  required: ['path'],
  additionalProperties: false,
  $defs: {
    segment: { type: 'object', properties: { from: { type: 'number' }, to: { type: 'number' } }, required: ['from'] },
  },
};

function check(schema: Schema, input: unknown): Checked {
  return compileInputCheck({ name: 'transcribe', input_schema: schema }, 'whisper').check(input);
}

function object(properties: Schema, rest: Schema = {}): Schema {
  return { type: 'object', properties, ...rest };
}

function accepted(schema: Schema, input: unknown): unknown {
  const checked = check(schema, input);
  if (!checked.ok) throw checked.error;
  return checked.input;
}

function refused(schema: Schema, input: unknown): GreenroomError {
  const checked = check(schema, input);
  if (checked.ok) throw new Error('It was accepted.');
  return checked.error;
}

function problems(schema: Schema, input: unknown): readonly Problem[] {
  return (refused(schema, input).details as { problems: readonly Problem[] }).problems;
}

describe('an input', () => {
  it('that fits passes as it is, and is not copied', () => {
    const input = { path: 'a.wav', beams: 5, segments: [{ from: 1 }] };
    expect(accepted(TRANSCRIBE, input)).toBe(input);
  });

  it('of a tool without a schema passes, whatever it is', () => {
    const { check: pass, schemaProblem } = compileInputCheck({ name: 'any' }, 'whisper');
    const input = { any: () => {} };
    expect(pass(input)).toEqual({ ok: true, input });
    expect(schemaProblem).toBeUndefined();
  });

  it('that does not fit is refused with every place, what is expected there, and what is given', () => {
    const input = { path: 7, modle: 'x', model: 'larg', beams: 11, segments: [{ from: 1 }, { to: 'end' }] };
    const error = refused(TRANSCRIBE, input);
    expect(error).toMatchObject({ code: 'E_INPUT', plugin: 'whisper' });
    expect(error.details).toEqual({
      problems: [
        {
          path: 'input.modle',
          expected: 'one of the fields path, model, beams, api_key, segments',
          got: 'an unknown field',
          nearest: 'model',
        },
        { path: 'input.path', expected: 'a string of at least 1 character', got: '7' },
        { path: 'input.model', expected: 'one of "base", "large"', got: '"larg"', nearest: 'large' },
        { path: 'input.beams', expected: 'a whole number of at least 1 and of at most 10', got: '11' },
        { path: 'input.segments[1].from', expected: 'a number', got: 'nothing' },
        { path: 'input.segments[1].to', expected: 'a number', got: '"end"' },
      ],
    });
    expect(error.message).toBe(
      'The input of a call to the tool "transcribe" of "whisper" does not fit its schema: ' +
        'input.modle: unknown field; did you mean "model"?; ' +
        'input.path: expected a string of at least 1 character, got 7; ' +
        'input.model: expected one of "base", "large", got "larg"; did you mean "large"?; ' +
        'and 3 other problems. tools("whisper") lists the schema.',
    );
  });

  it('is told with one mark at the end of a question', () => {
    expect(refused(TRANSCRIBE, { path: 'x', modle: 'base' }).message).toContain(
      'did you mean "model"? tools("whisper")',
    );
  });

  it('that lacks an argument is refused with what is expected of it', () => {
    expect(refused(TRANSCRIBE, {}).message).toContain(
      'input.path: missing; expected a string of at least 1 character.',
    );
    expect(refused(TRANSCRIBE, undefined).message).toContain('input.path: missing');
  });

  it('is not repeated where it is likely to be secret', () => {
    const error = refused(TRANSCRIBE, { path: 'a', api_key: ['hunter2'] });
    expect(JSON.stringify([error.message, error.details])).not.toContain('hunter2');
    const nested = object({
      credentials: object({ user: { type: 'string', pattern: '^u' }, pin: { type: 'string' } }),
    });
    const { message } = refused(nested, { credentials: { user: 'hunter2', pin: 4711 } });
    expect(message).not.toMatch(/hunter2|4711/);
    expect(message).toContain('input.credentials.pin: expected a string, got a number, which is not shown');
    expect(
      refused(object({ note: { type: 'string', maxLength: 3, writeOnly: true } }), { note: 'hunter2' }).message,
    ).not.toContain('hunter2');
  });

  it('that is long is shown shortened', () => {
    const [problem] = problems(object({ text: { type: 'number' } }), { text: 'x'.repeat(100_000) });
    expect(problem?.got.length).toBeLessThan(200);
    const [unknown] = problems(object({}, { additionalProperties: false }), { ['k'.repeat(100_000)]: 1 });
    expect(unknown?.path.length).toBeLessThan(500);
  });

  it('is refused in our words for every keyword', () => {
    const told = (property: Schema, value: unknown): string =>
      problems(object({ x: property }), { x: value })
        .map(({ path, expected, got }) => `${path}: ${expected}, ${got}`)
        .join('; ');
    expect(told({ multipleOf: 5 }, 7)).toBe('input.x: a multiple of 5, 7');
    expect(told({ uniqueItems: true }, [1, 1])).toBe('input.x: a list without equal items, a list');
    expect(told({ minProperties: 2 }, {})).toBe('input.x: an object with at least 2 fields, an object');
    expect(told({ maxProperties: 0 }, { a: 1 })).toBe('input.x: an object with at most 0 fields, an object');
    expect(told({ contains: { const: 1 } }, [2])).toContain(
      'a list with at least 1 of the items that "contains" describes',
    );
    expect(told({ prefixItems: [{}], items: false }, [1, 2])).toContain('a list of at most 1 items');
    expect(told({ not: { type: 'null' } }, null)).toBe(
      'input.x: a value that does not fit the schema in its "not", null',
    );
    expect(told({ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'a')).toBe('input.x: a whole number or null, "a"');
    expect(told({ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3)).toBe(
      'input.x: a value that fits exactly one of 2 schemas, 3',
    );
    expect(told({ propertyNames: { maxLength: 3 } }, { long: 1 })).toBe(
      'input.x.long: a name that its "propertyNames" accepts, "long"',
    );
    expect(told({ dependentRequired: { a: ['b'] } }, { a: 1 })).toBe('input.x.b: a value, nothing');
    expect(told({ properties: { 'a b': { const: 1 } } }, { 'a b': 2 })).toBe('input.x["a b"]: 1, 2');
    expect(told({ unevaluatedProperties: false, properties: { abc: {} } }, { abd: 1 })).toContain(
      'input.x.abd: one of the fields abc',
    );
    expect(problems({ type: 'object', properties: { x: false } }, { x: 1 })).toEqual([
      { path: 'input.x', expected: 'no value', got: '1' },
    ]);
  });

  it('with a field named like one that every object inherits is checked by its own fields only', () => {
    const schema = object(
      { constructor: { type: 'string' }, toString: { type: 'string' } },
      { required: ['toString'] },
    );
    expect(problems(schema, {})).toHaveLength(1);
    expect(accepted(schema, { toString: 'x' })).toEqual({ toString: 'x' });
  });

  it('that cannot be read or is nested too deep passes, as encoding it says where', () => {
    const throwing = {
      get path(): string {
        throw new Error('no');
      },
    };
    expect(accepted(TRANSCRIBE, throwing)).toBe(throwing);
    const ring: Record<string, unknown> = {};
    ring['ring'] = ring;
    expect(accepted(object({ path: { default: 'a' }, ring: { $ref: '#' } }, { required: ['path'] }), ring)).toBe(ring);
  });

  it('is refused where its check would have no end', () => {
    const schema = { type: 'object', anyOf: [{ $ref: '#' }] };
    expect(refused(schema, {}).message).toMatch(
      /^The input of a call to the tool "transcribe" of "whisper" cannot be checked: .* "\$ref" that leads to itself/,
    );
  });
});

describe('values that are not of JSON', () => {
  const fits = (property: Schema, value: unknown): boolean => check(object({ x: property }), { x: value }).ok;

  it('count as what is sent of them', () => {
    expect(fits({ type: 'string' }, new Date(0))).toBe(true);
    expect(fits({ type: 'object' }, new Date(0))).toBe(false);
    expect(fits({ type: 'number' }, { toJSON: () => 3 })).toBe(true);
    expect(fits({ type: 'number' }, { toJSON: () => '3' })).toBe(false);
    expect(fits({ type: 'string' }, { toTempFile: () => '/tmp/a' })).toBe(true);
    expect(fits({ type: 'number' }, undefined)).toBe(true);
    expect(fits({ type: 'object', additionalProperties: false }, { a: undefined })).toBe(true);
    expect(fits({ type: 'object', minProperties: 1 }, { a: undefined })).toBe(false);
    class Point {
      a = 1;
      get b(): number {
        return this.a;
      }
    }
    expect(fits({ type: 'object', required: ['a'], additionalProperties: false }, new Point())).toBe(false);
    expect(fits(object({ a: {} }, { additionalProperties: false }), new Point())).toBe(true);
    expect(fits({ type: 'object', required: ['b'] }, new Point())).toBe(false);
  });

  it('of which bigint is an integer, as large as it may be', () => {
    expect(fits({ type: 'integer' }, 3n)).toBe(true);
    expect(fits({ type: 'integer' }, 10n ** 400n)).toBe(true);
    expect(fits({ type: 'integer', minimum: 5 }, 3n)).toBe(false);
    expect(fits({ type: 'integer', maximum: 2 ** 53 }, 2n ** 60n)).toBe(false);
    expect(fits({ type: 'string' }, 3n)).toBe(false);
    expect(fits({ type: 'array', items: { type: 'integer' } }, [1, 2n])).toBe(true);
  });

  it('of which bytes are a string of base64, and no other string', () => {
    const base64 = { type: 'string', contentEncoding: 'base64' };
    const bytes = [Buffer.from('a'), new Uint8Array(3), new ArrayBuffer(3)];
    for (const value of bytes) {
      expect(fits({}, value)).toBe(true);
      expect(fits(base64, value)).toBe(true);
      expect(fits({ anyOf: [base64, { type: 'null' }] }, value)).toBe(true);
      expect(fits({ type: 'array', items: base64 }, [value, 'YQ=='])).toBe(true);
      expect(fits({ type: 'string' }, value)).toBe(false);
      expect(fits({ type: 'object' }, value)).toBe(false);
    }
    expect(fits(base64, 'YQ==')).toBe(true);
    expect(fits({ uniqueItems: true }, [Buffer.from('a'), Buffer.from('b')])).toBe(true);
    expect(problems(object({ x: base64 }), { x: 3 })).toEqual([
      { path: 'input.x', expected: 'bytes, or a string of base64', got: '3' },
    ]);
    expect(problems(object({ x: { type: 'string' } }), { x: Buffer.from('secret') })).toEqual([
      { path: 'input.x', expected: 'a string', got: '6 bytes' },
    ]);
  });
});

describe('positional and keyword arguments together', () => {
  it('are checked by place and by name', () => {
    const input = new Arguments(['a.wav', 'base'], { beams: 5 });
    expect(accepted(TRANSCRIBE, input)).toBe(input);
    expect(problems(TRANSCRIBE, new Arguments(['a.wav', 'bas'], { beams: 2n ** 64n, beam: 1 }))).toEqual([
      {
        path: 'input.beam',
        expected: expect.stringContaining('one of the fields'),
        got: 'an unknown field',
        nearest: 'beams',
      },
      { path: 'input.model', expected: 'one of "base", "large"', got: '"bas"', nearest: 'base' },
      { path: 'input.beams', expected: 'a whole number of at least 1 and of at most 10', got: '18446744073709551616' },
    ]);
  });

  it('may not give one argument twice', () => {
    const error = refused(TRANSCRIBE, new Arguments(['a.wav'], { path: 'b.wav' }));
    expect(error.code).toBe('E_INPUT');
    expect(error.message).toContain(
      'input.path: expected one argument, got one by its place and one by its name. tools("whisper") lists the schema.',
    );
  });

  it('are completed with no defaults, unless all are named', () => {
    const schema = object({ a: {}, b: { default: 1 } });
    const both = new Arguments([1], { c: 1 });
    expect(accepted(schema, both)).toBe(both);
    expect(accepted(schema, new Arguments([], { a: 1 }))).toEqual({ a: 1, b: 1 });
  });

  it('are the input of a Node plugin in their first place', () => {
    const input = new Arguments([{ path: 'a.wav' }], { beams: 1 });
    expect(accepted({ ...TRANSCRIBE, properties: { ...TRANSCRIBE.properties } }, input)).toBe(input);
    expect(accepted({ type: 'string' }, new Arguments(['text'], { a: 1 }))).toBeInstanceOf(Arguments);
    expect(problems({ type: 'string' }, new Arguments([2n ** 64n], { a: 1 }))).toEqual([
      { path: 'input', expected: 'a string', got: '18446744073709551616' },
    ]);
  });

  it('pass where they cannot be read, as encoding them says where', () => {
    const broken = {
      get a() {
        throw new Error('no value');
      },
    };
    expect(accepted(TRANSCRIBE, new Arguments([broken]))).toBeInstanceOf(Arguments);
  });
});

describe('defaults', () => {
  it('keep bytes and bigints of an input, and are as large as the schema says', () => {
    const schema = object({ audio: {}, n: {}, at: object({ seed: { default: 2n ** 64n } }) });
    const audio = Buffer.from('x');
    const filled = accepted(schema, { audio, n: 3n, at: {} }) as { audio: unknown };
    expect(filled).toEqual({ audio, n: 3n, at: { seed: 2n ** 64n } });
    expect(filled.audio).toBe(audio);
  });

  it('of a schema with integers that a number cannot hold do not keep it from checking', () => {
    const schema = object({ seed: { type: 'integer', minimum: 0, maximum: 2n ** 64n - 1n } });
    expect(accepted(schema, { seed: 2n ** 63n })).toEqual({ seed: 2n ** 63n });
    expect(problems(schema, { seed: 2n ** 65n })).toMatchObject([{ path: 'input.seed', got: `${2n ** 65n}` }]);
  });

  const schema = object(
    {
      model: { type: 'string', default: 'base' },
      device: { $ref: '#/$defs/device' },
      decoding: object({ beams: { type: 'integer', default: 5 } }),
      parts: { type: 'array', items: object({ size: { default: 1 } }) },
      named: { type: 'object', additionalProperties: object({ size: { default: 2 } }) },
      tags: { type: 'array', default: ['a'] },
    },
    { required: ['model'], allOf: [object({ level: { default: 0 } })], $defs: { device: { default: 'cpu' } } },
  );
  const FULL = { model: 'base', device: 'cpu', tags: ['a'], level: 0 };

  it('are filled in where the object around them is there, at any depth', () => {
    expect(accepted(schema, {})).toEqual(FULL);
    expect(accepted(schema, undefined)).toEqual(FULL);
    expect(accepted(schema, { decoding: {}, parts: [{}, { size: 3 }], named: { a: {} }, model: undefined })).toEqual({
      ...FULL,
      decoding: { beams: 5 },
      parts: [{ size: 1 }, { size: 3 }],
      named: { a: { size: 2 } },
    });
  });

  it('are filled in in a copy, also of what is frozen', () => {
    const input = Object.freeze({ decoding: Object.freeze({}) });
    expect(accepted(schema, input)).toEqual({ ...FULL, decoding: { beams: 5 } });
    expect(input).toEqual({ decoding: {} });
    const complete = { ...FULL, decoding: { beams: 1 } };
    expect(accepted(schema, complete)).toBe(complete);
  });

  it('are checked too', () => {
    expect(problems(object({ n: { type: 'integer', default: 'many' } }), {})).toHaveLength(1);
  });

  it('are the same for every call', () => {
    const { check: fill } = compileInputCheck({ name: 'x', input_schema: schema }, 'whisper');
    const first = fill({});
    expect(() => first.ok && (first.input as { tags: string[] }).tags.push('b')).toThrow(TypeError);
    expect(fill({})).toEqual({ ok: true, input: FULL });
  });

  it('leave bytes, dates and other values as they are', () => {
    const inner = object({ x: inside(), y: inside() });
    const [bytes, date] = [Buffer.from('a'), new Date(0)];
    const filled = accepted(inner, { x: bytes, y: date }) as { x: unknown; y: unknown };
    expect(filled.x).toBe(bytes);
    expect(filled.y).toBe(date);
  });

  it('of a schema that refers to itself are filled in as deep as the input goes', () => {
    const tree = object({ size: { default: 1 }, children: { type: 'array', items: { $ref: '#' } } });
    expect(accepted(tree, { children: [{ children: [] }] })).toEqual({
      size: 1,
      children: [{ size: 1, children: [] }],
    });
  });

  it('keep a field named __proto__ a field', () => {
    const input: unknown = JSON.parse('{"__proto__":{"a":1}}');
    const filled = accepted(object({ level: { default: 1 } }), input) as object;
    expect(Object.keys(filled)).toEqual(['__proto__', 'level']);
    const named = JSON.parse('{"type":"object","properties":{"__proto__":{"default":3}}}') as Schema;
    expect(Object.keys(accepted(named, {}) as object)).toEqual(['__proto__']);
  });

  function inside(): Schema {
    return { properties: { size: { default: 1 } } };
  }
});

describe('positional arguments', () => {
  it('are checked by the properties in their order, and those beyond are not', () => {
    expect(check(TRANSCRIBE, ['a.wav', 'base', 3]).ok).toBe(true);
    expect(check(TRANSCRIBE, 'a.wav').ok).toBe(true);
    expect(problems(TRANSCRIBE, ['a.wav', 'huge'])).toMatchObject([{ path: 'input.model', got: '"huge"' }]);
    expect(problems(TRANSCRIBE, 7)).toMatchObject([{ path: 'input.path', got: '7' }]);
    expect(problems(TRANSCRIBE, [])).toMatchObject([{ path: 'input.path', got: 'nothing' }]);
    expect(check(object({ a: {} }, { additionalProperties: false }), [1, 2, 3]).ok).toBe(true);
  });

  it('are sent as they are, without defaults', () => {
    const input = ['a'];
    expect(accepted(object({ a: {}, b: { default: 1 } }), input)).toBe(input);
  });

  it('of which there is one may be all of the input, as a Node plugin takes it', () => {
    expect(check(TRANSCRIBE, [{ path: 'a.wav' }]).ok).toBe(true);
    expect(check({ type: 'string' }, 'x').ok).toBe(true);
    expect(check({ type: 'array' }, [[1]]).ok).toBe(true);
    expect(check({ type: 'string' }, ['x', 7]).ok).toBe(true);
    expect(problems({ type: 'string' }, 7)).toEqual([{ path: 'input', expected: 'a string', got: '7' }]);
    expect(problems({ type: 'string' }, [])).toHaveLength(1);
  });

  it('are not checked where the schema names none', () => {
    expect(check({ type: 'object' }, [1, 2]).ok).toBe(true);
    expect(check({ $ref: '#/$defs/a', $defs: { a: TRANSCRIBE } }, [1]).ok).toBe(true);
  });
});

describe('an input with much that is wrong', () => {
  const numbers = { type: 'array', items: { type: 'number' } };

  it('is told of the branch of a choice that is for values of its type', () => {
    const box = object({ size: { type: 'integer' } });
    const schema = { ...object({ box: { anyOf: [{ $ref: '#/$defs/Box' }, { type: 'null' }] } }), $defs: { Box: box } };
    expect(problems(schema, { box: { size: 'x' } })).toEqual([
      { path: 'input.box.size', expected: 'a whole number', got: '"x"' },
    ]);
  });

  it('is told in at most 20 places', () => {
    const list = Array.from({ length: 300_000 }, () => 'x');
    const found = problems(object({ list: numbers }), { list });
    expect(found).toHaveLength(20);
    expect(found.at(-1)).toMatchObject({ path: 'input.list[19]', expected: 'a number' });
    expect(refused(object({ list: numbers }), { list }).message).toContain('and 17 or more other problems');
  });

  it('has its place found also where much is right before it', () => {
    const list = Array.from({ length: 300_000 }, (_, at) => (at < 299_990 ? at : 'x'));
    const found = problems(object({ list: numbers }), { list });
    expect(found).toHaveLength(10);
    expect(found[0]?.path).toBe('input.list[299990]');
  });

  it('is tried by every branch of a choice', () => {
    const strings = { type: 'array', items: { type: 'string' } };
    const list = Array.from({ length: 100 }, () => 'x');
    const found = problems(object({ list: { anyOf: [numbers, strings] }, n: { type: 'null' } }), { list, n: 1 });
    expect(found).toEqual([{ path: 'input.n', expected: 'null', got: '1' }]);
    const some = { type: 'array', contains: { type: 'number' } };
    expect(problems(object({ list: some, n: { type: 'null' } }), { list: [...list, 1], n: 1 })).toHaveLength(1);
  });
});
