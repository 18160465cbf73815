import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { orphanProtection } from '../orphans/orphan-protection.ts';
import { followLog, tailLog } from '../logs/log-reader.ts';
import { createTreeSampler, type TreeStats } from '../measure/process-tree.ts';
import {
  ANY,
  checkListener,
  checkOptions,
  FLAG,
  isOptions,
  type OptionKind,
  SIGNAL,
  TEXT,
  wrongArgument,
} from '../argument-checks.ts';
import type { CallOptions, StreamOptions } from '../calls/call.ts';
import { executeCall, streamCall } from '../calls/execute.ts';
import { whenOpen, withLease } from '../calls/lease-task.ts';
import { initializeWorker } from '../actors/initialize.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import {
  checkProgramOptions,
  type InspectSettings,
  type ResolvedSettings,
  resolveSettings,
  type SupervisorSettings,
} from '../settings/settings.ts';
import { GreenroomError } from '../errors.ts';
import type { Explanation } from './explanation.ts';
import type { Inspector } from '../inspector/index.ts';
import type { InspectionObserver } from '../inspector/record/observation.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { frozen } from '../json/frozen.ts';
import { callListener } from '../events/listeners.ts';
import type { PluginState } from '../machines/plugin.ts';
import type { ManifestProblem } from '../manifest/read.ts';
import type { Manifest } from '../manifest/schema.ts';
import { nearestName } from '../text/nearest-name.ts';
import { quoted } from '../text/shown.ts';
import { copyConfig, resolveConfig } from '../settings/plugin-config.ts';
import type { PluginRecord, PluginSnapshot } from './plugin-record.ts';
import type { TransitionEvent } from './plugin-effects.ts';
import { Runtime } from './runtime.ts';
import type { Decision } from '../scheduler/decision.ts';
import { handleSignals } from './signals.ts';
import { guardedLog, openSupervisorLog, type SupervisorLog } from '../logs/supervisor-log.ts';
import type { SupervisorStatus } from './supervisor-status.ts';
import { statsOfPlugin, type SystemStats } from '../measure/system-monitor.ts';

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

