import type { Plugin } from './plugin.ts';

const METHODS = ['initialize', 'stream', 'release', 'cleanup'] as const;

/**
 * Declares the plugin that a module exports by default. Returns `plugin` itself, with types inferred from its schema and
 * methods; throws a TypeError that names what is wrong with its shape.
 */
export function definePlugin<
  Config = Record<string, unknown>,
  Input = Record<string, unknown>,
  Output = unknown,
  Chunk = unknown,
>(plugin: Plugin<Config, Input, Output, Chunk>): Plugin<Config, Input, Output, Chunk> {
  const problem = problemOf(plugin);
  if (problem !== undefined) throw new TypeError(`definePlugin: ${problem}`);
  return plugin;
}

/** What keeps a value from being a plugin, as a sentence; `undefined` where nothing does. `name` is not asked for. */
export function shapeProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return `a plugin is an object, not ${describe(value)}.`;
  if (value instanceof Promise) return 'a plugin is an object, not a Promise: "export default await …" waits for it.';
  // As lookups see them, so that the methods of a class count; and no others, as each may be a getter that throws.
  if (typeof Reflect.get(value, 'execute') !== 'function') return 'a plugin needs an execute(input, ctx) function.';
  for (const method of METHODS) {
    const member: unknown = Reflect.get(value, method);
    if (member !== undefined && typeof member !== 'function')
      return `${method} must be a function, not ${describe(member)}.`;
  }
  const config: unknown = Reflect.get(value, 'config');
  if (config !== undefined && (typeof config !== 'object' || config === null)) {
    return `config must be a schema object, not ${describe(config)}.`;
  }
  return undefined;
}

function problemOf(plugin: unknown): string | undefined {
  const problem = shapeProblem(plugin);
  if (problem !== undefined) return problem;
  const name: unknown = Reflect.get(Object(plugin), 'name');
  return typeof name === 'string' && name !== '' ? undefined : 'name must be a string that is not empty.';
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}
