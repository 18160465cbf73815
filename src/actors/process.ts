import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError, messageOf } from '../errors.ts';
import type { PluginLog } from '../logs/log-file.ts';
import type { LaunchRequest } from '../machines/worker.ts';
import { PATIENCE_MS } from '../manifest/patience.ts';
import { missingPaths } from '../manifest/read.ts';
import type { KnownEra, KnownEras } from '../mcp/known-eras.ts';
import { type OomWatch, saysOutOfMemory } from '../measure/out-of-memory.ts';
import { type GatedCommand, gatedCommand } from '../orphans/gated-command.ts';
import type { WorkerTree, WorkerTrees } from '../orphans/worker-trees.ts';
import type { PackageInstalls } from '../packages/package-installs.ts';
import { LastLines } from '../process/last-lines.ts';
import { ProcessOutput } from '../process/process-output.ts';
import { findProgram } from '../process/program-path.ts';
import { spawnTurn } from '../process/spawn-turn.ts';
import { startProcess } from '../process/start-process.ts';
import type { StartRequest } from '../process/start-request.ts';
import type { ProcessEvent, WorkerExit, WorkerProcess, WorkerStreams } from '../process/worker-process.ts';
import type { WorkerStart } from '../process/worker-start.ts';
import { EXIT_DO_NOT_RESTART } from '../protocol.ts';
import type { PythonEnvs } from '../python-envs/python-envs.ts';
import { shortageIn, systemCodeOf } from '../system-error.ts';
import { identityOf } from '../tools/tool-cache.ts';
import { attendServer } from './attended-server.ts';
import { environmentStep } from './environment-step.ts';
import { installStep, type WorkerProgram } from './install-step.ts';

/** What every spawn of a supervisor shares. */
export interface SpawnServices {
  readonly trees: WorkerTrees;
  readonly oom: OomWatch;
  readonly installs: PackageInstalls;
  readonly eras: KnownEras;
  readonly pythonEnvs: PythonEnvs;
  /** The log of a plugin; throws `E_DATA_DIR` where it cannot be written. */
  readonly log: (plugin: string) => PluginLog;
}

/** What the system answers where a program is not there, may not be run, or is none. */
const FAULTS_OF_PROGRAMS: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'ENOEXEC']);

/** With this status a shell says that what it ran was ended by SIGKILL. */
const KILLED_STATUS = 137;

/** How often a worker is started, each time with another port, whose port another program has taken. */
const MAX_STARTS = 4;

/** A worker process on its way through life, to be signalled. */
export interface SpawnedWorker {
  /** Signals the worker's group, unless its number has become a stranger's. The log tells why, where that is said. */
  signal(signal: NodeJS.Signals, reason?: string): void;
}

/**
 * Starts a worker in a process group of its own and tells what becomes of it: `PROCESS.SPAWNED`, then
 * `PROCESS.EXITED`, and `PROCESS.GONE` when nothing of its group is left. Where it cannot be started, the latter two
 * come alone, with the reason. Before, `PROCESS.INSTALLING` and `PROCESS.INSTALLED` where its package has to be installed.
 * Never throws.
 */
export function spawnWorker(
  launch: LaunchRequest,
  generation: number,
  services: SpawnServices,
  tell: (event: ProcessEvent) => void,
): SpawnedWorker {
  const { file } = launch;
  if (file === undefined) return attendServer(launch, generation, services, tell);
  const spawn = new Spawn({ ...launch, file }, generation, services, tell);
  void spawn.begin();
  return spawn;
}

/** A launch that starts a program. */
type ProgramLaunch = LaunchRequest & { readonly file: string };

class Spawn implements SpawnedWorker, WorkerProcess {
  start: WorkerStart = {};
  pid = 0;
  readonly #launch: ProgramLaunch;
  readonly #generation: number;
  readonly #services: SpawnServices;
  readonly #tell: (event: ProcessEvent) => void;
  readonly #lines = new LastLines(() => performance.now());
  /** What it printed where only messages belong. */
  readonly #noise = new LastLines(() => performance.now());
  readonly #exitListeners: (() => void)[] = [];
  #log: PluginLog | undefined;
  /** What is run, once its package is installed. */
  #program: WorkerProgram;
  /** Ends the installation of its package. */
  readonly #stopped = new AbortController();
  #tree: WorkerTree | undefined;
  #child: ChildProcess | undefined;
  /** The last signal that was sent to it. */
  #signal: NodeJS.Signals | undefined;
  /** Why that was sent. */
  #reason: string | undefined;
  #exited = false;
  /** How often it may be started, this time included, where its start says so. */
  #startsLeft = MAX_STARTS;
  /** Resolves to the streams of the process that was started last. */
  #running!: Promise<WorkerStreams>;
  #onRunning: (streams: WorkerStreams) => void = () => {};

