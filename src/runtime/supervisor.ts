// Longer than others because it documents every method of the public interface; what they do is in the files beside it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { checkListener, checkOptions, isOptions, type OptionKind, wrongArgument } from '../argument-checks.ts';
import type { CallOptions, StreamOptions } from '../calls/call-options.ts';
import { withCallerFrames } from '../calls/caller-frames.ts';
import { executeCall, streamCall } from '../calls/execute.ts';
import { type FetchInit, fetchRequest } from '../calls/fetch-request.ts';
import {
  type ForwardRequestOptions,
  type ForwardUpgradeOptions,
  forwardRequest,
  forwardUpgradeRequest,
} from '../calls/forward-request.ts';
import { checkedRequest } from '../calls/request-options.ts';
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
import { notServing } from '../calls/with-upstream.ts';
import { callListener } from '../events/listeners.ts';
import type { Inspected, RecordedInspector } from '../inspector/index.ts';
import type { Inspector } from '../inspector/inspector.ts';
import type { InspectionObserver } from '../inspector/record/inspection-observer.ts';
import { guardedLog, openSupervisorLog, type SupervisorLog } from '../logs/supervisor-log.ts';
import { discoveredBy, type Listing, listingOf } from '../manifest/listing.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { ClientSession, FrontPlugin, PluginNotice } from '../mcp/front-plugin.ts';
import { createTreeSampler } from '../measure/process-tree.ts';
import type { SystemStats } from '../measure/system-stats.ts';
import type { Tool } from '../protocol.ts';
import type { ForwardOutcome } from '../proxy/outcome.ts';
import { checkProgramOptions } from '../settings/program-options.ts';
import { type ResolvedSettings, resolveSettings } from '../settings/resolve.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import type { InspectSettings } from '../settings/values.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { mcp } from '../worker-kinds/mcp.ts';
import { isForFleet, NO_FLEET } from './calls-in-fleet.ts';
import { configOf, configSchemaOf, updateConfig } from './configuring.ts';
import type { Explanation } from './explanation.ts';
import { type Installing, installingFor } from './installing.ts';
import { type JobPort, jobSite } from './job-port.ts';
import { listenTo } from './listen-to.ts';
import type { LoadOptions, Outcome } from './load-options.ts';
import { loadPlugin, outcomesOf, releasePlugin, reloadPlugin, unloadPlugin } from './loading.ts';
import { mcpPlugin } from './mcp-plugin.ts';
import type { PluginFilter, PluginHandle } from './plugin-handle.ts';
import { type LogOptions, readLog } from './plugin-logs.ts';
import { disabledError, PluginLookup, stoppingError } from './plugin-lookup.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { PluginSnapshot } from './plugin-snapshot.ts';
import { standingOf, UNABLE } from './plugin-standing.ts';
import { type PluginStats, statsOf } from './plugin-stats.ts';
import { registerMonitor } from './registered-monitor.ts';
import { Runtime, type RuntimePorts } from './runtime.ts';
import { handleSignals } from './signals.ts';
import { statusOf } from './status-of.ts';
import type { SupervisorEvents } from './supervisor-events.ts';
import type { SupervisorStatus } from './supervisor-status.ts';

/** What `createSupervisor` takes: the settings, and what only a program can give. */
export interface SupervisorOptions extends SupervisorSettings {
  /**
   * A pino logger for the supervisor's own log; by default one that writes to standard error. Where it throws, lines are
   * lost and the supervisor goes on; of the first such error, Node's warnings tell.
   */
  readonly logger?: Logger | undefined;
  /** The clock and the source of chance, for tests that turn time by hand. */
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
  /**
   * Is given every event of XState's inspection, from the first on, as other tools take them. It costs about as much
   * again as the events themselves. What it throws or rejects with is logged and changes nothing.
   */
  readonly observer?: InspectionObserver | undefined;
}

/** The state of a whole supervisor, as plain frozen data. */
export interface SupervisorSnapshot {
  readonly state: string;
  readonly plugins: readonly PluginSnapshot[];
}

/**
 * Starts a supervisor; resolves when the first discovery is done. Rejects with `E_OPTIONS` for options or settings
 * that are not valid. It keeps the program alive until it is stopped, unless `unref` is set.
 */
export async function createSupervisor(options: SupervisorOptions = {}): Promise<Supervisor> {
  return startSupervisor(options);
}

