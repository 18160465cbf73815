import { isOptions, wrongArgument } from '../argument-checks.ts';
import type { CallOptions, StreamOptions } from '../calls/call-options.ts';
import type {
  AnyText,
  CallArguments,
  CallablePlugin,
  InputBefore,
  PluginName,
  StreamablePlugin,
  StreamingTool,
  ToolChunk,
  ToolName,
  ToolOptions,
  ToolOutput,
  UncheckedName,
} from '../calls/typed-calls.ts';
import { type EncodedInput, encodeInput } from '../channel/encoded-input.ts';
import { GreenroomError } from '../errors.ts';
import { frozen } from '../json/frozen.ts';
import { readJson } from '../json/read-json.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { SystemStats } from '../measure/system-stats.ts';
import type { Tool } from '../protocol.ts';
import type { Explanation } from '../runtime/explanation.ts';
import type { Outcome } from '../runtime/load-options.ts';
import type { PluginFilter } from '../runtime/plugin-handle.ts';
import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { PluginStats } from '../runtime/plugin-stats.ts';
import type { SupervisorSnapshot } from '../runtime/supervisor.ts';
import type { SupervisorStatus } from '../runtime/supervisor-status.ts';
import type { PolicyName } from '../scheduler/policies/policies.ts';
import { copyConfig } from '../settings/plugin-config.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import { BlockingStream } from './blocking-stream.ts';
import { describeCause, describeError, rebuildError } from './error-message.ts';
import { refuseSignal, sentCallOptions, sentSettings } from './sent-options.ts';
import { receivedValue } from './sent-value.ts';
import { ThreadClient } from './thread-client.ts';
import type { SentConfig, SentOutcome } from './thread-methods.ts';

/** The settings of a blocking supervisor: those of others, as far as they are plain data. */
export interface BlockingOptions extends Omit<SupervisorSettings, 'policy' | 'handleSignals' | 'unref'> {
  readonly policy?: PolicyName | undefined;
}

/** What a caller may set for one blocking call. `onProgress` is called while the call waits, before its result. */
export type BlockingCallOptions = Omit<CallOptions, 'signal'>;

/** What a caller may set for one blocking stream. */
export type BlockingStreamOptions = Omit<StreamOptions, 'signal'>;

/** What `load` and `reload` take. */
export interface BlockingLoadOptions {
  /** The config; by default the one it had, else the defaults of its schema. */
  readonly config?: unknown;
}

/** One plugin, to look at. */
export interface BlockingPluginHandle {
  readonly name: string;
  /** The manifest in force, frozen at every level. */
  readonly info: Manifest;
  snapshot(): PluginSnapshot;
}

/**
 * Starts a supervisor in a thread of its own, and returns when its first discovery is done. Throws `E_OPTIONS` for
 * options that are not valid or cannot reach the thread, and `E_START` where the thread cannot start.
 */
export function createSupervisor(options: BlockingOptions = {}): BlockingSupervisor {
  return new BlockingSupervisor(new ThreadClient(sentSettings(options)));
}

/**
 * The calls of plugins that are known at compile time. Apart from the class, so that its signatures are tried first and
 * errors tell of these, while `Parameters` gives those of the class.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Other signatures of methods that the class has.
export interface BlockingSupervisor {
  /** Calls the `execute` of a plugin of `Plugins`; input and result are of the types there. */
  execute<Name extends CallablePlugin>(
    name: Name,
    ...rest: CallArguments<Name, BlockingCallOptions>
  ): ToolOutput<Name, 'execute'>;
  /** Calls a tool of a plugin of `Plugins`; input and result are of the types there. */
  execute<Name extends PluginName, Tool extends ToolName<Name> | AnyText>(
    name: Name,
    input: InputBefore<Name, Tool>,
    options: ToolOptions<BlockingCallOptions, ToolName<Name>, Tool>,
  ): ToolOutput<Name, Tool>;
  /** Streams the `execute` of a plugin of `Plugins`; input and result are of the types there. */
  stream<Name extends StreamablePlugin>(
    name: Name,
    ...rest: CallArguments<Name, BlockingStreamOptions>
  ): BlockingStream<ToolChunk<Name, 'execute'>>;
  /** Streams a tool of a plugin of `Plugins`; input and result are of the types there. */
  stream<Name extends PluginName, Tool extends StreamingTool<Name> | AnyText>(
    name: Name,
    input: InputBefore<Name, Tool>,
    options: ToolOptions<BlockingStreamOptions, StreamingTool<Name>, Tool>,
  ): BlockingStream<ToolChunk<Name, Tool>>;
}

/**
 * A running supervisor whose methods return when they are done, while the program waits: no promise, no event loop. Made
 * by {@link createSupervisor} of `greenroom/sync`. It never keeps the program alive, and stops when the program exits.
 */