  constructor(launch: ProgramLaunch, generation: number, services: SpawnServices, tell: (event: ProcessEvent) => void) {
    this.#launch = launch;
    this.#program = { file: launch.file, args: launch.args, env: {} };
    this.#generation = generation;
    this.#services = services;
    this.#tell = tell;
  }

  async begin(): Promise<void> {
    this.#running = new Promise((resolve) => {
      this.#onRunning = resolve;
    });
    try {
      await spawnTurn();
      this.#log = this.#services.log(this.#launch.plugin);
      if (this.#launch.problem !== undefined) throw this.#wrongSetting(this.#launch.problem);
      this.start = await this.#prepare();
      if (this.#signal === undefined) await this.#install(this.#log);
      if (this.#signal !== undefined)
        throw new GreenroomError('E_STOPPING', `The start of "${this.#launch.plugin}" was cancelled.`);
      this.#tree = this.#services.trees.open(this.#launch.plugin);
      await this.#start(this.#tree);
    } catch (error) {
      // Once there is a process, its end tells the rest.
      if (this.#child !== undefined) return this.signal('SIGKILL', messageOf(error));
      await this.start.close?.();
      await this.#tree?.discard();
      // Whoever asked for the start is told when it waits for it, not in the middle of asking.
      await Promise.resolve();
      this.#tell({
        type: 'PROCESS.EXITED',
        exit: {
          code: null,
          signal: null,
          output: '',
          outOfMemory: false,
          spawnError: error,
          retryable: true,
        },
      });
      this.#tell({ type: 'PROCESS.GONE' });
    }
  }

  #prepare(): WorkerStart | Promise<WorkerStart> {
    const { kind, entry, boot, cwd, env, concurrency, transport, protocol } = this.#launch;
    const openSockets = (): ReturnType<WorkerTrees['openSockets']> =>
      transport === 'unix' ? this.#services.trees.openSockets() : undefined;
    const note: StartRequest['note'] = (message, isPrinted = false) => {
      if (isPrinted) this.#noise.add(message);
      this.#log?.event({ generation: this.#generation, pid: this.pid }, message);
    };
    const knownEra = (): KnownEra => this.#services.eras.of(identityOf(entry));
    return kind.start({ plugin: boot, cwd, env, concurrency, protocol, openSockets, knownEra, note }, entry);
  }

  async #install(log: PluginLog): Promise<void> {
    let wasInstalled = false;
    const step = this.#launch.environment === undefined ? installStep : environmentStep;
    this.#program = await step(this.#launch, {
      ...this.#services,
      log,
      generation: this.#generation,
      signal: this.#stopped.signal,
      onInstalling: () => {
        wasInstalled = true;
        this.#tell({ type: 'PROCESS.INSTALLING' });
      },
    });
    if (!wasInstalled) return;
    this.#tell({ type: 'PROCESS.INSTALLED' });
    // Others may have been waiting for the same package.
    await spawnTurn();
  }

  async #start(tree: WorkerTree): Promise<void> {
    const { cwd, env, plugin } = this.#launch;
    const { handshake, isStdio = false } = this.start;
    const descriptor = handshake?.descriptor ?? 0;
    const [file, args, gated] = this.#command();
    const environment = { ...env, ...this.#program.env, ...this.start.env, ...tree.mark };
    const { child, pid } = await startProcess(file, args, {
      cwd,
      env: environment,
      stdio: descriptor === 0 ? 'pipe' : ['ignore', 'pipe', 'pipe', 'pipe'],
    }).catch((error: unknown) => {
      throw this.#cannotStart(error);
    });
    this.#child = child;
    // Whether the program stays alive is the supervisor's to say, not its workers'.
    child.unref();
    for (const pipe of child.stdio) (pipe as Socket | null)?.unref();
    const input = child.stdio[descriptor] as Socket | null;
    this.pid = pid;
    tree.started(pid);
    if (this.#signal !== undefined) tree.signal(this.#signal);
    const printed = new ProcessOutput([
      [isStdio ? null : child.stdout, (line, complete) => this.#line('stdout', line, complete)],
      [child.stderr, (line, complete) => this.#line('stderr', line, complete)],
      [descriptor === 0 ? null : (child.stdio[descriptor] as Socket), (line) => void handshake?.take(line)],
    ]);
    child.once('exit', (code, signal) => void this.#ended(tree, code, signal, printed));
    input?.on('error', () => {});
    // Before its end can be told.
    this.#log?.event({ generation: this.#generation, pid }, `worker started: ${plugin}`);
    this.#tell({ type: 'PROCESS.SPAWNED', process: this });
    // Before any code of the plugin runs.
    await tree.protect();
    if (!this.#exited) {
      if (gated) input?.write('\n');
      if (handshake !== undefined) input?.write(`${handshake.bootLine}\n`);
      const { stdin, stdout } = child;
      if (isStdio && stdin !== null && stdout !== null) this.#onRunning({ input: stdin, output: stdout });
    }
  }

  /**
   * The program and its arguments. What is built on an SDK waits for its boot line; any other program is held by a shell
   * that waits for a line before it becomes the program, as nobody could end what that starts meanwhile.
   */
  #command(): GatedCommand {
    const { cwd, env } = this.#launch;
    const { file } = this.#program;
    const args = [...this.#program.args, ...(this.start.args ?? [])];
    const program = this.start.handshake?.waits === true ? undefined : findProgram(file, cwd, env['PATH']);
    // Started without the shell, what is not there fails as itself.
    return program === undefined ? [file, args, false] : gatedCommand(program, args);
  }

  #line(stream: 'stdout' | 'stderr', line: string, complete: boolean): void {
    const { handshake } = this.start;
    if (stream === 'stdout' && complete && handshake?.descriptor === 0 && handshake.take(line)) return;
    this.#lines.add(line);
    this.#log?.line(stream, line, this.#generation);
  }

  async #ended(
    tree: WorkerTree,
    code: number | null,
    signal: NodeJS.Signals | null,
    printed: ProcessOutput,
  ): Promise<void> {
    this.#exited = true;
    // Before anybody hears of the exit.
    tree.exited();
    const wasKilled = (signal === 'SIGKILL' || code === KILLED_STATUS) && this.#signal !== 'SIGKILL';
    const killedByKernel = wasKilled && this.#services.oom.takeKill();
    for (const listener of this.#exitListeners.splice(0)) listener();
    await printed.rest();
    const reason = this.#reasonOf(code, signal);
    const ended = reason === undefined ? 'worker ended' : `worker ended: ${reason}`;
    this.#log?.event({ generation: this.#generation, pid: this.pid, code, signal }, ended);
    const output = this.output();
    const { lastWords } = this.#said;
    const again = this.#againBecause(output);
    if (again !== undefined) return this.#startAgain(tree, again);
    const { plugin, kind, entry } = this.#launch;
    const exit: WorkerExit = {
      code,
      signal,
      output,
      lastWords,
      advice: kind.advise?.(lastWords?.text ?? '', entry, { plugin, manifest: entry.file }),
      outOfMemory: killedByKernel || (code !== 0 && saysOutOfMemory(lastWords?.text ?? '')),
      spawnError: this.start.handshake?.isAnswered !== true && code !== null ? await this.#missingForGood() : undefined,
      retryable: code !== EXIT_DO_NOT_RESTART,
    };
    // What was found before may be broken: the next start asks again.
    if (this.#program.installed !== undefined && this.#signal === undefined && this.start.isAnswered !== true)
      this.#services.installs.forget(this.#program.installed);
    this.#tell({ type: 'PROCESS.EXITED', exit });
    await this.#clear(tree);
    this.#tell({ type: 'PROCESS.GONE' });
  }

  /** Why the supervisor has ended it; undefined of an end of its own, which a signal may have come too late for. */
  #reasonOf(code: number | null, signal: NodeJS.Signals | null): string | undefined {
    const isOwn = this.#signal === 'SIGKILL' && signal !== 'SIGKILL' && code !== KILLED_STATUS;
    return isOwn ? undefined : this.#reason;
  }

  async #clear(tree: WorkerTree): Promise<void> {
    await tree.gone();
    for (const pipe of this.#child?.stdio ?? []) pipe?.destroy();
    await this.start.close?.();
  }

  /** Why it is to be started again; undefined where it is not, and where somebody wants it to end. */
  #againBecause(output: string): string | undefined {
    return this.#signal === undefined && this.#startsLeft > 1 ? this.start.againBecause?.(output) : undefined;
  }

  /** Starts it with another start. Its machine hears of the new process as of the first. */
  async #startAgain(tree: WorkerTree, reason: string): Promise<void> {
    await this.#clear(tree);
    this.#startsLeft -= 1;
    this.#log?.event({ generation: this.#generation }, reason);
    this.start = {};
    this.#child = undefined;
    this.#tree = undefined;
    this.#exited = false;
    this.#lines.clear();
    this.#noise.clear();
    await this.begin();
  }

  /** Why the system started nothing. Only a program that is not there, or is none, is the manifest's fault. */
  #cannotStart(cause: unknown): GreenroomError {
    const { plugin, cwd, file, advice } = this.#launch;
    const because = (reason: string): GreenroomError =>
      new GreenroomError('E_START', `The worker of "${plugin}" could not be started: ${reason}.`, { plugin, cause });
    const shortage = shortageIn(cause);
    if (shortage !== undefined) return because(`${shortage}. Try again once that is resolved`);
    if (!isDirectory(cwd)) {
      return because(
        `its working directory ${cwd} does not exist. Create it, or set "cwd" in ${this.#launch.entry.file}`,
      );
    }
    const code = systemCodeOf(cause) ?? '';
    const isThere = findProgram(file, cwd, this.#launch.env['PATH']) !== undefined;
    if (!FAULTS_OF_PROGRAMS.has(code) || (isThere && code !== 'ENOEXEC')) return because(messageOf(cause));
    const reason = `"${file}" cannot be run: ${messageOf(cause)}`;
    const missing = this.#missing(cause);
    if (missing !== undefined) return missing;
    return advice === undefined ? this.#wrongManifest(reason, cause) : this.#wrongSetting(reason, cause);
  }

  #wrongSetting(reason: string, cause?: unknown): GreenroomError {
    const { plugin, advice } = this.#launch;
    const message = `The worker of "${plugin}" cannot be started: ${reason}. ${advice}.`;
    return new GreenroomError('E_OPTIONS', message, { plugin, cause });
  }

  /** What the manifest names and is not there, if that is why there is no worker. */
  #missing(cause?: unknown): GreenroomError | undefined {
    const [problem] = missingPaths(this.#launch.entry).filter(({ field }) => field !== 'cwd');
    return problem && this.#wrongManifest(problem.reason, cause);
  }

  /** The same, unless it is back a moment later: an editor may have been saving it. */
  async #missingForGood(): Promise<GreenroomError | undefined> {
    if (this.#missing() === undefined) return undefined;
    await delay(PATIENCE_MS, undefined, { ref: false });
    return this.#missing();
  }

  #wrongManifest(reason: string, cause: unknown): GreenroomError {
    const { plugin, entry } = this.#launch;
    return new GreenroomError(
      'E_MANIFEST',
      `The worker of "${plugin}" cannot be started: ${reason}. Its manifest: ${entry.file}`,
      {
        plugin,
        cause,
      },
    );
  }

  signal(signal: NodeJS.Signals, reason?: string): void {
    this.#signal = signal;
    // What has ended is signalled for what is left of its group.
    if (!this.#exited) this.#reason = reason;
    // With the process its package is installed, and an abort that nobody heeds costs as much as the signal.
    if (this.#child === undefined) this.#stopped.abort();
    this.#tree?.signal(signal);
  }

  streams(): Promise<WorkerStreams> {
    return this.#running;
  }

  /** What may tell why it ends: that is printed on standard error, by most. */
  get #said(): LastLines {
    return this.#lines.lastWords === undefined ? this.#noise : this.#lines;
  }

  output(): string {
    return this.#said.text;
  }

  onExit(listener: () => void): void {
    if (this.#exited) listener();
    else this.#exitListeners.push(listener);
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
