import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  type CallContext,
  definePlugin,
  type JsonSchema,
  PluginError,
  type ToolPlugin,
} from '../../src/node-sdk/index.ts';

describe('definePlugin', () => {
  it('returns the plugin itself', () => {
    const plugin = { name: 'p', execute: () => 1 };
    expect(definePlugin(plugin)).toBe(plugin);
  });

  it('accepts an instance of a class', () => {
    class Greeter {
      readonly name = 'greeter';
      execute() {
        return 'hello';
      }
    }
    expect(() => definePlugin(new Greeter())).not.toThrow();
  });

  it.each<[unknown, string]>([
    [null, 'a plugin is an object, not null.'],
    [[], 'a plugin needs an execute(input, ctx) function, or tools.'],
    [{ name: 'p' }, 'a plugin needs an execute(input, ctx) function, or tools.'],
    [{ name: 'p', tools: {} }, 'a plugin needs an execute(input, ctx) function, or tools.'],
    [{ name: 'p', execute: 5 }, 'execute must be a function, not number.'],
    [
      { name: 'p', stream: () => [], tools: { read: { execute: () => 1 } } },
      'stream belongs to execute(input, ctx), which is missing; a tool can have its own stream.',
    ],
    [
      { name: 'p', execute: () => 1, tools: [{ name: 'read' }] },
      'tools must be an object of tools by their names, not an array.',
    ],
    [
      { name: 'p', tools: { execute: { execute: () => 1 } }, execute: () => 1 },
      'tools.execute: the plugin has an execute(input, ctx) of its own; give the tool another name.',
    ],
    [
      { name: 'p', execute: () => 1, input: 'text' },
      'input must be a schema of a library such as zod, or a JSON Schema, not string.',
    ],
    [{ execute: () => 1 }, 'name must be a string that is not empty.'],
    [{ name: 'p', execute: () => 1, stream: 5 }, 'stream must be a function, not number.'],
    [{ name: 'p', execute: () => 1, config: 'x' }, 'config must be a schema object, not string.'],
  ])('says what is wrong with %j', (plugin, message) => {
    expect(() => definePlugin(plugin as never)).toThrow(new TypeError(`definePlugin: ${message}`));
  });

  it.each<[unknown, string]>([
    [() => 1, 'tools.read must be an object with an execute(input, ctx) function, not a function.'],
    [{}, 'tools.read needs an execute(input, ctx) or a stream(input, ctx) function.'],
    [
      { desription: 'Reads', excute: () => 1 },
      'tools.read.desription is no member of a tool; did you mean "description"?',
    ],
    [{ excute: () => 1 }, 'tools.read.excute is no member of a tool; did you mean "execute"?'],
    [{ execute: () => 1, read_only: true }, 'tools.read.read_only is no member of a tool; did you mean "readOnly"?'],
    [{ execute: 'read' }, 'tools.read.execute must be a function, not string.'],
    [{ stream: {} }, 'tools.read.stream must be a function, not object.'],
    [{ execute: () => 1, description: 5 }, 'tools.read.description must be a string, not number.'],
    [{ execute: () => 1, readOnly: 'yes' }, 'tools.read.readOnly must be true or false, not string.'],
    [
      { execute: () => 1, input: () => true },
      'tools.read.input must be a schema of a library such as zod, or a JSON Schema, not a function.',
    ],
    [
      { execute: () => 1, output: null },
      'tools.read.output must be a schema of a library such as zod, or a JSON Schema, not null.',
    ],
    [
      { execute: () => 1, input: { path: z.string() } },
      'tools.read.input must be one schema, not an object of schemas: wrap it, as z.object({ … }) does.',
    ],
    [
      { execute: () => 1, input: { properties: { size: String } } },
      'a JSON Schema is plain data, but tools.read.input.properties.size is a function; leave it out.',
    ],
    [
      { execute: () => 1, input: { type: 'string' } },
      'tools.read.input must be the schema of an object, whose fields are the arguments; its type is "string".',
    ],
  ])('says what is wrong with the tool %o', (tool, message) => {
    const plugin = { name: 'p', tools: { read: tool } };
    expect(() => definePlugin(plugin as never)).toThrow(new TypeError(`definePlugin: ${message}`));
  });

  it.each(['', 'read file', 'lire/é', 'x'.repeat(65)])('refuses %j as the name of a tool', (name) => {
    const plugin = { name: 'p', tools: { [name]: { execute: () => 1 } } };
    expect(() => definePlugin(plugin)).toThrow(
      new TypeError(
        `definePlugin: tools: the name "${name}" must be 1 to 64 of the characters A-Z, a-z, 0-9, "_", "-" and ".".`,
      ),
    );
  });

  it('accepts members of a tool that are its own', () => {
    const read = { execute: () => 1, input: {}, inputs: 0, cache: new Map() };
    expect(() => definePlugin({ name: 'p', tools: { read } })).not.toThrow();
  });

  it('accepts tools without an execute, and schemas that are functions', () => {
    const schema = Object.assign(() => true, { '~standard': z.object({})['~standard'] });
    const plugin = { name: 'p', config: schema, tools: { 'read.all-2_': { input: schema, execute: () => 1 } } };
    expect(() => definePlugin(plugin)).not.toThrow();
  });

  it('infers the input and the result of each tool from its schemas', () => {
    const plugin = definePlugin({
      name: 'p',
      config: z.object({ root: z.string() }),
      tools: {
        read: {
          description: 'Reads a file',
          readOnly: true,
          input: z.object({ path: z.string(), lines: z.string().transform(Number).optional() }),
          output: z.object({ text: z.string() }),
          async execute(input, ctx) {
            expectTypeOf(input).toEqualTypeOf<{ path: string; lines?: number | undefined }>();
            expectTypeOf(ctx).toEqualTypeOf<CallContext<{ root: string }>>();
            return { text: ctx.config.root };
          },
          async *stream({ path }) {
            yield { text: path };
          },
        },
        list: {
          input: { type: 'object' },
          execute(input) {
            expectTypeOf(input).toEqualTypeOf<Record<string, unknown>>();
            return 5;
          },
        },
        find: { execute: (input: { text: string }) => input.text },
      },
    });
    expectTypeOf(plugin.tools.read.execute).parameter(0).toEqualTypeOf<{ path: string; lines?: number | undefined }>();
    expectTypeOf(plugin).toExtend<ToolPlugin<{ root: string }>>();
    definePlugin({
      name: 'p',
      tools: {
        read: {
          output: z.object({ text: z.string() }),
          // @ts-expect-error -- The result is not what the schema says.
          execute: () => ({ text: 5 }),
        },
        stream: {
          output: z.string(),
          // @ts-expect-error -- Nor is the chunk.
          *stream() {
            yield 5;
          },
        },
        other: {
          // @ts-expect-error -- There is no such field.
          parallel: true,
          execute: () => 1,
        },
      },
    });
  });

  it('infers the input and the result of execute from its schemas, beside tools or not', () => {
    const plugin = definePlugin({
      name: 'p',
      input: z.object({ size: z.number().default(3) }),
      output: z.array(z.number()),
      execute(input) {
        expectTypeOf(input).toEqualTypeOf<{ size: number }>();
        return [input.size];
      },
    });
    expectTypeOf(plugin.execute).returns.toEqualTypeOf<number[] | Promise<number[]>>();
    definePlugin({
      name: 'p',
      input: z.object({ size: z.number() }),
      execute: ({ size }) => size.toFixed(),
      tools: { double: { input: z.object({ n: z.number() }), execute: ({ n }) => n * 2 } },
    });
    definePlugin({
      name: 'p',
      output: z.string(),
      // @ts-expect-error -- The result is not what the schema says.
      execute: () => 5,
    });
    // @ts-expect-error -- It can be called for nothing.
    expect(() => definePlugin({ name: 'p' })).toThrow(TypeError);
  });

  it('infers the config from a schema, and the rest from the methods', () => {
    const plugin = definePlugin({
      name: 'p',
      config: z.object({ model: z.string().default('base'), size: z.number().optional() }),
      initialize(config) {
        expectTypeOf(config).toEqualTypeOf<{ model: string; size?: number | undefined }>();
      },
      async execute(input: { audio: string }, ctx): Promise<number> {
        return input.audio.length + ctx.config.model.length;
      },
      async *stream(input) {
        yield input.audio;
      },
    });
    expectTypeOf(plugin.execute).parameter(0).toEqualTypeOf<{ audio: string }>();
    expectTypeOf(plugin.execute)
      .parameter(1)
      .toEqualTypeOf<CallContext<{ model: string; size?: number | undefined }>>();
    expectTypeOf(plugin.execute).returns.toEqualTypeOf<number | Promise<number>>();
  });

  it('gives a plugin with a JSON Schema, or none, a config and an input of unknown fields', () => {
    const schema: JsonSchema = { type: 'object' };
    definePlugin({
      name: 'p',
      config: schema,
      execute(input, ctx) {
        expectTypeOf(input).toEqualTypeOf<Record<string, unknown>>();
        expectTypeOf(ctx).toEqualTypeOf<CallContext<Record<string, unknown>>>();
      },
    });
  });
});

describe('PluginError', () => {
  it('is fatal and final unless it says otherwise', () => {
    expect(new PluginError('x')).toMatchObject({ name: 'PluginError', category: 'fatal', retryable: false });
    expect(new PluginError('x', { category: 'transient' }).retryable).toBe(true);
    expect(new PluginError('x', { category: 'transient', retryable: false }).retryable).toBe(false);
  });
});
