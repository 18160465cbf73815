import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/settings/plugin-config.ts';

const SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    model: { type: 'string', default: 'base', enum: ['base', 'large'] },
    decoding: {
      type: 'object',
      properties: { beams: { type: 'integer', default: 5 }, temperature: { type: 'number' } },
    },
    device: { $ref: '#/$defs/device' },
    languages: { type: 'array', items: { type: 'string' } },
  },
  required: ['model'],
  additionalProperties: false,
  $defs: { device: { type: 'string', default: 'cpu' } },
};

describe('a config', () => {
  it('is made of the defaults of its schema at any depth', async () => {
    expect(await resolveConfig(SCHEMA, undefined, 'x')).toEqual({
      model: 'base',
      decoding: { beams: 5 },
      device: 'cpu',
    });
  });

  it('has given values in place of the defaults, as a whole and not merged', async () => {
    expect(await resolveConfig(SCHEMA, { decoding: { temperature: 1 } }, 'x')).toEqual({
      model: 'base',
      decoding: { temperature: 1 },
      device: 'cpu',
    });
  });

  it('without a schema is what is given, or empty', async () => {
    expect(await resolveConfig(undefined, { any: 1 }, 'x')).toEqual({ any: 1 });
    expect(await resolveConfig(undefined, undefined, 'x')).toEqual({});
  });

  it('that does not fit is refused with every place and reason', async () => {
    const refused = resolveConfig(SCHEMA, { model: 'huge', decoding: { beams: 1.5 }, speed: 1 }, 'whisper');
    await expect(refused).rejects.toMatchObject({ code: 'E_CONFIG', plugin: 'whisper' });
    await expect(refused).rejects.toThrow(
      /unknown setting "speed"; known: model.*model: expected one of .*"base", "large".*, got "huge".*decoding\.beams: expected a whole number.*, got 1\.5/,
    );
  });

  it('that does not fit is told in words, once for each place, and no secret is repeated', async () => {
    const properties = {
      beams: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
      size_mb: { type: 'integer', exclusiveMinimum: 0 },
      api_key: { type: 'string', pattern: '^sk-' },
      labels: { type: 'array', minItems: 1 },
      mode: { enum: ['fast', 'exact'] },
    };
    const schema = { type: 'object', additionalProperties: false, required: ['mode'], properties };
    const told = async (config: object): Promise<unknown> =>
      resolveConfig(schema, { mode: 'fast', ...config }, 'x').catch(
        (error: { details: { problems: unknown } }) => error.details.problems,
      );
    expect(await told({ beams: 'many' })).toEqual(['beams: expected a whole number of at least 1 or null, got "many"']);
    expect(await told({ size_mb: 0 })).toEqual(['size_mb: expected a whole number of at least 1, got 0']);
    expect(await told({ api_key: 'hunter2' })).toEqual(['api_key: expected a string that matches /^sk-/']);
    expect(await told({ labels: [] })).toEqual(['labels: expected a list of at least 1 item, got a list']);
    expect(await told({ mode: 'fats' })).toEqual([
      'mode: expected one of "fast", "exact", got "fats"; did you mean "fast"?',
    ]);
    expect(await told({ size: 1 })).toEqual([
      'unknown setting "size"; known: beams, size_mb, api_key, labels, mode; did you mean "size_mb"?',
    ]);
    await expect(resolveConfig(schema, {}, 'x')).rejects.toThrow('missing setting "mode"');
  });

  it('cannot be checked by a schema that is none', async () => {
    await expect(resolveConfig({ type: 'colour' }, {}, 'x')).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('not a valid JSON Schema'),
    });
  });

  it('has a field named __proto__ as data, from wherever it comes', async () => {
    const field = JSON.parse('{"__proto__":{"default":{"x":1}},"a":{"default":2}}');
    const schema = { type: 'object', allOf: [{ properties: field }], properties: { b: { properties: field } } };
    const config = (await resolveConfig(schema, undefined, 'x')) as Record<string, unknown>;
    const expected = '{"__proto__":{"x":1},"a":2,"b":{"__proto__":{"x":1},"a":2}}';
    expect(JSON.stringify(config)).toBe(expected);
    expect(config['x']).toBeUndefined();
    expect(JSON.stringify(await resolveConfig({ type: 'object' }, JSON.parse(expected), 'x'))).toBe(expected);
  });

  it('never shares its defaults with the schema', async () => {
    const schema = { properties: { list: { default: [1] } } };
    const config = (await resolveConfig(schema, undefined, 'x')) as { list: number[] };
    config.list.push(2);
    expect(schema.properties.list.default).toEqual([1]);
  });

  it('has the defaults of a schema that refers to itself once, not at every depth', async () => {
    const tree = {
      properties: {
        name: { default: 'root' },
        ...Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((branch) => [branch, { $ref: '#' }])),
      },
    };
    expect(await resolveConfig(tree, undefined, 'x')).toEqual({ name: 'root' });
  });

  it('of which the check would never end is refused, as is one whose check has no end', async () => {
    const refusalOf = (schema: object, config: object): Promise<unknown> =>
      resolveConfig(schema, config, 'x').catch((error: unknown) => error);
    const patterns = { properties: { name: { pattern: '^(a+)+$' } } };
    expect(await refusalOf(patterns, { name: `${'a'.repeat(40)}!` })).toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('took more than 500 ms'),
    });
    expect(await resolveConfig(patterns, { name: 'aaa' }, 'x')).toEqual({ name: 'aaa' });
    const branches = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => {
        const next = { $ref: `#/$defs/${index + 1}` };
        return [index, { anyOf: [next, next] }];
      }),
    );
    expect(await refusalOf({ $ref: '#/$defs/0', $defs: { ...branches, 40: false } }, {})).toMatchObject({
      message: expect.stringContaining('took more than 500 ms'),
    });
    expect(await refusalOf({ allOf: [{ $ref: '#' }] }, {})).toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('"$ref" that leads to itself'),
    });
    expect(await refusalOf({ properties: { a: { $ref: '#/%zz' } } }, {})).toMatchObject({ code: 'E_CONFIG' });
  });

  it('is refused where it, or its schema, is nested too deep', async () => {
    const nested = (levels: number): object =>
      Array.from({ length: levels }).reduce<object>((inner) => ({ items: inner }), {});
    await expect(resolveConfig(undefined, nested(5_000), 'x')).rejects.toThrow('config of "x" is nested more than 64');
    await expect(resolveConfig(nested(5_000), {}, 'x')).rejects.toThrow('config schema of "x" is nested more than 64');
    expect(await resolveConfig(nested(60), nested(60), 'x')).toEqual(nested(60));
  });
});

it.runIf(process.platform === 'linux')(
  'a config is checked once there are descriptors for it, and none ends the program',
  async () => {
    const host = fileURLToPath(new URL('../fixtures/hosts/short-host.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, host]);
    const short = expect.stringMatching(/^E_CONFIG: .*cannot be checked now: this program has no file descriptor left/);
    expect(JSON.parse(stdout)).toEqual([short, '{"size":3}', short, '{"size":3}']);
  },
);