/** The same for a command that makes one call at a time: no plugin gets a second instance, whatever its manifest says. */
export async function createOneInstanceSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  return startSupervisor(options, { oneInstance: true });
}

async function startSupervisor(
  options: SupervisorOptions,
  ports: Pick<RuntimePorts, 'oneInstance'> = {},
): Promise<Supervisor> {
  checkProgramOptions(options);
  const { logger: givenLogger, clock = systemClock, random = Math.random, observer, ...given } = options;
  const settings = resolveSettings(given);
  const logger = guardedLog(givenLogger ?? openSupervisorLog(settings.logLevel));
  const runtime = new Runtime(settings, { ...ports, clock, random, logger, observer });
  const supervisor = new Supervisor(runtime, settings);
  await runtime.start();
  if (settings.inspect !== false) await supervisor.serveInspector(settings.inspect, logger);
  return supervisor;
}

const STOP_OPTIONS: Readonly<Record<string, OptionKind>> = {
  timeoutMs: {
    expected: 'a number of milliseconds from 0, or Infinity for no limit',
    fits: (value) => typeof value === 'number' && value >= 0,
  },
};

/** The supervisors whose workers are killed when the program exits without having stopped them. */
const endOnExit = new Set<Runtime>();
process.on('exit', () => {
  for (const runtime of endOnExit) runtime.killAll();
});

