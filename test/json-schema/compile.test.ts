import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compileSchema, schemaProblem } from '../../src/json-schema/compile.ts';

const fits = (schema: object, value: unknown): boolean => compileSchema(schema).fits(value);

describe('problems', () => {
  it('are looked for until there are enough, so that a long list takes no longer than a short one', () => {
    const schema = { properties: { list: { items: { $ref: '#/$defs/part' } } }, $defs: { part: { minimum: 1 } } };
    expect(readsOf(schema, (list) => ({ list }))).toBeLessThan(100);
    expect(readsOf({ additionalProperties: { items: { type: 'null' } } }, (list) => ({ list }))).toBeLessThan(100);
    expect(readsOf({ anyOf: [{ items: { type: 'null' } }, { type: 'string' }] }, (list) => list)).toBeLessThan(100);
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`field${at}`, at]));
    expect(readsOf({ additionalProperties: { type: 'null' } }, () => fields)).toBe(0);
    expect(compileSchema({ additionalProperties: false }).problems(fields, 'input')).toHaveLength(20);
  });
});

/** How many items of a list in which everything is wrong are read to find problems. */
function readsOf(schema: object, viewOf: (list: unknown) => unknown): number {
  let reads = 0;
  const list = new Proxy(
    Array.from({ length: 10_000 }, () => 0),
    {
      get(target, key, receiver): unknown {
        if (key !== 'length') reads += 1;
        return Reflect.get(target, key, receiver);
      },
    },
  );
  expect(compileSchema(schema).problems(viewOf(list), 'input').length).toBeGreaterThan(0);
  return reads;
}

describe('a schema', () => {
  it('is read as draft 2020-12, or as draft 7 where it says so or says an older one', () => {
    const pair = [{ type: 'string' }, { type: 'number' }];
    expect(fits({ prefixItems: pair }, ['a', 'b'])).toBe(false);
    for (const draft of ['http://json-schema.org/draft-07/schema#', 'http://json-schema.org/draft-06/schema#']) {
      expect(fits({ $schema: draft, items: pair }, ['a', 1])).toBe(true);
      expect(fits({ $schema: draft, items: pair }, ['a', 'b'])).toBe(false);
    }
    expect(schemaProblem({ items: pair })).toMatch(/^It is not valid JSON Schema \(2020-12\): schema\.items/);
    expect(
      schemaProblem({ $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: pair }),
    ).toBeUndefined();
  });

  it('refers to its own parts, in both ways of naming them', () => {
    const part = { type: 'string' };
    expect(fits({ $ref: '#/$defs/a', $defs: { a: part } }, 3)).toBe(false);
    expect(fits({ items: { $ref: '#/definitions/a' }, definitions: { a: part } }, ['a'])).toBe(true);
    expect(fits({ $id: 'https://example.org/a', $ref: '#part', $defs: { a: { $anchor: 'part', ...part } } }, 3)).toBe(
      false,
    );
  });

  it('shares no parts with other schemas', () => {
    const named = { $defs: { a: { $id: 'https://example.org/a', type: 'string' } } };
    expect(schemaProblem(named)).toBeUndefined();
    expect(schemaProblem({ $defs: { a: { $id: 'https://example.org/a', type: 'number' } } })).toBeUndefined();
    expect(schemaProblem({ $ref: 'https://example.org/a' })).toContain('cannot be followed');
  });

  it('may have formats and keywords that are unknown, which check nothing', () => {
    expect(fits({ type: 'string', format: 'date-time', 'x-order': 3 }, 'tomorrow')).toBe(true);
  });

  it.each([
    [3, 'A JSON Schema must be an object.'],
    [{ type: 'colour' }, 'It is not valid JSON Schema (2020-12): schema.type: '],
    [{ properties: { a: { minLength: 'long' } } }, 'schema.properties.a.minLength: expected a whole number'],
    [
      { $schema: 'http://json-schema.org/draft-04/schema#', minimum: 1, exclusiveMinimum: true },
      '(draft-07): schema.exclusiveMinimum: expected a number, got true.',
    ],
    [
      { $ref: '#/$defs/a' },
      'Its "$ref" to "#/$defs/a" cannot be followed: only parts of the schema itself can be referred to.',
    ],
    [{ $ref: 'https://example.org/a.json' }, 'Its "$ref" to "https://example.org/a.json" cannot be followed'],
    [{ pattern: '(' }, 'A "pattern" in it is not valid: Invalid regular expression'],
    [deep(100), 'It is nested more than 64 levels deep.'],
  ])('that is none says why: %j', (schema, reason) => {
    expect(schemaProblem(schema)).toContain(reason);
  });

  it('is read once there are descriptors for Ajv', async () => {
    const program = `
      import { closeSync, openSync } from 'node:fs';
      const { schemaProblem } = await import(process.argv[1]);
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch {}
      let short;
      try { schemaProblem({}); } catch (error) { short = error.name; }
      for (const descriptor of taken) closeSync(descriptor);
      console.log(JSON.stringify([short, schemaProblem({ type: 'colour' }) !== undefined]));`;
    const module = new URL('../../dist/json-schema/compile.js', import.meta.url).href;
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', 'ulimit -n 60; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program, module],
      { cwd: fileURLToPath(new URL('.', import.meta.url)) },
    );
    expect(JSON.parse(stdout)).toEqual(['Error', true]);
  });
});

function deep(levels: number): object {
  return levels === 0 ? {} : { not: deep(levels - 1) };
}
