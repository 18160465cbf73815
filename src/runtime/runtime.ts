// Longer than others because machines, actors, calls and manifests are put together here, and nowhere else.

import { type ActorRefFrom, type AnyActorRef, createActor, fromPromise } from 'xstate';
import { connectWorker } from '../actors/connect.ts';
import { initializeWorker } from '../actors/initialize.ts';
import { monitorLogic } from '../actors/monitor.ts';
import { spawnWorker } from '../actors/process.ts';
import { provideWorker } from '../actors/worker.ts';
import { LeaseEdges } from '../calls/lease-edges.ts';
import { GreenroomError } from '../errors.ts';
import { Listeners } from '../events/listeners.ts';
import type { InspectionObserver } from '../inspector/record/inspection-observer.ts';
import { guarded } from '../inspector/record/observation.ts';
import { openPluginLog, type PluginLog } from '../logs/log-file.ts';
import { pluginLogFile } from '../logs/plugin-log-file.ts';
import type { SupervisorLog } from '../logs/supervisor-log.ts';
import { pluginMachine } from '../machines/plugin.ts';
import { type SupervisorHost, supervisorMachine } from '../machines/supervisor.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import { createManifestSource, type ManifestChange, type ManifestSource } from '../manifest/source.ts';
import type { PluginNotice } from '../mcp/front-plugin.ts';
import { KnownEras } from '../mcp/known-eras.ts';
import { createOomWatch } from '../measure/out-of-memory.ts';
import { createTreeSampler, type TreeSampler } from '../measure/process-tree.ts';
import { type MachineReader, SystemMonitor } from '../measure/system-monitor.ts';
import { readTreeMemory } from '../measure/tree-memory.ts';
import type { RunningWorker } from '../measure/worker-use.ts';
import { sweepOrphans } from '../orphans/orphan-sweep.ts';
import { WorkerTrees } from '../orphans/worker-trees.ts';
import { PackageInstalls } from '../packages/package-installs.ts';
import { PythonEnvs } from '../python-envs/python-envs.ts';
import type { Prospect } from '../scheduler/prospect.ts';
import { instanceIssues } from '../settings/instance-limits.ts';
import { pluginSettings } from '../settings/plugin-settings.ts';
import type { ResolvedSettings } from '../settings/resolve.ts';
import type { Clock } from '../time/clock.ts';
import { patient } from '../time/patience.ts';
import { ToolCache } from '../tools/tool-cache.ts';
import { type CallsInFleet, NO_FLEET } from './calls-in-fleet.ts';
import { ClientProcesses } from './client-processes.ts';
import { CodeFollowing, notServed } from './code-following.ts';
import type { Explanation } from './explanation.ts';
import { OpenedJobs } from './opened-jobs.ts';
import { PluginEffects } from './plugin-effects.ts';
import { PluginLookup } from './plugin-lookup.ts';
import type { PluginRecord } from './plugin-record.ts';
import { Plugins } from './plugins.ts';
import { ProgramHold } from './program-hold.ts';
import { Scheduling } from './scheduling.ts';
import type { CodeEvent, InstanceEvent, TransitionEvent } from './supervisor-events.ts';
import { WorkerMeasurements } from './worker-measurements.ts';

/** What the runtime takes from outside: tests bring their own time, chance and workers. */
export interface RuntimePorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: SupervisorLog;
  /** Starts a worker; by default a process. */
  readonly spawn?: typeof spawnWorker | undefined;
  /** Connects to a worker; by default by its handshake. */
  readonly connect?: typeof connectWorker | undefined;
  /** Measures the memory of workers; by default that of their processes. */
  readonly sampler?: TreeSampler | undefined;
  /** Whether every plugin has one instance at most, whatever its manifest says. */
  readonly oneInstance?: boolean | undefined;
  /** Is given every event of XState's inspection. */
  readonly observer?: InspectionObserver | undefined;
  /** Measures what a worker takes up; by default what the system says of its processes. */
  readonly memoryOf?: typeof readTreeMemory | undefined;
  /** Reads what the machine has and what of it is free; by default the real one. */
  readonly machine?: MachineReader | undefined;
}