/** What `load` takes. */
export interface LoadOptions {
  /** The config; by default the one it had, else the defaults of its schema. */
  readonly config?: unknown;
  /** Gives up waiting; the load itself goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** Which plugins `plugins()` lists. */
export interface PluginFilter {
  readonly category?: string | undefined;
  readonly loaded?: boolean | undefined;
  readonly state?: PluginState | undefined;
  readonly enabled?: boolean | undefined;
}

/** What became of one plugin in `loadAll` or `unloadAll`. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: GreenroomError };

/** What `logs` takes; the overloads say what comes of which. */
interface LogOptions {
  readonly lines?: number | undefined;
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many lines `logs` gives by default. */
const LINES_SHOWN = 100;

/** The state of a whole supervisor, as plain frozen data. */
export interface SupervisorSnapshot {
  readonly state: string;
  readonly plugins: readonly PluginSnapshot[];
}

/** One plugin, to look at and to subscribe to. */
export interface PluginHandle {
  readonly name: string;
  /** The manifest in force, frozen at every level. */
  readonly info: Manifest;
  snapshot(): PluginSnapshot;
  /** Calls back at every state that is entered. Returns how to stop. Throws `E_OPTIONS` for what is no function. */
  subscribe(listener: (plugin: PluginSnapshot) => void): () => void;
}

/** What `on` tells of. */
export interface SupervisorEvents {
  transition: TransitionEvent;
  /** Manifests that cannot be used, or not wholly. */
  problem: readonly ManifestProblem[];
  /** The scheduler has granted, refused, made or promised room, with what that was based on. */
  decision: Decision;
}

/**
 * Starts a supervisor; resolves when the first discovery is done. Rejects with `E_OPTIONS` for options or settings
 * that are not valid. It keeps the program alive until it is stopped, unless `unref` is set.
 */
export async function createSupervisor(options: SupervisorOptions = {}): Promise<Supervisor> {
  checkProgramOptions(options);
  const { logger: givenLogger, clock = systemClock, random = Math.random, observer, ...given } = options;
  const settings = resolveSettings(given);
  const logger = guardedLog(givenLogger ?? openSupervisorLog(settings.logLevel));
  const runtime = new Runtime(settings, { clock, random, logger, observer });
  const supervisor = new Supervisor(runtime, settings);
  await runtime.start();
  if (settings.inspect !== false) await supervisor.serveInspector(settings.inspect, logger);
  return supervisor;
}

const LOAD_OPTIONS = { config: ANY, signal: SIGNAL };

const STATES = ['discovered', 'spawning', 'ready', 'busy', 'released', 'crashed'] satisfies readonly PluginState[];

const STATE: OptionKind = {
  expected: `one of ${STATES.join(', ')}`,
  fits: (value) => STATES.some((state) => state === value),
};

const PLUGIN_FILTER = { category: TEXT, loaded: FLAG, state: STATE, enabled: FLAG };

const CATEGORY_FILTER = { loaded: FLAG };

const LINES: OptionKind = {
  expected: 'a whole number of lines from 0, or Infinity for all',
  fits: (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0),
};

const LOG_OPTIONS = { lines: LINES, follow: FLAG, signal: SIGNAL };

const STOP_OPTIONS: Readonly<Record<string, OptionKind>> = {
  timeoutMs: {
    expected: 'a number of milliseconds from 0, or Infinity for no limit',
    fits: (value) => typeof value === 'number' && value >= 0,
  },
};

/** How long a plugin that is the system monitor may take for its figures, in milliseconds, before it counts as stuck. */
const MONITOR_CALL_TIMEOUT_MS = 10_000;

/** The supervisors whose workers are killed when the program exits without having stopped them. */
const endOnExit = new Set<Runtime>();
process.on('exit', () => {
  for (const runtime of endOnExit) runtime.killAll();
});

/** A running supervisor. Made by {@link createSupervisor}. */
export class Supervisor implements AsyncDisposable {
  readonly #runtime: Runtime;
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
    const { records, transitions, problems, calls, clock, root } = this.#runtime;
    const onError = (error: unknown): void => logger.error({ err: error }, 'The inspector failed to record an event.');
    try {
      // Read from disk only where it is wanted.
      const { openInspector } = await import('../inspector/index.ts');
      const shown = { records, transitions, problems, calls, clock, root, supervisor: this, onError };
      this.#inspector = await openInspector(shown, options);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The inspector, with the address of its page; undefined unless `inspect` was set. */
  get inspector(): Pick<Inspector, 'url' | 'record'> | undefined {
    return this.#inspector;
  }

  /* ---- Discovery ---- */

  /** Reads the search paths anew, which the watcher does by itself; resolves to what is there now. */
  async discover(): Promise<readonly PluginSnapshot[]> {
    this.#refuseIfStopping();
    await this.#runtime.rediscover();
    return this.plugins();
  }

  /** The plugins there are, all or those that fit the filter, by name. Throws `E_OPTIONS` for what is no filter. */
  plugins(filter: PluginFilter = {}): readonly PluginSnapshot[] {
    checkOptions('plugins()', filter, PLUGIN_FILTER);
    const { category, loaded, state, enabled } = filter;
    const found: PluginSnapshot[] = [];
    for (const record of this.#runtime.records.values()) {
      if (category !== undefined && (record.entry.manifest.category ?? '') !== category) continue;
      if (loaded !== undefined && record.loaded !== loaded) continue;
      if (state !== undefined && record.state !== state) continue;
      if (enabled !== undefined && record.context.enabled !== enabled) continue;
      found.push(record.snapshot());
    }
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One plugin. Throws `E_UNKNOWN_PLUGIN`. */
  plugin(name: string): PluginHandle {
    const record = this.#record(name);
    return {
      name,
      get info() {
        // What a program changed of it would change what the supervisor decides.
        return frozen(record.entry.manifest);
      },
      snapshot: () => record.snapshot(),
      subscribe: (listener) => {
        checkListener('plugin().subscribe()', listener);
        return record.watch(() => callListener(listener, record.snapshot(), record.onListenerError));
      },
    };
  }

  /** The categories of the plugins, of all or of those that are loaded or not, in order. */
  categories(filter: { readonly loaded?: boolean | undefined } = {}): readonly string[] {
    checkOptions('categories()', filter, CATEGORY_FILTER);
    const { loaded } = filter;
    const found = new Set<string>();
    for (const { category } of this.plugins({ loaded })) if (category !== '') found.add(category);
    return [...found].toSorted();
  }

  /** The manifests that cannot be used, or not wholly, with file, field and reason. */
  problems(): readonly ManifestProblem[] {
    return this.#runtime.manifests.problems();
  }

  /* ---- Loading ---- */

  /**
   * Starts the plugin's worker and resolves when it is ready; at once where it is. With another config than a running
   * worker has, the worker is given it. Rejects with why the worker did not start.
   */
  async load(name: string, options: LoadOptions = {}): Promise<void> {
    const record = this.#record(name);
    checkOptions('load()', options, LOAD_OPTIONS);
    const { signal } = options;
    const config = copyConfig(options.config, name);
    if (record.serving && config !== undefined) {
      const [present, wanted] = [record.context.config, config].map((given) => this.#checked(record, given));
      if (!isDeepStrictEqual(await present, await wanted)) await this.updateConfig(name, config);
      return;
    }
    if (!record.context.enabled) throw this.#disabled(name);
    if (config !== undefined) await this.#checked(record, config);
    record.send({ type: 'LOAD', config: config === undefined ? undefined : { value: config } });
    await whenOpen(
      record.gate,
      signal,
      () =>
        new GreenroomError('E_CANCELLED', `Waiting for "${name}" was cancelled.`, {
          plugin: name,
          cause: signal?.reason,
        }),
    );
  }

  /** Loads every enabled plugin, with these configs by name. Never rejects for one plugin: each has its outcome. */
  async loadAll(configs: Readonly<Record<string, unknown>> = {}): Promise<ReadonlyMap<string, Outcome>> {
    if (!isOptions(configs)) throw wrongArgument('The configs of loadAll()', 'an object of configs by name', configs);
    return this.#each(this.plugins({ enabled: true }), (name) =>
      this.load(name, { config: Object.hasOwn(configs, name) ? configs[name] : undefined }),
    );
  }

  /**
   * Ends the plugin's worker after its calls, and resolves when it is gone, also if a call has a new one started by then.
   * Does nothing where there is none.
   */
  async unload(name: string): Promise<void> {
    const record = this.#record(name);
    record.send({
      type: 'UNLOAD',
      error: new GreenroomError('E_STOPPING', `"${name}" is being unloaded.`, { plugin: name }),
    });
    const last = record.context.generation;
    await record.until(() => {
      const { workers, generation } = record.context;
      const isOver = generation > last || record.atRest;
      return isOver && workers.every((worker) => worker.generation > last);
    });
  }

  /** Unloads every plugin that is not at rest. */
  unloadAll(): Promise<ReadonlyMap<string, Outcome>> {
    const running = this.plugins().filter(({ state, phase }) => state !== 'discovered' || phase !== 'idle');
    return this.#each(running, (name) => this.unload(name));
  }

  /**
   * Runs a new worker in place of the one there is, without a gap where it is ready, and resolves when the new one is.
   * The config stays unless another is given. Loads a plugin that is not loaded.
   */
  async reload(name: string, options: LoadOptions = {}): Promise<void> {
    const record = this.#record(name);
    checkOptions('reload()', options, LOAD_OPTIONS);
    const config = copyConfig(options.config, name);
    if (config !== undefined) await this.#checked(record, config);
    const { config: former, current: old } = record.context;
    if (config !== undefined && record.serving) record.send({ type: 'CONFIGURED', config });
    while (record.serving && record.context.current === old) {
      record.replacementError = undefined;
      record.send({ type: 'REPLACE' });
      try {
        // A release or an unload may come between; then it is tried again in another way.
        await record.until(() => record.replacementError ?? (record.context.current !== old || !record.replacing));
      } catch (error) {
        record.send({ type: 'CONFIGURED', config: former });
        throw error;
      }
    }
    if (record.context.current === old) record.send({ type: 'REPLACE' });
    return this.load(name, { ...options, config });
  }

  /** Has the plugin give up its resources once its calls have ended; the next call brings it back. */
  async release(name: string): Promise<void> {
    const record = this.#record(name);
    if (!record.serving) return;
    record.send({ type: 'YIELD' });
    await record.until(() => {
      if (record.serving) {
        return new GreenroomError(
          'E_TIMEOUT',
          `"${name}" was not released: its calls did not finish within its drain timeout. Raise drain_timeout_ms in its manifest, or try again.`,
          { plugin: name },
        );
      }
      return record.phase !== 'draining' && record.phase !== 'releasing';
    });
  }

  /** Takes calls of the plugin again. */
  enable(name: string): void {
    this.#record(name).send({ type: 'ENABLE' });
  }

  /** Refuses calls of the plugin with `E_DISABLED`, those that wait too. Its worker stays, and so do calls that run. */
  disable(name: string): void {
    this.#record(name).send({ type: 'DISABLE', error: this.#disabled(name) });
  }

  /* ---- Calls ---- */

  /**
   * Calls the plugin, loading it where need be, and resolves to its result. An object becomes the plugin's keyword
   * arguments, an array its positional ones, anything else the only one. Rejects with a {@link GreenroomError}.
   */
  execute<Output = unknown>(name: string, input?: unknown, options: CallOptions = {}): Promise<Output> {
    const record = this.#runtime.records.get(name);
    if (record === undefined || this.#mustLoadFirst(record)) return Promise.reject(this.#whyNot(name));
    return executeCall<Output>(record, input, options);
  }

  /**
   * Calls the plugin and yields what it streams. The call starts with the first `next()`; leaving the loop cancels it, and
   * so does a reader that asks for nothing for `streamIdleMs` while items wait.
   */
  stream<Chunk = unknown>(
    name: string,
    input?: unknown,
    options: StreamOptions = {},
  ): AsyncIterableIterator<Chunk> & AsyncDisposable {
    const record = this.#record(name);
    if (this.#mustLoadFirst(record)) throw this.#whyNot(name);
    return streamCall<Chunk>(record, input, options);
  }

  /* ---- Config ---- */

  /** The plugin's config: what a running worker says, else what it was given or would start with. */
  async config(name: string): Promise<unknown> {
    const record = this.#record(name);
    if (record.serving) return withLease(record.gate, (channel, signal) => channel.config(signal));
    const { config, entry } = record.context;
    return structuredClone(await resolveConfig(entry.manifest.config_schema, config, name));
  }

  /** The JSON Schema of the plugin's config: the manifest's, else a running worker's, else null. */
  async configSchema(name: string): Promise<unknown> {
    const record = this.#record(name);
    const own = record.entry.manifest.config_schema;
    if (own !== undefined) return structuredClone(own);
    return record.serving ? withLease(record.gate, (channel, signal) => channel.configSchema(signal)) : null;
  }

  /** The configs of all loaded plugins by name. */
  async configs(): Promise<Readonly<Record<string, unknown>>> {
    const loaded = this.plugins({ loaded: true });
    return Object.fromEntries(
      await Promise.all(loaded.map(async ({ name }) => [name, await this.config(name)] as const)),
    );
  }

  /** Gives a loaded plugin another config, without a restart. Rejects with `E_CONFIG`, `E_NOT_LOADED` or the plugin's error. */
  async updateConfig(name: string, given: unknown): Promise<void> {
    const record = this.#record(name);
    const config = copyConfig(given, name);
    if (!record.loaded) {
      throw new GreenroomError(
        'E_NOT_LOADED',
        `"${name}" is not loaded. Load it with the config: load("${name}", { config }).`,
        { plugin: name },
      );
    }
    if (record.serving)
      await withLease(record.gate, (channel, signal) => initializeWorker(channel, record.entry, config, signal));
    else await this.#checked(record, config);
    record.send({ type: 'CONFIGURED', config });
  }

  /* ---- Looking ---- */

  /** Processor time, memory and age of the worker's process tree, measured by the host. Rejects with `E_NOT_LOADED`. */
  async stats(name: string): Promise<TreeStats> {
    const { pid } = this.#record(name).snapshot();
    if (pid === undefined)
      throw new GreenroomError('E_NOT_LOADED', `"${name}" has no worker to measure. Start it first: load("${name}").`, {
        plugin: name,
      });
    return this.#sampler.sample(pid);
  }

  /** The last lines that the plugin's workers printed, as text. */
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
    return isOptions(options) && options.follow === true
      ? this.#followLog(name, options)
      : this.#tailLog(name, options);
  }

  async #tailLog(name: string, options: LogOptions): Promise<string> {
    const file = this.#logFile(name, options);
    return tailLog(file, options.lines ?? LINES_SHOWN);
  }

  async *#followLog(name: string, options: LogOptions): AsyncGenerator<string, void, undefined> {
    const file = this.#logFile(name, options);
    const { lines = LINES_SHOWN, signal } = options;
    yield* followLog(file, { lines, signal, until: this.#stopped.signal });
  }

  #logFile(name: string, options: LogOptions): string {
    const { plugin } = this.#record(name);
    checkOptions('logs()', options, LOG_OPTIONS);
    return this.#runtime.logFile(plugin);
  }

  /**
   * Makes a plugin, or an object, the source of the figures of free memory. A plugin is loaded at once, needs no room by
   * the policy and is never evicted; its `execute` with `{ command: 'get_system_status' }` answers with
   * `gpu_free_memory_mb` and `memory_available_mb`. Rejects as `load` does, and with `E_OPTIONS` for what is neither; the
   * former source stays then.
   */
  async registerSystemMonitor(monitor: string | { read(): Promise<SystemStats> }): Promise<void> {
    const { systemMonitor } = this.#runtime;
    if (typeof monitor !== 'string') {
      if (!isOptions(monitor) || typeof monitor.read !== 'function') {
        throw wrongArgument('The system monitor', 'the name of a plugin, or an object with read()', monitor);
      }
      this.#runtime.plugins.monitor = undefined;
      return systemMonitor.use('custom', () => monitor.read());
    }
    const former = this.#runtime.plugins.monitor;
    this.#record(monitor);
    this.#runtime.plugins.monitor = monitor;
    try {
      await this.load(monitor);
    } catch (error) {
      this.#runtime.plugins.monitor = former;
      throw error;
    }
    systemMonitor.use(monitor, async () =>
      statsOfPlugin(await this.execute(monitor, this.#monitorInput(monitor), { timeoutMs: MONITOR_CALL_TIMEOUT_MS })),
    );
  }

  /** A Python class gets the command as its first argument, whatever it calls that. */
  #monitorInput(monitor: string): unknown {
    const { isPositional } = kindOf(this.#record(monitor).entry.manifest);
    const command = 'get_system_status';
    return isPositional ? [command] : { command };
  }

  /** Free and total memory of the machine and its GPUs, from the registered monitor, else the built-in one. */
  systemStats(): Promise<SystemStats> {
    return this.#runtime.systemMonitor.read();
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
    return this.#runtime.scheduling.explain(this.#record(name));
  }

  /**
   * Calls back at every transition of a plugin, with manifests' problems, or at every decision. Returns how to stop. What
   * the listener throws or rejects with is logged. Throws `E_OPTIONS` for another event, and for what is no function.
   */
  on<K extends keyof SupervisorEvents>(event: K, listener: (value: SupervisorEvents[K]) => void): () => void {
    checkListener('on()', listener);
    switch (event) {
      case 'transition':
        return this.#runtime.transitions.add(listener as (value: TransitionEvent) => void);
      case 'problem':
        return this.#runtime.problems.add(listener as (value: readonly ManifestProblem[]) => void);
      case 'decision':
        return this.#runtime.scheduling.decisions.add(listener as (value: Decision) => void);
      default:
        throw new GreenroomError(
          'E_OPTIONS',
          `Unknown event ${quoted(event)} for on(). Expected one of: transition, problem, decision.`,
        );
    }
  }

  /** How the supervisor stands, and what it can promise on this machine. */
  status(): SupervisorStatus {
    const counts: Record<PluginState, number> = {
      discovered: 0,
      spawning: 0,
      ready: 0,
      busy: 0,
      released: 0,
      crashed: 0,
    };
    for (const record of this.#runtime.records.values()) counts[record.state] += 1;
    const { transport, dataDir, searchPaths } = this.#settings;
    const scheduling = this.#runtime.scheduling.status();
    return Object.freeze({
      state: this.#runtime.state,
      policy: scheduling.policy,
      scheduling,
      transport,
      dataDir,
      searchPaths,
      orphanProtection: orphanProtection(),
      monitor: this.#runtime.systemMonitor.name,
      counts: Object.freeze(counts),
      workers: this.#runtime.workers,
    });
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

  #record(name: string): PluginRecord {
    const record = this.#runtime.records.get(name);
    if (record === undefined) throw this.#whyNot(name);
    this.#refuseIfStopping();
    return record;
  }

  #mustLoadFirst(record: PluginRecord): boolean {
    return this.#settings.load === 'explicit' && record.state === 'discovered';
  }

  #whyNot(name: string): GreenroomError {
    if (this.#stopping !== undefined) return stoppingError();
    if (this.#runtime.records.has(name)) {
      return new GreenroomError('E_NOT_LOADED', `"${name}" is not loaded. Load it first: load("${name}").`, {
        plugin: name,
      });
    }
    // JavaScript may have passed anything.
    const isName = typeof name === 'string';
    const near = isName ? nearestName(name, this.#runtime.records.keys()) : undefined;
    const hint = near === undefined ? 'Call plugins() to list the known plugins.' : `Did you mean "${near}"?`;
    return new GreenroomError('E_UNKNOWN_PLUGIN', `There is no plugin ${quoted(name)}. ${hint}`, {
      plugin: isName ? name : undefined,
      details: { nearest: near },
    });
  }

  #disabled(name: string): GreenroomError {
    return new GreenroomError('E_DISABLED', `"${name}" is disabled. Enable it first: enable("${name}").`, {
      plugin: name,
    });
  }

  #refuseIfStopping(): void {
    if (this.#stopping !== undefined) throw stoppingError();
  }

  /** A given config, checked and completed by the manifest's schema; the worker's own schema is asked when it starts. */
  async #checked(record: PluginRecord, config: unknown): Promise<unknown> {
    const schema = record.entry.manifest.config_schema;
    return schema === undefined ? config : resolveConfig(schema, config, record.plugin);
  }

  async #each(
    plugins: readonly PluginSnapshot[],
    act: (name: string) => Promise<void>,
  ): Promise<ReadonlyMap<string, Outcome>> {
    const outcomes = await Promise.all(
      plugins.map(async ({ name }): Promise<[string, Outcome]> => {
        try {
          await act(name);
          return [name, { ok: true }];
        } catch (error) {
          return [name, { ok: false, error: error as GreenroomError }];
        }
      }),
    );
    return new Map(outcomes);
  }
}

function stoppingError(): GreenroomError {
  return new GreenroomError(
    'E_STOPPING',
    'The supervisor is stopping or has stopped. Create another one with createSupervisor().',
  );
}
