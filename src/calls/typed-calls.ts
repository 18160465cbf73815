/**
 * The plugins whose tools are known at compile time: by plugin and tool, what a call takes and gives. Empty until a
 * program adds to it, as the file does that `greenroom types` writes. Calls of these plugins are checked by it, also those
 * of `greenroom/sync`.
 */
export interface Plugins {}

/** The name of a plugin that is known at compile time. */
export type PluginName = Extract<keyof Plugins, string>;

/** The name of a tool of such a plugin. */
export type ToolName<Name extends PluginName> = Extract<keyof Plugins[Name], string>;

/** The input of a tool. Fields that may be left out may be undefined as well: they are not sent. */
export type ToolInput<Name extends PluginName, Tool extends string> =
  TypesOf<Name, Tool> extends {
    readonly input: infer Input;
  }
    ? Given<Input>
    : unknown;

/** The result of a tool; unknown of one that streams, which may be called for a result as well. */
export type ToolOutput<Name extends PluginName, Tool extends string> =
  TypesOf<Name, Tool> extends {
    readonly output: infer Output;
    readonly streams: false;
  }
    ? Output
    : unknown;

/** Each chunk of a tool that streams. */
export type ToolChunk<Name extends PluginName, Tool extends string> =
  TypesOf<Name, Tool> extends {
    readonly output: infer Chunk;
    readonly streams: true;
  }
    ? Chunk
    : unknown;

/** The name of a tool that streams, or may. */
export type StreamingTool<Name extends PluginName> = {
  [Tool in ToolName<Name>]: TypesOf<Name, Tool> extends { readonly streams: false } ? never : Tool;
}[ToolName<Name>];

/** The name of a plugin that can be called without that of a tool. */
export type CallablePlugin = { [Name in PluginName]: 'execute' extends ToolName<Name> ? Name : never }[PluginName];

/** The name of one that can be streamed so. */
export type StreamablePlugin = {
  [Name in PluginName]: 'execute' extends StreamingTool<Name> ? Name : never;
}[PluginName];

/** What follows the name of a plugin: the input, which may be left out where all of its fields may, and the options. */
export type CallArguments<Name extends PluginName, Options> =
  {} extends ToolInput<Name, 'execute'>
    ? [input?: ToolInput<Name, 'execute'> | undefined, options?: DefaultOptions<Options> | undefined]
    : [input: ToolInput<Name, 'execute'>, options?: DefaultOptions<Options> | undefined];

/** The input of a tool where options follow it: undefined where all of its fields may be left out. */
export type InputBefore<Name extends PluginName, Tool extends string> =
  | ToolInput<Name, Tool>
  | ({} extends ToolInput<Name, Tool> ? undefined : never);

/** The options of a call that names a tool: one of those `Known`, or any where its name is known only at run time. */
export type ToolOptions<Options, Known extends string, Tool extends string> = Omit<Options, 'tool'> & {
  readonly tool: IsOpen<Tool> extends true ? Tool : Known;
};

/** A text that may be any, of which editors offer some. */
export type AnyText = string & {};

/**
 * A name of which nothing is known at compile time: it is known only at run time, or no plugin is. Never that of another
 * plugin, where some are known.
 */
export type UncheckedName<Name extends string> =
  IsOpen<Name> extends true ? Name : [PluginName] extends [never] ? Name : never;

type DefaultOptions<Options> = Omit<Options, 'tool'> & { readonly tool?: 'execute' | undefined };

type TypesOf<Name extends PluginName, Tool extends string> = Tool extends keyof Plugins[Name]
  ? Plugins[Name][Tool]
  : unknown;

/** A mapped type of unknown would be `{}`. */
type Given<Input> = unknown extends Input
  ? Input
  : { [Field in keyof Input]: {} extends Pick<Input, Field> ? Input[Field] | undefined : Input[Field] };

/** Whether a text may be any, or any of a pattern. */
type IsOpen<Text extends string> = {} extends Record<Text, unknown> ? true : false;