export class BlockingSupervisor implements Disposable {
  readonly #thread: ThreadClient;

  /** @internal */
  constructor(thread: ThreadClient) {
    this.#thread = thread;
  }

  /** The address of the inspector's page; undefined unless `inspect` was set. */
  get inspector(): { readonly url: string } | undefined {
    const url = this.#thread.inspectorUrl;
    return url === undefined ? undefined : { url };
  }

  /* ---- Life cycle ---- */

  /** Reads the search paths anew, and returns what is there now. */
  discover(): readonly PluginSnapshot[] {
    return frozen(this.#thread.ask('discover'));
  }

  /** Starts the plugin's worker, or gives the running one its config, and returns when it is ready. */
  load(name: string, options: BlockingLoadOptions = {}): void {
    this.#thread.ask('load', name, configOf('load()', name, options));
  }

  /** Loads every enabled plugin, with these configs by name. Never throws for one plugin: each has its outcome. */
  loadAll(configs: Readonly<Record<string, unknown>> = {}): ReadonlyMap<string, Outcome> {
    if (!isOptions(configs)) throw wrongArgument('The configs of loadAll()', 'an object of configs by name', configs);
    const sent = Object.entries(configs).map(([name, config]) => [name, sentConfig(name, config)]);
    return outcomesOf(this.#thread.ask('loadAll', Object.fromEntries(sent)));
  }

  /** Ends the plugin's worker after its calls, and returns when it is gone. */
  unload(name: string): void {
    this.#thread.ask('unload', name);
  }

  /** Unloads every plugin that is not at rest. */
  unloadAll(): ReadonlyMap<string, Outcome> {
    return outcomesOf(this.#thread.ask('unloadAll'));
  }

  /** Runs a new worker in place of the one there is, and returns when it is ready. */
  reload(name: string, options: BlockingLoadOptions = {}): void {
    this.#thread.ask('reload', name, configOf('reload()', name, options));
  }

  /** Has the plugin give up its resources; the next call brings it back. */
  release(name: string): void {
    this.#thread.ask('release', name);
  }

  /** Takes calls of the plugin again. */
  enable(name: string): void {
    this.#thread.ask('enable', name);
  }

  /** Refuses calls of the plugin with `E_DISABLED`. Its worker stays. */
  disable(name: string): void {
    this.#thread.ask('disable', name);
  }

  /** Makes a plugin the source of the figures of free memory. An object cannot be one here. */
  registerSystemMonitor(name: string): void {
    if (typeof name !== 'string') throw wrongArgument('The monitor of registerSystemMonitor()', 'a plugin name', name);
    this.#thread.ask('registerSystemMonitor', name);
  }

  /**
   * Ends every worker, and returns when nothing of the supervisor is left; at once where it has stopped. Streams that are
   * not read to their end are left. After `timeoutMs` the workers are killed.
   */
  stop(options: { readonly timeoutMs?: number | undefined } = {}): void {
    if (!isOptions(options)) throw wrongArgument('The options of stop()', 'an object', options);
    this.#thread.stop(options.timeoutMs);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /* ---- Calls and config ---- */

  /**
   * Calls the plugin, loading it where need be, and returns its result. An object becomes the plugin's keyword arguments,
   * an array its positional ones, anything else the only one. Throws a {@link GreenroomError}.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- As that of `greenroom`: the caller knows.
  execute<Output = unknown, Name extends string = string>(
    name: Name & UncheckedName<Name>,
    input?: unknown,
    options?: BlockingCallOptions,
  ): Output;
  execute(name: string, input?: unknown, options: BlockingCallOptions = {}): unknown {
    const { sent, onProgress } = sentCallOptions(name, options);
    const { answer } = this.#thread.call('execute', onProgress, name, encoded(name, input), sent);
    return receivedValue(answer);
  }

  /**
   * Calls the plugin and iterates over what it streams. The call starts with the first `next()`; leaving the loop cancels
   * it. An unknown name throws here, and what is wrong with input or options at the first `next()`.
   */
  stream<Chunk = unknown, Name extends string = string>(
    name: Name & UncheckedName<Name>,
    input?: unknown,
    options?: BlockingStreamOptions,
  ): BlockingStream<Chunk>;
  stream(name: string, input?: unknown, options: BlockingStreamOptions = {}): BlockingStream<unknown> {
    let request: [ReturnType<typeof sentCallOptions>, EncodedInput];
    try {
      request = [sentCallOptions(name, options), encoded(name, input)];
    } catch (error) {
      this.#thread.ask('plugin', name);
      return new BlockingStream(this.#thread, 0, error as Error);
    }
    const [{ sent, onProgress }, written] = request;
    const { id } = this.#thread.call('stream', onProgress, name, written, sent);
    return new BlockingStream(this.#thread, id);
  }

  /** Cancels the streams of the plugin, and, from an `onProgress`, the call that waits. */
  cancelCalls(name: string, reason?: unknown): void {
    this.#thread.ask('cancelCalls', name, reason === undefined ? undefined : describeCause(reason));
  }

  /** The plugin's config: what a running worker says, else what it was given or would start with. */
  config(name: string): unknown {
    return readJson(this.#thread.ask('config', name));
  }

  /** The JSON Schema of the plugin's config: the manifest's, else a running worker's, else null. */
  configSchema(name: string): unknown {
    return readJson(this.#thread.ask('configSchema', name));
  }

  /** The tools of a plugin, frozen. Its worker is started only where neither the manifest nor an earlier answer says them. */
  tools(name: string): readonly Tool[] {
    return frozen(readJson(this.#thread.ask('tools', name)) as readonly Tool[]);
  }

  /** The configs of all loaded plugins by name. */
  configs(): Readonly<Record<string, unknown>> {
    return readJson(this.#thread.ask('configs')) as Readonly<Record<string, unknown>>;
  }

  /** Gives a loaded plugin another config, without a restart. */
  updateConfig(name: string, given: unknown): void {
    this.#thread.ask('updateConfig', name, copyConfig(given, name));
  }

  /* ---- State ---- */

  /** The plugins there are, all or those that fit the filter, by name. */
  plugins(filter: PluginFilter = {}): readonly PluginSnapshot[] {
    return frozen(this.#thread.ask('plugins', filter));
  }

  /** One plugin. Throws `E_UNKNOWN_PLUGIN`. */
  plugin(name: string): BlockingPluginHandle {
    const thread = this.#thread;
    thread.ask('plugin', name);
    return {
      name,
      get info() {
        return frozen(thread.ask('info', name));
      },
      snapshot: () => frozen(thread.ask('plugin', name)),
    };
  }

  /** The categories of the plugins, of all or of those that are loaded or not, in order. */
  categories(filter: { readonly loaded?: boolean | undefined } = {}): readonly string[] {
    return this.#thread.ask('categories', filter);
  }

  /** The manifests that cannot be used, or not wholly, with file, field and reason. */
  problems(): readonly ManifestProblem[] {
    return this.#thread.ask('problems');
  }

  /** All plugins at this moment. */
  snapshot(): SupervisorSnapshot {
    return frozen(this.#thread.ask('snapshot'));
  }

  /** How the supervisor stands, and what it can promise on this machine. */
  status(): SupervisorStatus {
    return frozen(this.#thread.ask('status'));
  }

  /** Why the plugin is where it is: what it needs and holds, and what was last decided about it. */
  explain(name: string): Explanation {
    return frozen(this.#thread.ask('explain', name));
  }

  /** Processor time, memory and age of the workers' process trees, together and each. Throws `E_NOT_LOADED`. */
  stats(name: string): PluginStats {
    return this.#thread.ask('stats', name);
  }

  /** Free and total memory of the machine and its GPUs. */
  systemStats(): SystemStats {
    return this.#thread.ask('systemStats');
  }

  /** The last lines that the plugin's workers printed, as text. */
  logs(name: string, options: { readonly lines?: number | undefined } = {}): string {
    if (isOptions(options) && 'follow' in options && options.follow === true) {
      throw new GreenroomError('E_OPTIONS', 'The option "follow" of logs() cannot be used: it would never return.');
    }
    return this.#thread.ask('logs', name, options);
  }
}

/** Writes the input here, so that it is refused where the caller can see it. */
function encoded(plugin: string, input: unknown): EncodedInput {
  const written = encodeInput(plugin, input);
  if (!('save' in written)) return written;
  throw new GreenroomError(
    'E_SERIALIZE',
    `The input of a call to "${plugin}" has a toTempFile(), which a blocking call cannot wait for. Save it to a file and pass the path.`,
    { plugin },
  );
}

function configOf(method: string, plugin: string, options: BlockingLoadOptions): unknown {
  if (!isOptions(options)) throw wrongArgument(`The options of ${method}`, 'an object', options);
  refuseSignal(
    method,
    (options as { signal?: unknown }).signal,
    'startTimeoutMs limits how long a start takes',
    plugin,
  );
  return copyConfig(options.config, plugin);
}

function sentConfig(plugin: string, config: unknown): SentConfig {
  try {
    return { config: copyConfig(config, plugin) };
  } catch (error) {
    return { error: describeError(error) };
  }
}

function outcomesOf(sent: ReadonlyMap<string, SentOutcome>): ReadonlyMap<string, Outcome> {
  return new Map(
    [...sent].map(([name, outcome]) => [
      name,
      outcome.ok ? outcome : { ok: false, error: rebuildError(outcome.error) as GreenroomError },
    ]),
  );
}
