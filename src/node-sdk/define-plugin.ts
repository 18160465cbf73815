import type { Plugin, PluginFrame, PluginTool, Schema, ToolMethods, ToolNotes } from './plugin.ts';
import { nameProblem, shapeProblem } from './plugin-shape.ts';

/** The input of a tool that says nothing of it is any object. */
type InputOf<Given> = unknown extends Given ? Record<string, unknown> : Given;

/** The result of a tool that says nothing of it is any value. */
type OutputOf<Outputs, Name> = Name extends keyof Outputs ? Outputs[Name] : unknown;

/** Tools as they are defined: a map for each of the two things to infer, as TypeScript infers one thing from a map. */
type ToolsToDefine<Config, Inputs, Outputs> = {
  readonly [Name in keyof Inputs]: { readonly input?: Schema<Inputs[Name]> | undefined } & ToolNotes &
    ToolMethods<Config, NoInfer<InputOf<Inputs[Name]>>, OutputOf<Outputs, Name>>;
} & {
  readonly [Name in keyof Outputs]: { readonly output?: Schema<Outputs[Name]> | undefined };
};

/** A plugin apart from its tools. `execute` may be missing where there are some. */
type PluginItself<Config, Input, Output, Chunk> = PluginFrame<Config> &
  Pick<Plugin<Config, Input, Output, Chunk>, 'input' | 'output'> &
  ToolMethods<Config, Input, Output, Chunk>;

/** A plugin as it is defined. */
type PluginToDefine<Config, Input, Output, Chunk, Inputs, Outputs> = PluginItself<Config, Input, Output, Chunk> & {
  readonly tools?: ToolsToDefine<Config, Inputs, Outputs> | undefined;
} & ({ execute: unknown } | { readonly tools: unknown });

/** The same to its users, who know what it has. */
type DefinedPlugin<Config, Input, Output, Chunk, Inputs, Outputs> = [keyof Inputs] extends [never]
  ? Plugin<Config, Input, Output, Chunk>
  : PluginItself<Config, Input, Output, Chunk> & {
      readonly tools: {
        readonly [Name in keyof Inputs]: PluginTool<Config, InputOf<Inputs[Name]>, OutputOf<Outputs, Name>>;
      };
    };

/**
 * Declares the plugin that a module exports by default. Returns `plugin` itself, with types inferred from its schemas and
 * methods; throws a TypeError that names what is wrong with its shape.
 */
export function definePlugin<
  Config = Record<string, unknown>,
  Input = Record<string, unknown>,
  Output = unknown,
  Chunk = unknown,
  Inputs = {},
  Outputs = {},
>(
  plugin: PluginToDefine<Config, Input, Output, Chunk, Inputs, Outputs>,
): DefinedPlugin<Config, Input, Output, Chunk, Inputs, Outputs> {
  const problem = shapeProblem(plugin) ?? nameProblem(plugin);
  if (problem !== undefined) throw new TypeError(`definePlugin: ${problem}`);
  return plugin as DefinedPlugin<Config, Input, Output, Chunk, Inputs, Outputs>;
}
