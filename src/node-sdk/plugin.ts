import type { StandardSchema } from './standard-schema.ts';

/** The name of the tool that a plugin's own `execute` and `stream` are. */
export const EXECUTE = 'execute';

/** A JSON Schema as plain data. The host checks a config or an input against it and fills in its defaults. */
export type JsonSchema = { readonly [keyword: string]: unknown; readonly '~standard'?: never };

/** A schema of a library such as zod, by which the worker parses a value, or a plain JSON Schema. */
export type Schema<Value> = StandardSchema<Value> | JsonSchema;

/** Writes lines to the plugin's log. `details` is added as JSON. */
export interface PluginLog {
  debug(message: string, details?: unknown): void;
  info(message: string, details?: unknown): void;
  warn(message: string, details?: unknown): void;
  error(message: string, details?: unknown): void;
}

/** What plugin code is given at all times. */
export interface PluginContext<Config> {
  /** The config in force, as the plugin's schema parsed it. */
  readonly config: Config;
  readonly log: PluginLog;
}

/** What plugin code is given for one call. */
export interface CallContext<Config> extends PluginContext<Config> {
  /** Identifies the call. */
  readonly call: string;
  /** The name of the tool that is called; `execute` for the plugin's own `execute` and `stream`. */
  readonly tool: string;
  /** The W3C `traceparent` of the call, where the host program traces it: the parent of spans that belong to it. */
  readonly traceparent: string | undefined;
  /** Aborted when the caller cancels or is gone. Pass it on to whatever waits. */
  readonly signal: AbortSignal;
  /** The same as a plain question, true at once even while a busy loop keeps `signal` from being aborted. */
  readonly cancelled: boolean;
  /** Tells the caller how far the call is: `fraction` from 0 to 1, or -1 where that is unknown. */
  readonly progress: (fraction: number, message?: string) => void;
  /** The positional arguments of the call; its input is the first of them, if there is one. */
  readonly args: readonly unknown[];
  /** The named arguments of the call; they are its input when there is no positional one. */
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** What runs a tool: `execute`, `stream`, or both. */
export interface ToolMethods<Config, Input, Output, Chunk = Output> {
  /** Answers one call. Without it only streaming calls are answered. */
  execute?(input: Input, ctx: CallContext<Config>): Output | Promise<Output>;
  /** Answers one streaming call. Without it a streaming call gets the result of `execute` as its one chunk. */
  stream?(input: Input, ctx: CallContext<Config>): AsyncIterable<Chunk> | Iterable<Chunk>;
}

/** What is told of a tool to those who may call it. */
export interface ToolNotes {
  readonly description?: string | undefined;
  /** It changes nothing. */
  readonly readOnly?: boolean | undefined;
  /** Calling it again with the same input changes nothing more. */
  readonly idempotent?: boolean | undefined;
  /** It may remove or overwrite what cannot be brought back. */
  readonly destructive?: boolean | undefined;
}

/** One named callable of a plugin. Its schemas type its methods, and are told to those who may call it. */
export interface PluginTool<Config = Record<string, unknown>, Input = Record<string, unknown>, Output = unknown>
  extends ToolNotes,
    ToolMethods<Config, Input, Output> {
  /** What the input must be. A library's schema parses it, and the methods get what it gives. */
  readonly input?: Schema<Input> | undefined;
  /** What the result, and each chunk, is. It describes; nothing is checked against it. */
  readonly output?: Schema<Output> | undefined;
}

/** What a plugin has beside what it can be called for. */
export interface PluginFrame<Config> {
  readonly name: string;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  /** What a config must be. Without it any object will do. */
  readonly config?: Schema<Config> | undefined;
  /** Called before the first call, and again with every new config. A config it rejects does not come into force. */
  initialize?(config: Config, ctx: PluginContext<Config>): void | Promise<void>;
  /** Gives up what is heavy and stays alive; the next call, or `initialize`, takes it up again. */
  release?(): void | Promise<void>;
  /** Called before the worker is stopped. */
  cleanup?(): void | Promise<void>;
}

/**
 * A plugin. `Config` comes from its schema, `Input`, `Output` and `Chunk` from its methods. Results and chunks are data,
 * with bytes and bigints at any depth; one that has a `toTempFile()`, or holds such a value directly, travels as the path
 * that this gives.
 */
export interface Plugin<
  Config = Record<string, unknown>,
  Input = Record<string, unknown>,
  Output = unknown,
  Chunk = unknown,
> extends PluginFrame<Config> {
  /** As in a {@link PluginTool}, for `execute` and `stream`. */
  readonly input?: Schema<Input> | undefined;
  /** As in a {@link PluginTool}, for `execute` and `stream`. */
  readonly output?: (Schema<Output> & Schema<Chunk>) | undefined;
  /** Answers one call that names no tool. An async iterable as the result is a stream, for streaming calls only. */
  execute(input: Input, ctx: CallContext<Config>): Output | Promise<Output>;
  /** Answers one streaming call. Without it a streaming call gets the result of `execute` as its one chunk. */
  stream?(input: Input, ctx: CallContext<Config>): AsyncIterable<Chunk> | Iterable<Chunk>;
  /** What else it can be called for, by name. */
  readonly tools?: Readonly<Record<string, PluginTool<Config>>> | undefined;
}

/** A plugin that is called for its tools alone. */
export interface ToolPlugin<Config = Record<string, unknown>> extends PluginFrame<Config> {
  readonly tools: Readonly<Record<string, PluginTool<Config>>>;
}