/**
 * The calls of plugins that are known at compile time. Apart from the class, so that its signatures are tried first and
 * errors tell of these, while `Parameters` gives those of the class.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Other signatures of methods that the class has.
export interface Supervisor {
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

/** A running supervisor. Made by {@link createSupervisor}. */
export class Supervisor implements AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #plugins: PluginLookup;
  readonly #settings: ResolvedSettings;
  readonly #sampler = createTreeSampler();
  #release: (() => void) | undefined;
  #inspector: Inspector | undefined;
  #stopping: Promise<void> | undefined;
  /** Aborted once nothing more comes. */
  readonly #stopped = new AbortController();

  /** @internal */
  constructor(runtime: Runtime, settings: ResolvedSettings) {
    this.#runtime = runtime;
    runtime.supervisor = this;
    this.#plugins = new PluginLookup(runtime.records, () => this.#stopping !== undefined);
    this.#settings = settings;
    // Unreferenced, only the plugins that are at something keep the program alive.
    if (!settings.unref) runtime.hold.set(this, true);
    endOnExit.add(runtime);
    const releaseSignals = settings.handleSignals ? handleSignals(() => this.stop()) : undefined;
    this.#release = () => {
      endOnExit.delete(runtime);
      releaseSignals?.();
      runtime.hold.set(this, false);
    };
  }

  /** @internal Ends the supervisor where the inspector cannot be served. */
  async serveInspector(options: InspectSettings, logger: SupervisorLog): Promise<void> {
    try {
      // Read from disk only where it is wanted.
      const { openInspector } = await import('../inspector/index.ts');
      this.#inspector = await openInspector(this.#inspected(logger), options);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** @internal Records for an inspector that the daemon serves, which closes it. */
  async recordInspector(
    options: Pick<InspectSettings, 'control' | 'payloads'>,
    logger: SupervisorLog,
  ): Promise<RecordedInspector> {
    const { recordInspector } = await import('../inspector/index.ts');
    return recordInspector(this.#inspected(logger), options);
  }

  #inspected(logger: SupervisorLog): Inspected {
    const { records, transitions, instances, problems, code, clock, root, settings, systemMonitor } = this.#runtime;
    const { maxWaitMs } = settings;
    const onError = (error: unknown): void => logger.error({ err: error }, 'The inspector failed to record an event.');
    const shown = { records, transitions, instances, problems, code, clock, root, systemMonitor, maxWaitMs };
    return { ...shown, supervisor: this, onError };
  }

  /** The inspector, with the address of its page; undefined unless `inspect` was set. */
  get inspector(): Pick<Inspector, 'url' | 'record'> | undefined {
    return this.#inspector;
  }

  /* ---- Discovery ---- */

  /** Reads the search paths anew, which the watcher does by itself; resolves to what is there now. */
  async discover(): Promise<readonly PluginSnapshot[]> {
    this.#plugins.refuseIfStopping();
    await this.#runtime.rediscover();
    return this.plugins();
  }

  /** The plugins there are, all or those that fit the filter, by name. Throws `E_OPTIONS` for what is no filter. */
  plugins(filter: PluginFilter = {}): readonly PluginSnapshot[] {
    return this.#plugins.list(filter);
  }

  /** One plugin. Throws `E_UNKNOWN_PLUGIN`. */
  plugin(name: string): PluginHandle {
    return this.#plugins.handle(name);
  }

  /** The categories of the plugins, of all or of those that are loaded or not, in order. */
  categories(filter: { readonly loaded?: boolean | undefined } = {}): readonly string[] {
    return this.#plugins.categories(filter);
  }

  /** @internal The manifests in force, without the cost of snapshots. */
  *manifests(): IterableIterator<Manifest> {
    for (const { entry } of this.#runtime.records.values()) yield entry.manifest;
  }

  /**
   * @internal The plugins that take calls, without the cost of snapshots and without the copies for single clients. The generation is that of the newest worker that
   * serves; undefined where none does.
   */
  *callable(): IterableIterator<{ readonly manifest: Manifest; readonly generation: number | undefined }> {
    for (const { entry, context, gate } of this.#runtime.records.values())
      if (context.enabled && entry.copyOf === undefined)
        yield { manifest: entry.manifest, generation: gate.serving.at(-1)?.generation };
  }

  /** @internal As `subscribe`, without the cost of snapshots, and not at once. */
  onChange(listener: () => void): () => void {
    return this.#runtime.changes.add(listener);
  }

  /** The manifests that cannot be used, or not wholly, with file, field and reason. */
  problems(): readonly ManifestProblem[] {
    return this.#runtime.manifests.problems();
  }

  /** @internal Calls back with the files of manifests that could not be used and can be again. Returns how to stop. */
  onSolved(listener: (files: readonly string[]) => void): () => void {
    return this.#runtime.solved.add(listener);
  }

  /** @internal What the search paths hold, for lists of it. */
  listing(): Listing {
    return listingOf(discoveredBy(this.#runtime.manifests), this.#settings.searchPaths);
  }

  /* ---- Loading ---- */

  /**
   * Starts the plugin's worker and resolves when it is ready; at once where it is. With another config than a running
   * worker has, the worker is given it. Rejects with why the worker did not start.
   */
  load(name: string, options: LoadOptions = {}): Promise<void> {
    return withCallerFrames(loadPlugin(this.#plugins, name, options));
  }

  /** Loads every enabled plugin, with these configs by name. Never rejects for one plugin: each has its outcome. */
  async loadAll(configs: Readonly<Record<string, unknown>> = {}): Promise<ReadonlyMap<string, Outcome>> {
    if (!isOptions(configs)) throw wrongArgument('The configs of loadAll()', 'an object of configs by name', configs);
    return outcomesOf(this.plugins({ enabled: true }), (name) =>
      this.load(name, { config: Object.hasOwn(configs, name) ? configs[name] : undefined }),
    );
  }

  /**
   * Ends the plugin's worker after its calls, and resolves when it is gone, also if a call has a new one started by then.
   * Does nothing where there is none.
   */
  unload(name: string): Promise<void> {
    return withCallerFrames(unloadPlugin(this.#plugins, name));
  }

  /** Unloads every plugin that is not at rest. */
  unloadAll(): Promise<ReadonlyMap<string, Outcome>> {
    const running = this.plugins().filter(({ state, phase }) => state !== 'discovered' || phase !== 'idle');
    return outcomesOf(running, (name) => this.unload(name));
  }

  /**
   * Runs a new worker in place of the one there is, without a gap where it is ready, and resolves when the new one is.
   * The config stays unless another is given. Loads a plugin that is not loaded.
   */
  reload(name: string, options: LoadOptions = {}): Promise<void> {
    return withCallerFrames(reloadPlugin(this.#plugins, name, options));
  }

  /** Has the plugin give up its resources once its calls have ended; the next call brings it back. */
  release(name: string): Promise<void> {
    return withCallerFrames(releasePlugin(this.#plugins, name));
  }

  /** Takes calls of the plugin again. */
  enable(name: string): void {
    this.#plugins.find(name).send({ type: 'ENABLE' });
  }

  /** Refuses calls of the plugin with `E_DISABLED`, those that wait too. Its worker stays, and so do calls that run. */
  disable(name: string): void {
    this.#plugins.find(name).send({ type: 'DISABLE', error: disabledError(name) });
  }

  /* ---- Calls ---- */

  /**
   * Calls the plugin, loading it where need be, and resolves to its result. An object becomes the plugin's keyword
   * arguments, an array its positional ones, anything else the only one. Rejects with a `GreenroomError`.
   */
  execute<Output = unknown, Name extends string = string>(
    name: Name & UncheckedName<Name>,
    input?: unknown,
    options?: CallOptions,
  ): Promise<Output>;
  execute(name: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    if (isForFleet(options)) return this.#runtime.fleetCalls.execute(name, input, options);
    const record = this.#runtime.records.get(name);
    if (record === undefined || this.#mustLoadFirst(record)) return Promise.reject(this.#plugins.whyNot(name));
    return executeCall(record, input, options);
  }

  /**
   * Calls the plugin and yields what it streams. The call starts with the first `next()`; leaving the loop cancels it, and
   * so does a reader that asks for nothing for `streamIdleMs` while items wait.
   */
  stream<Chunk = unknown, Name extends string = string>(
    name: Name & UncheckedName<Name>,
    input?: unknown,
    options?: StreamOptions,
  ): AsyncIterableIterator<Chunk> & AsyncDisposable;
  stream(name: string, input?: unknown, options: StreamOptions = {}): AsyncIterableIterator<unknown> & AsyncDisposable {
    if (isForFleet(options)) return this.#runtime.fleetCalls.stream(name, input, options);
    const record = this.#plugins.find(name);
    if (this.#mustLoadFirst(record)) throw this.#plugins.whyNot(name);
    return streamCall(record, input, options);
  }

  /**
   * Sends a request to a plugin that is an HTTP server (`"worker": "http"`), loading it where need be, and resolves to the
   * response, as `fetch` does: `input` is a path, or a request or URL of which the path counts. The lease of the worker
   * lasts until the body of the response has been read or cancelled. Rejects with a `GreenroomError`.
   */
  async fetch(name: string, input: string | URL | Request, init: FetchInit = {}): Promise<Response> {
    return withCallerFrames(fetchRequest(this.#serving(name), input, checkedRequest('fetch()', name, init)));
  }

  /**
   * Forwards a request that this program's server was sent to a plugin that is an HTTP server, loading it where need be,
   * and its answer back. Resolves with what became of it when both ends are done with it. Rejects with a `GreenroomError`
   * where nothing was sent to the client: then the answer is the caller's to give.
   */
  async forward(
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    options: ForwardRequestOptions = {},
  ): Promise<ForwardOutcome> {
    return withCallerFrames(
      forwardRequest(this.#serving(name), request, response, checkedRequest('forward()', name, options)),
    );
  }

  /** The same for a request that upgrades its connection, such as that of a WebSocket: for the server's `upgrade` event. */
  async forwardUpgrade(
    name: string,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    options: ForwardUpgradeOptions = {},
  ): Promise<ForwardOutcome> {
    const record = this.#serving(name);
    const isFree = record.entry.manifest.websockets === 'free';
    const checked = checkedRequest('forwardUpgrade()', name, options);
    return withCallerFrames(forwardUpgradeRequest(record, request, socket, head, checked, isFree));
  }

  /**
   * Cancels the calls and streams of the plugin that run or wait, also those that run at an old worker while it is
   * replaced. Each rejects at once with `E_CANCELLED`, whose `cause` is the reason. A `load` that waits goes on.
   *
   * In any state, and again: where there is no call it does nothing. It starts no worker and stops none; one that has not
   * given up a cancelled call within `cancelGraceMs` is replaced, as after any cancellation. Throws `E_UNKNOWN_PLUGIN`.
   */
  cancelCalls(name: string, reason: unknown = new Error(`cancelCalls("${name}") was called.`)): void {
    this.#plugins.find(name).cancelCalls(reason);
  }

  /**
   * The tools of the plugin, frozen: those of its manifest, else those that its worker says. What a worker has said is
   * kept, so that it is started for this only once, like for a call. Rejects as a call does, and with `E_PROTOCOL`.
   */
  async tools(name: string): Promise<readonly Tool[]> {
    const record = this.#plugins.find(name);
    const refuse = (): void => {
      if (this.#mustLoadFirst(record)) throw this.#plugins.whyNot(name);
    };
    return withCallerFrames(record.tools.list(refuse));
  }

  /** @internal A plugin that is a server of MCP, as the front offers it; undefined for one of another kind, and where there is none. */
  mcpPlugin(name: string): FrontPlugin | undefined {
    // Also while the supervisor stops: then its calls are refused.
    const record = this.#runtime.records.get(name);
    if (record === undefined || kindOf(record.entry.manifest).name !== mcp.name) return undefined;
    const { clientProcesses } = this.#runtime;
    const refuse = (): void => {
      if (this.#mustLoadFirst(record)) throw this.#plugins.whyNot(name);
    };
    const recordOf = (session: ClientSession | undefined): PluginRecord =>
      this.#plugins.find(clientProcesses.pluginOf(name, session));
    const copyOf = (session: ClientSession | undefined): PluginRecord | undefined =>
      this.#runtime.records.get(clientProcesses.copyOf(name, session) ?? '');
    return mcpPlugin(record, recordOf, copyOf, refuse);
  }

  /** @internal What is being installed for a plugin at the moment; undefined where nothing is, or there is no such plugin. */
  installing(name: string): Installing | undefined {
    const record = this.#runtime.records.get(name);
    return record && installingFor(record);
  }

  /** @internal Calls back with what plugins that are servers of MCP tell unasked. Returns how to stop. */
  onNotice(listener: (notice: PluginNotice) => void): () => void {
    return this.#runtime.notices.add(listener);
  }

  /** @internal What jobs need of the supervisor. */
  get jobPort(): JobPort {
    const { settings, clock, onListenerError, onJobError, warnOfJobs, openedJobs } = this.#runtime;
    return {
      dataDir: settings.dataDir,
      clock,
      onListenerError,
      onError: onJobError,
      joinFleet: (calls) => {
        this.#runtime.fleetCalls = calls;
        return () => {
          if (this.#runtime.fleetCalls === calls) this.#runtime.fleetCalls = NO_FLEET;
        };
      },
      warn: warnOfJobs,
      maxWaitMs: settings.maxWaitMs,
      names: () => this.#names(),
      opened: openedJobs,
      siteOf: (name) => {
        const record = this.#runtime.records.get(name);
        const mustLoadFirst = record !== undefined && this.#mustLoadFirst(record);
        return jobSite(name, { plugins: this.#plugins, record, mustLoadFirst, load: () => this.load(name) });
      },
      standingOf: (name) => {
        const record = this.#runtime.records.get(name);
        if (record === undefined || this.#mustLoadFirst(record)) return UNABLE;
        return standingOf(record, () => this.#runtime.prospect(record));
      },
    };
  }

  *#names(): Generator<string, void, undefined> {
    for (const [name, { entry }] of this.#runtime.records) if (entry.copyOf === undefined) yield name;
  }

  /* ---- Config ---- */

  /** The plugin's config: what a running worker says, else what it was given or would start with. */
  config(name: string): Promise<unknown> {
    return withCallerFrames(configOf(this.#plugins, name));
  }

  /** The JSON Schema of the plugin's config: the manifest's, else a running worker's, else null. */
  configSchema(name: string): Promise<unknown> {
    return withCallerFrames(configSchemaOf(this.#plugins, name));
  }

  /** The configs of all loaded plugins by name. */
  async configs(): Promise<Readonly<Record<string, unknown>>> {
    const loaded = this.plugins({ loaded: true });
    return Object.fromEntries(
      await Promise.all(loaded.map(async ({ name }) => [name, await this.config(name)] as const)),
    );
  }

  /** Gives a loaded plugin another config, without a restart. Rejects with `E_CONFIG`, `E_NOT_LOADED` or the plugin's error. */
  updateConfig(name: string, given: unknown): Promise<void> {
    return withCallerFrames(updateConfig(this.#plugins, name, given));
  }

  /* ---- Looking ---- */

  /**
   * Processor time, memory and age of the workers' process trees, together and each, measured by the host. Rejects with
   * `E_NOT_LOADED`.
   */
  async stats(name: string): Promise<PluginStats> {
    return withCallerFrames(statsOf(this.#plugins.find(name).snapshot(), this.#sampler));
  }

  /**
   * The last lines that the plugin's workers printed, as text. Where its manifest allows several instances, each line
   * begins with the number of its worker, as `#3`.
   */
  logs(
    name: string,
    options?: { readonly lines?: number | undefined; readonly follow?: false | undefined },
  ): Promise<string>;
  /**
   * The same line by line, and then what is printed from now on, until the loop is left, the signal aborted, or the
   * supervisor stopped.
   */
  logs(
    name: string,
    options: { readonly lines?: number | undefined; readonly follow: true; readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<string>;
  logs(name: string, options: LogOptions = {}): Promise<string> | AsyncIterable<string> {
    const find = () => {
      const record = this.#plugins.find(name);
      return { file: this.#runtime.logFile(record.plugin), numbered: record.hasInstances() };
    };
    return readLog(find, options, this.#stopped.signal);
  }

  /**
   * Makes a plugin, or an object, the source of the figures of free memory. A plugin is loaded at once, needs no capacity by
   * the policy and is never evicted; its `execute` with `{ command: 'get_system_status' }` answers with
   * `gpu_free_memory_mb` and `memory_available_mb`. Rejects as `load` does, and with `E_OPTIONS` for what is neither; the
   * former source stays then.
   */
  registerSystemMonitor(monitor: string | { read(): Promise<SystemStats> }): Promise<void> {
    return withCallerFrames(registerMonitor(this.#runtime, this.#plugins, this, monitor));
  }

  /** Free and total memory of the machine and its GPUs, from the registered monitor, else the built-in one. */
  systemStats(): Promise<SystemStats> {
    return withCallerFrames(this.#runtime.systemMonitor.read());
  }

  /** All plugins at this moment. */
  snapshot(): SupervisorSnapshot {
    return Object.freeze({ state: this.#runtime.state, plugins: Object.freeze(this.plugins()) });
  }

  /**
   * Calls back with all plugins, now and after every event-loop turn in which one has changed. Returns how to stop. What
   * the listener throws or rejects with is logged, the first time too. Throws `E_OPTIONS` for what is no function.
   */
  subscribe(listener: (snapshot: SupervisorSnapshot) => void): () => void {
    checkListener('subscribe()', listener);
    const { changes, onListenerError } = this.#runtime;
    const show = (): unknown => listener(this.snapshot());
    const off = changes.add(show);
    callListener(show, undefined, onListenerError);
    return off;
  }

  /** Why the plugin is where it is: what it needs and holds, and what was last decided about it. */
  explain(name: string): Explanation {
    return this.#runtime.explain(this.#plugins.find(name));
  }

  /**
   * Calls back at every transition of a plugin, with manifests' problems, at every decision, with what became of an eviction, or with
   * what has come of changed code. Returns how to stop. What
   * the listener throws or rejects with is logged. Throws `E_OPTIONS` for another event, and for what is no function.
   */
  on<K extends keyof SupervisorEvents>(event: K, listener: (value: SupervisorEvents[K]) => void): () => void {
    return listenTo(this.#runtime, event, listener);
  }

  /** How the supervisor stands, and what it can promise on this machine. */
  status(): SupervisorStatus {
    return statusOf(this.#runtime);
  }

  /* ---- The end ---- */

  /**
   * Takes no new calls, lets running ones end, ends every worker, and resolves when nothing of it is left. After
   * `timeoutMs` calls end with `E_STOPPING` and the workers are killed; `Infinity`: never. Rejects with `E_OPTIONS` where that is no time. A further call resolves with the first, and can only bring the kill nearer.
   */
  stop(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    try {
      checkOptions('stop()', options, STOP_OPTIONS);
    } catch (error) {
      return Promise.reject(error);
    }
    const { timeoutMs } = options;
    this.#stopping ??= this.#stop();
    if (timeoutMs !== undefined) {
      const { clock } = this.#runtime;
      const timer = clock.setTimeout(() => this.#runtime.endAll(stoppingError()), timeoutMs);
      const clear = (): void => clock.clearTimeout(timer);
      this.#stopping.then(clear, clear);
    }
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#runtime.hold.set(this, true);
    try {
      await this.#runtime.stop();
    } finally {
      // After the last transition, so that those who watch see it.
      await this.#inspector?.close();
      this.#stopped.abort();
      this.#release?.();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** A plugin that takes requests. Throws where it does not, or must be loaded first. */
  #serving(name: string): PluginRecord {
    const record = this.#plugins.find(name);
    if (this.#mustLoadFirst(record)) throw this.#plugins.whyNot(name);
    if (kindOf(record.entry.manifest).serves !== true) throw notServing(name);
    return record;
  }

  #mustLoadFirst(record: PluginRecord): boolean {
    return this.#settings.load === 'explicit' && record.state === 'discovered';
  }
}
