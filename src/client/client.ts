// Longer than others because it documents every method of a public interface; what they do is in the files beside it.

import { checkListener, isOptions, wrongArgument } from '../argument-checks.ts';
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
import { GreenroomError, messageOf } from '../errors.ts';
import type { FleetStatus } from '../fleet/fleet-status.ts';
import { writeJson } from '../json/exact-json.ts';
import { frozen } from '../json/frozen.ts';
import type { Listing } from '../manifest/listing.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { SystemStats } from '../measure/system-stats.ts';
import type { Tool } from '../protocol.ts';
import type { Explanation } from '../runtime/explanation.ts';
import type { LoadOptions, Outcome } from '../runtime/load-options.ts';
import type { PluginFilter } from '../runtime/plugin-handle.ts';
import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { PluginStats } from '../runtime/plugin-stats.ts';
import type { SupervisorSnapshot } from '../runtime/supervisor.ts';
import type { SupervisorEvents } from '../runtime/supervisor-events.ts';
import type { SupervisorStatus } from '../runtime/supervisor-status.ts';
import { pluginPath } from './call-request.ts';
import { ClientJobs } from './client-jobs.ts';
import { executeAt, streamAt } from './daemon-calls.ts';
import { DaemonConnection } from './daemon-connection.ts';
import { type ClientTarget, targetOf } from './daemon-target.ts';
import { followLog } from './followed-log.ts';
import { ToldEvents } from './told-events.ts';
import { withoutNulls } from './unlimited.ts';

/** How the daemon stands, and its supervisor. */
export interface DaemonStatus extends SupervisorStatus {
  readonly daemon: {
    readonly version: string;
    readonly pid: number;
    /** When it began, in milliseconds since the epoch. */
    readonly since: number;
    /** Where it listens: the path of its socket, and its address on TCP. */
    readonly addresses: readonly string[];
    /** The address of its inspector, with the token. */
    readonly inspector?: string | undefined;
  };
}

/** One plugin of a daemon, to look at and to subscribe to. */
export interface ClientPluginHandle {
  readonly name: string;
  /** The manifest in force. Rejects with `E_UNKNOWN_PLUGIN`. */
  info(): Promise<Manifest>;
  /** How it is now. Rejects with `E_UNKNOWN_PLUGIN`. */
  snapshot(): Promise<PluginSnapshot>;
  /** Calls back at every state that is entered; `onEnd` as for {@link Client.on}. Returns how to stop. */
  subscribe(listener: (plugin: PluginSnapshot) => void, onEnd?: (error: Error) => void): () => void;
}

/**
 * A client of the daemon at a socket, at an address with its token, or of a data directory. Connects with the first request.
 * Throws `E_OPTIONS` for anything else.
 */
export function createClient(target: ClientTarget): Client {
  if (!isOptions(target)) throw wrongArgument('The options of createClient()', 'an object', target);
  return new Client(new DaemonConnection(targetOf(target)));
}

/**
 * The calls of plugins that are known at compile time. Apart from the class, so that its signatures are tried first and
 * errors tell of these, while `Parameters` gives those of the class.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Other signatures of methods that the class has.
export interface Client {
  /** Calls the `execute` of a plugin of `Plugins`; input and result are of the types there. */
  execute<Name extends CallablePlugin>(
    name: Name,
    ...rest: CallArguments<Name, CallOptions>
  ): Promise<ToolOutput<Name, 'execute'>>;
  /** Calls a tool of a plugin of `Plugins`; input and result are of the types there. */
  execute<Name extends PluginName, Tool extends ToolName<Name> | AnyText>(
    name: Name,
    input: InputBefore<Name, Tool>,
    options: ToolOptions<CallOptions, ToolName<Name>, Tool>,
  ): Promise<ToolOutput<Name, Tool>>;
  /** Streams the `execute` of a plugin of `Plugins`; input and result are of the types there. */
  stream<Name extends StreamablePlugin>(
    name: Name,
    ...rest: CallArguments<Name, StreamOptions>
  ): AsyncIterableIterator<ToolChunk<Name, 'execute'>> & AsyncDisposable;
  /** Streams a tool of a plugin of `Plugins`; input and result are of the types there. */
  stream<Name extends PluginName, Tool extends StreamingTool<Name> | AnyText>(
    name: Name,
    input: InputBefore<Name, Tool>,
    options: ToolOptions<StreamOptions, StreamingTool<Name>, Tool>,
  ): AsyncIterableIterator<ToolChunk<Name, Tool>> & AsyncDisposable;
}