/**
 * Puts the machines, the actors and the data plane together. It owns the logs and the table of living processes, and
 * is the host of the supervisor's machine.
 */
export class Runtime implements SupervisorHost {
  readonly settings: ResolvedSettings;
  /** What keeps the program alive: plugins that are at something, and whoever wants to. */
  readonly hold = new ProgramHold();
  readonly manifests: ManifestSource;
  readonly scheduling: Scheduling;
  readonly plugins: Plugins;
  /** Undefined where code is not followed. */
  readonly #codeFollowing: CodeFollowing | undefined;
  readonly #trees: WorkerTrees;
  readonly #edges: LeaseEdges;
  readonly transitions: Listeners<TransitionEvent>;
  readonly instances: Listeners<InstanceEvent>;
  readonly problems: Listeners<readonly ManifestProblem[]>;
  /** What has come of changes in the code of plugins. */
  readonly code: Listeners<CodeEvent>;
  /** Told of the manifests that could not be used and can be again. */
  readonly solved: Listeners<readonly string[]>;
  /** The supervisor that the program holds, as the traces of calls name it. Set by it, before the start. */
  supervisor!: object;
  /** Where the figures of memory come from. */
  readonly systemMonitor: SystemMonitor;
  /** The actor that asks it for the scheduler. */
  readonly monitor: ActorRefFrom<typeof monitorLogic>;
  /** Something has changed of which `subscribe` tells, once an event-loop turn. */
  readonly changes: Listeners<void>;
  /** The processes of servers of MCP that clients do not share. */
  readonly clientProcesses: ClientProcesses;
  /** What a plugin that is a server of MCP tells unasked. */
  readonly notices: Listeners<PluginNotice>;
  /** Who makes the calls that may run in another program. */
  fleetCalls: CallsInFleet = NO_FLEET;
  readonly openedJobs: OpenedJobs;
  readonly #clock: Clock;
  /** Times what is judged: workers, and the steps of the machines. */
  readonly #patience: Clock;
  readonly #random: () => number;
  readonly #logger: SupervisorLog;
  readonly #logs = new Map<string, PluginLog>();
  readonly #root: ActorRefFrom<typeof supervisorMachine>;
  #changePending = false;
  #failure: unknown;

