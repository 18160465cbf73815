import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { type CallContext, definePlugin, type JsonSchema, PluginError } from '../../src/node-sdk/index.ts';

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
    [[], 'a plugin needs an execute(input, ctx) function.'],
    [{ name: 'p' }, 'a plugin needs an execute(input, ctx) function.'],
    [{ execute: () => 1 }, 'name must be a string that is not empty.'],
    [{ name: 'p', execute: () => 1, stream: 5 }, 'stream must be a function, not number.'],
    [{ name: 'p', execute: () => 1, config: 'x' }, 'config must be a schema object, not string.'],
  ])('says what is wrong with %j', (plugin, message) => {
    expect(() => definePlugin(plugin as never)).toThrow(new TypeError(`definePlugin: ${message}`));
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
