import type { StandardSchema } from './standard-schema.ts';

/** A JSON Schema as plain data. The host checks a config against it and fills in its defaults. */
export type JsonSchema = { readonly [keyword: string]: unknown; readonly '~standard'?: never };

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

/**
 * A plugin. `Config` comes from its schema, `Input`, `Output` and `Chunk` from its methods. Results and chunks travel as
 * JSON; one that has a `toTempFile()`, or holds such a value directly, travels as the path that this gives.
 */
export interface Plugin<
  Config = Record<string, unknown>,
  Input = Record<string, unknown>,
  Output = unknown,
  Chunk = unknown,
> {
  readonly name: string;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  /** What a config must be: a schema of a library such as zod, or a plain JSON Schema. Without it any object will do. */
  readonly config?: StandardSchema<Config> | JsonSchema | undefined;
  /** Called before the first call, and again with every new config. A config it rejects does not come into force. */
  initialize?(config: Config, ctx: PluginContext<Config>): void | Promise<void>;
  /** Answers one call. An async iterable as the result is a stream. */
  execute(input: Input, ctx: CallContext<Config>): Output | Promise<Output>;
  /** Answers one streaming call. Without it a streaming call gets the result of `execute` as its one chunk. */
  stream?(input: Input, ctx: CallContext<Config>): AsyncIterable<Chunk> | Iterable<Chunk>;
  /** Gives up what is heavy and stays alive; the next call, or `initialize`, takes it up again. */
  release?(): void | Promise<void>;
  /** Called before the worker is stopped. */
  cleanup?(): void | Promise<void>;
}