  constructor(
    settings: ResolvedSettings,
    {
      clock,
      random,
      logger,
      spawn = spawnWorker,
      connect = connectWorker,
      sampler = createTreeSampler(),
      memoryOf = readTreeMemory,
      machine,
      oneInstance = false,
      observer,
    }: RuntimePorts,
  ) {
    this.settings = settings;
    this.#trees = new WorkerTrees(settings.dataDir);
    this.#clock = clock;
    this.#patience = patient(clock);
    this.#random = random;
    this.#logger = logger;
    const { onListenerError } = this;
    const record = (plugin: string): PluginRecord | undefined => this.records.get(plugin);
    this.scheduling = new Scheduling(settings, {
      clock,
      logger,
      onListenerError,
      log: (plugin) => this.#log(plugin),
      record,
    });
    this.transitions = new Listeners(this.onListenerError);
    this.instances = new Listeners(this.onListenerError);
    this.problems = new Listeners(this.onListenerError);
    this.code = new Listeners(this.onListenerError);
    this.solved = new Listeners(this.onListenerError);
    this.changes = new Listeners(this.onListenerError);
    this.notices = new Listeners(this.onListenerError);
    this.openedJobs = new OpenedJobs(this.onListenerError);
    this.clientProcesses = new ClientProcesses({
      entryOf: (plugin) => this.records.get(plugin)?.entry,
      apply: (changes) => this.#root.send({ type: 'MANIFESTS.CHANGED', changes }),
      isBusy: (plugin) => {
        const gate = this.records.get(plugin)?.gate;
        return gate !== undefined && gate.leases + gate.waiting > 0;
      },
      unload: (plugin) => {
        const message = `"${plugin}" is being unloaded: its client has gone, or another has come.`;
        const error = new GreenroomError('E_STOPPING', message, { plugin });
        this.records.get(plugin)?.send({ type: 'UNLOAD', error });
      },
    });
    this.manifests = createManifestSource({
      searchPaths: settings.searchPaths,
      namedPaths: settings.namedPaths,
      mcpConfigs: { files: settings.mcpConfigs, dataDir: settings.dataDir, userDataDir: settings.userDataDir },
      watch: settings.watch,
      pollMs: settings.pollMs,
      clock,
      check: (manifest) => instanceIssues(manifest, settings),
      onChanges: (changes) => this.#apply(changes),
      onProblems: (problems) => this.#noteProblems(problems),
      onSolved: (files) => this.solved.notify(files),
    });
    this.systemMonitor = new SystemMonitor({
      clock,
      hostDevices: process.env['CUDA_VISIBLE_DEVICES'],
      machine,
      workers: () => this.#runningWorkers(),
      onProblem: (message) => logger.warn(message),
    });
    this.monitor = createActor(monitorLogic, {
      input: { clock: this.#patience, figures: this.systemMonitor, answer: (event) => this.#scheduler.send(event) },
      id: 'monitor',
    });
    const toolCache = new ToolCache(settings.dataDir);
    const pythonEnvs = new PythonEnvs(settings.dataDir);
    const measurements = new WorkerMeasurements(this.scheduling, this.systemMonitor, memoryOf);
    const logic = pluginMachine.provide({
      actors: {
        worker: provideWorker({
          spawn,
          services: {
            trees: this.#trees,
            oom: createOomWatch(),
            installs: new PackageInstalls(settings.dataDir),
            eras: new KnownEras(settings.dataDir, () => clock.now()),
            pythonEnvs,
            log: (plugin) => this.#log(plugin),
          },
          connect,
          sampler,
          clock,
          patience: this.#patience,
          measure: async (plugin, generation) => {
            const context = record(plugin)?.context;
            if (context !== undefined) await measurements.learn(context, generation);
          },
        }),
        release: fromPromise(({ input, signal }) => measurements.release(input.context, signal)),
        resume: fromPromise(({ input: { residency, config, entry }, signal }) => {
          if (residency === undefined) return Promise.reject(new Error('The warm worker has ended.'));
          return initializeWorker(residency.channel, entry, config, signal);
        }),
      },
    });
    this.#edges = new LeaseEdges({
      clock,
      isWaitedFor: () => this.scheduling.isWaitedFor,
      onPending: (isPending) => this.hold.set(this.#edges, isPending),
    });
    const host = new PluginEffects({
      settings,
      clock,
      logger,
      scheduling: this.scheduling,
      edges: this.#edges,
      hold: this.hold,
      transitions: this.transitions,
      record,
      begun: (plugin) => this.clientProcesses.begun(plugin),
      onChange: () => this.#noteChange(),
    });
    this.plugins = new Plugins({
      logic,
      host,
      site: () => ({
        clock,
        edges: this.#edges,
        patience: this.#patience,
        streamIdleMs: settings.streamIdleMs,
        integers: settings.integers,
        warn: (details, message) => logger.warn(details, message),
        onListenerError,
        supervisor: this.supervisor,
        toolCache,
        onNotice: (plugin, method, params) => {
          const address = this.clientProcesses.addressOf(plugin);
          if (address !== undefined) this.notices.notify({ ...address, method, params });
        },
        onInstances: (events) => {
          if (this.instances.any) for (const event of events) this.instances.notify(event);
        },
      }),
      settingsOf: (manifest) => pluginSettings(oneInstance ? { ...manifest, instances: 1 } : manifest, settings),
      parent: () => this.#root,
      scheduler: () => this.#scheduler,
      onChange: () => this.#noteChange(),
      onAdd: (record) => this.#codeFollowing?.follow(record),
      onForget: (plugin, record) => this.#forget(plugin, record),
      onError: (record, error) => this.#failPlugin(record, error),
    });
    if (settings.watchCode)
      this.#codeFollowing = new CodeFollowing({
        settings,
        clock,
        pythonEnvs,
        plugins: new PluginLookup(this.records, () => this.state !== 'running'),
        launch: ({ context }) => host.plan(context),
        tell: (plugin, news) => this.#tellCode({ ...news, plugin, at: clock.now() }),
      });
    this.#root = createActor(supervisorMachine.provide({ actors: { discover: fromPromise(() => this.#boot()) } }), {
      input: { host: this },
      clock: this.#patience,
      id: 'supervisor',
      ...(observer !== undefined && { inspect: guarded(observer, this.onListenerError) }),
    });
    // An error of the root is a bug of ours. Workers must not outlive it, and the program must not die of it.
    this.#root.subscribe({ error: (error) => this.#fail(error) });
  }

  /** Starts the machines; resolves when the first discovery is done. */
  async start(): Promise<void> {
    this.monitor.start();
    this.#root.start();
    const { scheduler } = this.#root.getSnapshot().children;
    if (scheduler !== undefined) this.scheduling.attach(scheduler);
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.#root.getSnapshot().matches('booting')) resolve();
      };
      this.#root.subscribe({ next: look, error: () => resolve(), complete: resolve });
      look();
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What an earlier supervisor of the data directory has left is ended before anything is started. */
  async #boot(): Promise<ManifestChange[]> {
    const [changes, swept] = await Promise.all([
      this.manifests.discover(),
      sweepOrphans(this.settings.dataDir),
      // The driver may take longer than a decision waits, and what is started before would have no place on them.
      this.scheduling.input.policy?.measures === true ? this.systemMonitor.findGpus() : undefined,
    ]);
    if (swept > 0) this.#logger.warn({ swept }, 'Killed worker processes that an earlier supervisor had left behind.');
    return changes;
  }

  /** Reads the search paths anew and applies what has changed. */
  async rediscover(): Promise<void> {
    this.#apply(await this.manifests.discover());
  }

  #apply(changes: readonly ManifestChange[]): void {
    this.#root.send({ type: 'MANIFESTS.CHANGED', changes: this.clientProcesses.withCopies(changes) });
  }

  /** Why a plugin is where it is, by the leases that are out now. */
  explain(record: PluginRecord): Explanation {
    this.#edges.tellAll();
    return this.scheduling.explain(record, this.#codeFollowing?.faultOf(record.plugin));
  }

  /** Whether a plugin would be granted memory, by the leases that are out now. */
  prospect(record: PluginRecord): Prospect {
    this.#edges.tellAll();
    return this.scheduling.prospect(record);
  }

  /** Ends every plugin, then everything else that runs. Resolves when nothing is left. */
  async stop(): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#root.subscribe({ complete: resolve, error: () => resolve() });
      if (this.#root.getSnapshot().status !== 'active') resolve();
    });
    this.#codeFollowing?.close();
    this.#root.send({ type: 'STOP' });
    await this.manifests.close();
    await done;
    this.monitor.stop();
    this.#edges.close();
    await this.#trees.close();
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
    this.#logs.clear();
  }

  /** Ends every worker at once; their plugins then end as they do when a worker is lost. */
  killAll(): void {
    this.#trees.killAll();
  }

  /** Ends every call with this error, and then every worker at once. */
  endAll(error: GreenroomError): void {
    for (const { context, gate } of this.records.values()) {
      for (const { generation, residency } of context.workers) gate.lose(generation, residency, error);
    }
    this.killAll();
  }

  /** The plugins by name. */
  get records(): ReadonlyMap<string, PluginRecord> {
    return this.plugins.records;
  }

  /** The actor of the supervisor's machine. */
  get root(): AnyActorRef {
    return this.#root;
  }

  get #scheduler(): AnyActorRef {
    return this.#root.getSnapshot().children.scheduler as AnyActorRef;
  }

  #runningWorkers(): RunningWorker[] {
    return [...this.records.values()].flatMap(({ plugin, context }) =>
      context.workers.flatMap(({ generation, pid }) => (pid === undefined ? [] : { plugin, generation, pid })),
    );
  }

  /** `booting`, `running`, `draining` or `stopped`. */
  get state(): string {
    return this.#root.getSnapshot().value;
  }

  /** How many worker processes live. */
  get workers(): number {
    return this.#trees.size;
  }

  readonly onListenerError = (error: unknown): void => {
    this.#logger.error({ err: error }, 'A listener of the host program threw an error.');
  };

  readonly onJobError = (error: unknown): void => {
    this.#logger.error({ err: error }, 'The store of jobs refused what was asked of it.');
  };

  readonly warnOfJobs = (details: Readonly<Record<string, unknown>>, message: string): void => {
    this.#logger.warn(details, message);
  };

  /** The log file of a plugin. */
  logFile(plugin: string): string {
    return pluginLogFile(this.settings.dataDir, plugin);
  }

  /* ---- What the supervisor machine asks for ---- */

  get clock(): Clock {
    return this.#clock;
  }

  get schedulerInput(): SupervisorHost['schedulerInput'] {
    return { ...this.scheduling.input, monitor: this.monitor };
  }

  random(): number {
    return this.#random();
  }

  /** What was known of a plugin that is gone. */
  #forget(plugin: string, record: PluginRecord | undefined): void {
    this.#codeFollowing?.forget(plugin);
    this.scheduling.forget(plugin);
    // Whoever waits for it to come to rest is told that it has.
    record?.enter('discovered', 'idle', this.#clock.now());
    this.hold.set(record, false);
  }

  #log(plugin: string): PluginLog {
    let log = this.#logs.get(plugin);
    if (log === undefined) {
      log = openPluginLog({
        file: this.logFile(plugin),
        plugin,
        onError: (error) => this.#logger.error({ plugin, err: error }, 'The log of a plugin cannot be written.'),
      });
      this.#logs.set(plugin, log);
    }
    return log;
  }

  #noteProblems(problems: readonly ManifestProblem[]): void {
    for (const problem of problems) this.#logger.warn({ ...problem }, manifestProblemText(problem));
    this.problems.notify(problems);
  }

  /** Also those who do not listen read there why an edit has changed nothing. */
  #writeCodeFault(plugin: string, files: readonly string[], fault: string): void {
    try {
      this.#log(plugin).event({ files }, fault);
    } catch (error) {
      this.#logger.error({ plugin, err: error }, 'A fault of changed code cannot be written to the log of the plugin.');
    }
  }

  #tellCode(event: CodeEvent): void {
    const { plugin, outcome, files } = event;
    const fault = notServed(event);
    if (outcome === 'faulty') this.#logger.warn({ plugin, files }, fault);
    if (fault !== undefined) this.#writeCodeFault(plugin, files, fault);
    if (outcome === 'unwatched') this.#logger.warn({ plugin, files }, `The code cannot be watched: ${event.reason}.`);
    this.code.notify(Object.freeze(event));
  }

  #noteChange(): void {
    if (this.#changePending || !this.changes.any) return;
    this.#changePending = true;
    setImmediate(() => {
      this.#changePending = false;
      this.changes.notify();
    });
  }

  /** An error of a plugin's machine is a bug of ours too, but the other plugins need not suffer for it. */
  #failPlugin(record: PluginRecord, error: unknown): void {
    const { plugin } = record;
    this.#logger.fatal({ plugin, err: error }, 'The state machine of a plugin failed; its workers are killed.');
    this.#trees.killAll(plugin);
    const lost = new GreenroomError(
      'E_STOPPING',
      `"${plugin}" was given up: its state machine failed, as the log of the supervisor tells.`,
      {
        plugin,
        cause: error,
      },
    );
    for (const residency of record.gate.serving) record.gate.lose(residency.generation, residency, lost);
    record.gate.refuse(lost);
    this.#root.send({ type: 'PLUGIN.REMOVED', plugin });
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#logger.fatal({ err: error }, 'The supervisor failed; all workers are killed.');
    this.killAll();
  }
}

function manifestProblemText({ file, field, reason }: ManifestProblem): string {
  return `Problem in ${file}: ${field === undefined || field === '' ? '' : `${field}: `}${reason}.`;
}