/**
 * The interface of a daemon's supervisor, over HTTP: the methods of a supervisor, all asynchronous. Made by
 * {@link createClient}. Each rejects with what the supervisor's would, and with `E_DAEMON` where the daemon cannot be
 * reached, refuses the request, or has another interface.
 */
export class Client implements AsyncDisposable {
  /** The jobs of the daemon, which outlive this program. */
  readonly jobs: ClientJobs;
  readonly #connection: DaemonConnection;
  readonly #told: ToldEvents;

  /** @internal */
  constructor(connection: DaemonConnection) {
    this.#connection = connection;
    this.jobs = new ClientJobs(connection);
    this.#told = new ToldEvents(connection, () => this.snapshot());
  }

  /* ---- Discovery ---- */

  /** Reads the search paths anew; resolves to what is there now. */
  async discover(): Promise<readonly PluginSnapshot[]> {
    return pluginsIn(await this.#post('/discover'));
  }

  /** The plugins there are, all or those that fit the filter, by name. */
  async plugins(filter: PluginFilter = {}): Promise<readonly PluginSnapshot[]> {
    if (!isOptions(filter)) throw wrongArgument('The options of plugins()', 'an object', filter);
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
    return pluginsIn(await this.#get(`/plugins${query.size === 0 ? '' : `?${query.toString()}`}`));
  }

  /** One plugin. Whether there is one of this name, its methods say. */
  plugin(name: string): ClientPluginHandle {
    return {
      name,
      info: async () => ((await this.#get(pluginPath(name, '/manifest'))) as { readonly manifest: Manifest }).manifest,
      snapshot: async () => (await this.#get(pluginPath(name))) as PluginSnapshot,
      subscribe: (listener, onEnd) => {
        checkListener('plugin().subscribe()', listener);
        checkOnEnd('plugin().subscribe()', onEnd);
        return this.#told.onPlugin(name, listener, onEnd);
      },
    };
  }

  /** The categories of the plugins, of all or of those that are loaded or not, in order. */
  async categories(filter: { readonly loaded?: boolean | undefined } = {}): Promise<readonly string[]> {
    const found = await this.plugins(filter);
    return [...new Set(found.map(({ category }) => category))].filter((name) => name !== '').toSorted();
  }

  /** What the search paths hold: the manifests in force, those that they shadow, and what is wrong with any. */
  async manifests(): Promise<Listing> {
    return (await this.#get('/manifests')) as Listing;
  }

  /** The manifests that cannot be used, or not wholly, with file, field and reason. */
  async problems(): Promise<readonly ManifestProblem[]> {
    return ((await this.#get('/problems')) as { readonly problems: readonly ManifestProblem[] }).problems;
  }

  /** The fleet that the daemon is in: its nodes and its jobs. Rejects with `E_UNSUPPORTED` where it is in none. */
  async fleet(): Promise<FleetStatus> {
    return (await this.#get('/fleet')) as FleetStatus;
  }

  /* ---- Loading ---- */

  /** Starts the plugin's worker, or gives the running one its config, and resolves when it is ready. */
  async load(name: string, options: LoadOptions = {}): Promise<void> {
    await this.#start('load', name, options);
  }

  /** Loads every enabled plugin, with these configs by name. Never rejects for one plugin: each has its outcome. */
  async loadAll(configs: Readonly<Record<string, unknown>> = {}): Promise<ReadonlyMap<string, Outcome>> {
    if (!isOptions(configs)) throw wrongArgument('The configs of loadAll()', 'an object of configs by name', configs);
    return outcomesOf(await this.plugins({ enabled: true }), (name) =>
      this.load(name, { config: Object.hasOwn(configs, name) ? configs[name] : undefined }),
    );
  }

  /** Ends the plugin's worker after its calls, and resolves when it is gone. */
  async unload(name: string): Promise<void> {
    await this.#act('unload', name);
  }

  /** Unloads every plugin that is not at rest. */
  async unloadAll(): Promise<ReadonlyMap<string, Outcome>> {
    const all = await this.plugins();
    return outcomesOf(
      all.filter(({ state, phase }) => state !== 'discovered' || phase !== 'idle'),
      (name) => this.unload(name),
    );
  }

  /** Runs a new worker in place of the one there is, without a gap, and resolves when it is ready. */
  async reload(name: string, options: LoadOptions = {}): Promise<void> {
    await this.#start('reload', name, options);
  }

  /** Has the plugin give up its resources once its calls have ended; the next call brings it back. */
  async release(name: string): Promise<void> {
    await this.#act('release', name);
  }

  /** Takes calls of the plugin again. */
  async enable(name: string): Promise<void> {
    await this.#act('enable', name);
  }

  /** Refuses calls of the plugin with `E_DISABLED`. Its worker stays. */
  async disable(name: string): Promise<void> {
    await this.#act('disable', name);
  }

  /* ---- Calls ---- */

  /**
   * Calls the plugin, loading it where need be, and resolves to its result. Aborting the signal closes the connection, which
   * cancels the call. Integers of any size and bytes go both ways.
   */
  execute<Output = unknown, Name extends string = string>(
    name: Name & UncheckedName<Name>,
    input?: unknown,
    options?: CallOptions,
  ): Promise<Output>;
  execute(name: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    return executeAt(this.#connection, name, input, options);
  }

  /** Calls the plugin and yields what it streams. The call starts with the first `next()`; leaving the loop cancels it. */
  stream<Chunk = unknown, Name extends string = string>(
    name: Name & UncheckedName<Name>,
    input?: unknown,
    options?: StreamOptions,
  ): AsyncIterableIterator<Chunk> & AsyncDisposable;
  stream(name: string, input?: unknown, options: StreamOptions = {}): AsyncIterableIterator<unknown> & AsyncDisposable {
    return streamAt(this.#connection, name, input, options);
  }

  /** Cancels the calls of the plugin, those of other clients too. Each rejects with `E_CANCELLED`. */
  async cancelCalls(name: string): Promise<void> {
    await this.#act('cancel', name);
  }

  /** The tools of the plugin, frozen. Its worker is started only where neither the manifest nor an earlier answer says them. */
  async tools(name: string): Promise<readonly Tool[]> {
    return ((await this.#get(pluginPath(name, '/tools'))) as { readonly tools: readonly Tool[] }).tools;
  }

  /* ---- Config ---- */

  /** The plugin's config: what a running worker says, else what it was given or would start with. */
  async config(name: string): Promise<unknown> {
    return configIn(await this.#connection.ask('GET', pluginPath(name, '/config')));
  }

  /** The JSON Schema of the plugin's config: the manifest's, else a running worker's, else null. */
  async configSchema(name: string): Promise<unknown> {
    const answer = await this.#connection.ask('GET', pluginPath(name, '/config-schema'));
    return (answer as { readonly schema: unknown }).schema;
  }

  /** The configs of all loaded plugins by name. */
  async configs(): Promise<Readonly<Record<string, unknown>>> {
    const loaded = await this.plugins({ loaded: true });
    return Object.fromEntries(
      await Promise.all(loaded.map(async ({ name }) => [name, await this.config(name)] as const)),
    );
  }

  /** Gives a loaded plugin another config, without a restart. Rejects with `E_CONFIG`, `E_NOT_LOADED` or the plugin's error. */
  async updateConfig(name: string, given: unknown): Promise<void> {
    await this.#connection.ask('PUT', pluginPath(name, '/config'), configBody(name, given));
  }

  /* ---- Looking ---- */

  /** Processor time, memory and age of the workers' process trees, together and each. Rejects with `E_NOT_LOADED`. */
  async stats(name: string): Promise<PluginStats> {
    return (await this.#get(pluginPath(name, '/stats'))) as PluginStats;
  }

  /** Free and total memory of the machine and its GPUs. */
  async systemStats(): Promise<SystemStats> {
    return (await this.allStats()).system;
  }

  /** The same, with the figures of all plugins that have workers, measured together. */
  async allStats(): Promise<{ readonly plugins: Readonly<Record<string, PluginStats>>; readonly system: SystemStats }> {
    return (await this.#get('/stats')) as Awaited<ReturnType<Client['allStats']>>;
  }

  /** The last lines that the plugin's workers printed, as text. */
  logs(
    name: string,
    options?: { readonly lines?: number | undefined; readonly follow?: false | undefined },
  ): Promise<string>;
  /** The same line by line, and then what is printed from now on, until the loop is left or the signal aborted. */
  logs(
    name: string,
    options: { readonly lines?: number | undefined; readonly follow: true; readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<string>;
  logs(
    name: string,
    options: {
      readonly lines?: number | undefined;
      readonly follow?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<string> | AsyncIterable<string> {
    if (!isOptions(options)) throw wrongArgument('The options of logs()', 'an object', options);
    const { lines, follow, signal } = options;
    const query = new URLSearchParams(lines === undefined ? {} : { lines: String(lines) });
    if (follow === true) return followLog(this.#connection, name, query, signal);
    return this.#logText(name, query);
  }

  /** Why the plugin is where it is: what it needs and holds, and what was last decided about it. */
  async explain(name: string): Promise<Explanation> {
    return (await this.#get(pluginPath(name, '/explain'))) as Explanation;
  }

  /** How the daemon stands, its supervisor, and what that can promise on its machine. */
  async status(): Promise<DaemonStatus> {
    return (await this.#get('/status')) as DaemonStatus;
  }

  /** All plugins at this moment. */
  async snapshot(): Promise<SupervisorSnapshot> {
    const [{ state }, plugins] = await Promise.all([this.status(), this.plugins()]);
    return Object.freeze({ state, plugins });
  }

  /**
   * Calls back with all plugins, first as they are now, then after transitions of any. Goes on when the daemon is replaced.
   * `onEnd` is told of the error where nothing more will come, as for {@link Client.on}. Returns how to stop.
   */
  subscribe(listener: (snapshot: SupervisorSnapshot) => void, onEnd?: (error: Error) => void): () => void {
    checkListener('subscribe()', listener);
    checkOnEnd('subscribe()', onEnd);
    return this.#told.onSnapshot(listener, onEnd);
  }

  /**
   * Calls back at every event of this kind from the moment on at which the daemon has taken the request. After an
   * interruption it goes on with what was missed, as far as the daemon remembers it. Where the daemon refuses the token or
   * has another interface, nothing more will come: `onEnd` is told of the error, or else it is a warning of the process.
   * Returns how to stop. Throws `E_OPTIONS` for another event, and for what is no function.
   */
  on<K extends keyof SupervisorEvents>(
    event: K,
    listener: (value: SupervisorEvents[K]) => void,
    onEnd?: (error: Error) => void,
  ): () => void {
    checkListener('on()', listener);
    checkOnEnd('on()', onEnd);
    return this.#told.on(event, listener, onEnd);
  }

  /* ---- The end ---- */

  /** Ends what this client still waits for with `E_STOPPING`, which cancels its calls. The daemon and its plugins go on. Idempotent. */
  async close(): Promise<void> {
    this.#told.close();
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #logText(name: string, query: URLSearchParams): Promise<string> {
    const answer = await this.#get(`${pluginPath(name, '/logs')}?${query.toString()}`);
    return (answer as { readonly text: string }).text;
  }

  async #get(path: string): Promise<unknown> {
    return frozen(withoutNulls(await this.#connection.ask('GET', path)));
  }

  async #post(path: string): Promise<unknown> {
    return frozen(await this.#connection.ask('POST', path, '{}'));
  }

  async #act(act: string, name: string): Promise<void> {
    await this.#post(pluginPath(name, `/${act}`));
  }

  async #start(act: 'load' | 'reload', name: string, options: LoadOptions): Promise<void> {
    if (!isOptions(options)) throw wrongArgument(`The options of ${act}()`, 'an object', options, name);
    const { config, signal } = options;
    const cancelled = (cause: unknown): Error =>
      new GreenroomError('E_CANCELLED', `Waiting for "${name}" was cancelled.`, { plugin: name, cause });
    await this.#connection.ask('POST', pluginPath(name, `/${act}`), configBody(name, config), { signal, cancelled });
  }
}

function pluginsIn(answer: unknown): readonly PluginSnapshot[] {
  return (answer as { readonly plugins: readonly PluginSnapshot[] }).plugins;
}

function configIn(answer: unknown): unknown {
  return (answer as { readonly config: unknown }).config;
}

function checkOnEnd(where: string, onEnd: unknown): void {
  if (onEnd !== undefined && typeof onEnd !== 'function')
    throw wrongArgument(`The second listener of ${where}, onEnd,`, 'a function', onEnd);
}

/** A config as the body of a request. Throws `E_SERIALIZE` where JSON would change or lose something. */
function configBody(plugin: string, config: unknown): string {
  try {
    return writeJson({ config }, 'config') ?? '{}';
  } catch (error) {
    const what = messageOf(error).replace('config.config', 'config');
    throw new GreenroomError('E_SERIALIZE', `The config of "${plugin}" cannot be sent as JSON: ${what}.`, {
      plugin,
      cause: error,
    });
  }
}

async function outcomesOf(
  plugins: readonly PluginSnapshot[],
  act: (name: string) => Promise<void>,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = plugins.map(async ({ name }): Promise<readonly [string, Outcome]> => {
    try {
      await act(name);
      return [name, { ok: true }];
    } catch (error) {
      return [name, { ok: false, error: error as GreenroomError }];
    }
  });
  return new Map(await Promise.all(outcomes));
}
