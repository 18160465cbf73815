import { randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { GreenroomError, messageOf } from '../errors.ts';
import { PATIENCE_MS } from '../manifest/patience.ts';
import { checkPaths } from '../manifest/read.ts';
import { type Boot, EXIT_DO_NOT_RESTART, type Handshake } from '../protocol.ts';
import { freePort } from './free-port.ts';
import { parseHandshake } from './handshake.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { PluginLog } from './log-file.ts';
import { canRunGuard, GUARD_SHELL } from './orphan-protection.ts';
import { type OomWatch, saysOutOfMemory } from './out-of-memory.ts';
import { findProgram } from './program-path.ts';
import type { SocketDirectory } from './socket-directory.ts';
import { spawnTurn } from './spawn-turn.ts';
import type { LaunchRequest } from './worker-launch.ts';
import type { ProcessEvent, WorkerExit, WorkerProcess } from './worker-process.ts';
import type { WorkerTree, WorkerTrees } from './worker-trees.ts';

/** What every spawn of a supervisor shares. */
export interface SpawnServices {
  readonly trees: WorkerTrees;
  readonly oom: OomWatch;
  /** The log of a plugin; throws `E_DATA_DIR` where it cannot be written. */
  readonly log: (plugin: string) => PluginLog;
}

/** Becomes the program that it is given once it has read a line; ends where there is none to read. */
const GATE = 'read -r line && exec "$0" "$@"';

/** With this status a shell says that what it ran was ended by SIGKILL. */
const KILLED_STATUS = 137;

/** A worker process on its way through life, to be signalled. */
export interface SpawnedWorker {
  /** Signals the worker's group, unless its number has become a stranger's. */
  signal(signal: NodeJS.Signals): void;
}

/** How long the last output of an ended process is waited for, where a grandchild still holds its pipes, in milliseconds. */
const OUTPUT_GRACE_MS = 5;

/** How many of a worker's last lines go into the details of an error. */
const TAIL_LINES = 50;

/**
 * Starts a worker in a process group of its own and tells what becomes of it: `PROCESS.SPAWNED`, then
 * `PROCESS.EXITED`, and `PROCESS.GONE` when nothing of its group is left. Where it cannot be started, the latter two
 * come alone, with the reason. Never throws.
 */
export function spawnWorker(
  launch: LaunchRequest,
  generation: number,
  services: SpawnServices,
  tell: (event: ProcessEvent) => void,
): SpawnedWorker {
  const spawn = new Spawn(launch, generation, services, tell);
  void spawn.begin();
  return spawn;
}

class Spawn implements SpawnedWorker, WorkerProcess {
  readonly nonce = randomBytes(16).toString('hex');
  readonly token = randomBytes(24).toString('hex');
  port = 0;
  pid = 0;
  readonly #launch: LaunchRequest;
  readonly #generation: number;
  readonly #services: SpawnServices;
  readonly #tell: (event: ProcessEvent) => void;
  readonly #lines: string[] = [];
  readonly #exitListeners: (() => void)[] = [];
  #log: PluginLog | undefined;
  #sockets: SocketDirectory | undefined;
  #tree: WorkerTree | undefined;
  #child: ChildProcess | undefined;
  /** The last signal that was sent to it. */
  #signal: NodeJS.Signals | undefined;
  #exited = false;
  #handshake: Handshake | GreenroomError | undefined;
  #onHandshake: (() => void) | undefined;

  constructor(launch: LaunchRequest, generation: number, services: SpawnServices, tell: (event: ProcessEvent) => void) {
    this.#launch = launch;
    this.#generation = generation;
    this.#services = services;
    this.#tell = tell;
  }

  async begin(): Promise<void> {
    try {
      await spawnTurn();
      this.#log = this.#services.log(this.#launch.plugin);
      if (this.#launch.boot === undefined) this.port = await freePort();
      if (this.#signal !== undefined)
        throw new GreenroomError('E_STOPPING', `The start of "${this.#launch.plugin}" was called off.`);
      this.#tree = this.#services.trees.open(this.#launch.plugin);
      if (this.#launch.boot !== undefined && this.#launch.transport === 'unix') {
        this.#sockets = this.#services.trees.openSockets();
      }
      await this.#start(this.#tree);
    } catch (error) {
      this.#sockets?.remove();
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
          retryable: isWorthRetrying(error),
        },
      });
      this.#tell({ type: 'PROCESS.GONE' });
    }
  }

  async #start(tree: WorkerTree): Promise<void> {
    const { cwd, env, plugin, boot } = this.#launch;
    const [file, args, gated] = this.#command();
    const subprocess = execa(file, args, {
      cwd,
      env: { ...env, ...tree.mark },
      extendEnv: false,
      buffer: false,
      // By default NODE_DEBUG=execa has it print what workers say, secrets included.
      verbose: 'none',
      reject: false,
      stripFinalNewline: false,
      encoding: 'buffer',
      // A session and group of its own: a Ctrl-C in the host's terminal must not reach it, and its children must.
      detached: process.platform !== 'win32',
      cleanup: false,
      windowsHide: true,
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const child = subprocess as unknown as ChildProcess;
    if (child.pid === undefined) {
      const { cause } = await subprocess;
      throw this.#cannotSpawn(cause);
    }
    this.#child = child;
    // Whether the program stays alive is the supervisor's to say, not its workers'.
    child.unref();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
    this.pid = child.pid;
    tree.started(this.pid);
    const drained = this.#readOutput(child);
    child.once('exit', (code, signal) => void this.#ended(tree, code, signal, drained));
    child.stdin?.on('error', () => {});
    this.#tell({ type: 'PROCESS.SPAWNED', process: this });
    // Before any code of the plugin runs.
    await tree.protect();
    if (!this.#exited) {
      if (gated) child.stdin?.write('\n');
      if (boot !== undefined) child.stdin?.write(`${JSON.stringify(this.#boot(boot))}\n`);
    }
    this.#log?.event({ generation: this.#generation, pid: this.pid }, `worker started: ${plugin}`);
  }

  /**
   * The program and its arguments. What is built on an SDK waits for its boot line; any other program is held by a shell
   * that waits for a line before it becomes the program, as nobody could end what that starts meanwhile.
   */
  #command(): [file: string, args: readonly string[], gated: boolean] {
    const { file, cwd, env, boot, waitsForBoot } = this.#launch;
    const port = boot === undefined ? ['--port', `${this.port}`, '--ppid', `${process.pid}`] : [];
    const args = [...this.#launch.args, ...port];
    if (waitsForBoot || !canRunGuard(GUARD_SHELL)) return [file, args, false];
    const program = findProgram(file, cwd, env['PATH']);
    // Started without the shell, what is not there fails as itself.
    return program === undefined ? [file, args, false] : [GUARD_SHELL, ['-c', GATE, program, ...args], true];
  }

  #boot(plugin: Boot['plugin']): Boot {
    const sockets = this.#sockets;
    return {
      protocol: [1],
      nonce: this.nonce,
      token: this.token,
      listen: sockets === undefined ? { tcp: '127.0.0.1' } : { unix: sockets.worker, control: sockets.control },
      plugin,
      concurrency: this.#launch.concurrency,
    };
  }

  /** Reads both streams for as long as they are open: an undrained pipe stops a chatty worker. */
  #readOutput(child: ChildProcess): Promise<unknown> {
    const read = (stream: 'stdout' | 'stderr'): Promise<void> =>
      new Promise((resolve) => {
        const pipe = child[stream];
        if (pipe === null) {
          resolve();
          return;
        }
        const splitter = createLineSplitter({ onLine: (line, complete) => this.#line(stream, line, complete) });
        pipe.on('data', (chunk: Buffer) => splitter.write(chunk));
        pipe.on('error', () => {});
        pipe.once('close', () => {
          splitter.end();
          resolve();
        });
      });
    return Promise.all([read('stdout'), read('stderr')]);
  }

  #line(stream: 'stdout' | 'stderr', line: string, complete: boolean): void {
    if (stream === 'stdout' && complete && this.#handshake === undefined && this.#launch.boot !== undefined) {
      const handshake = parseHandshake(line, this.#launch.plugin, this.nonce);
      if (handshake !== undefined) {
        this.#handshake = handshake;
        this.#onHandshake?.();
        return;
      }
      // An SDK ends the line before its handshake, as the plugin may have printed without a line break.
      if (line === '' && this.#launch.waitsForBoot) return;
    }
    if (this.#lines.push(line) > TAIL_LINES) this.#lines.shift();
    this.#log?.line(stream, line, this.#generation);
  }

  async #ended(
    tree: WorkerTree,
    code: number | null,
    signal: NodeJS.Signals | null,
    drained: Promise<unknown>,
  ): Promise<void> {
    this.#exited = true;
    // Before anybody hears of the exit.
    tree.exited();
    const wasKilled = (signal === 'SIGKILL' || code === KILLED_STATUS) && this.#signal !== 'SIGKILL';
    const killedByKernel = wasKilled && this.#services.oom.takeKill();
    for (const listener of this.#exitListeners.splice(0)) listener();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      drained,
      new Promise((resolve) => {
        timer = setTimeout(resolve, OUTPUT_GRACE_MS);
      }),
    ]);
    clearTimeout(timer);
    this.#log?.event({ generation: this.#generation, pid: this.pid, code, signal }, 'worker ended');
    const output = this.output();
    const exit: WorkerExit = {
      code,
      signal,
      output,
      outOfMemory: killedByKernel || (code !== 0 && saysOutOfMemory(output)),
      spawnError: this.#handshake === undefined && code !== null ? await this.#missingForGood() : undefined,
      retryable: code !== EXIT_DO_NOT_RESTART,
    };
    this.#tell({ type: 'PROCESS.EXITED', exit });
    await tree.gone();
    this.#child?.stdin?.destroy();
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    this.#sockets?.remove();
    this.#tell({ type: 'PROCESS.GONE' });
  }

  #cannotSpawn(cause: unknown): GreenroomError {
    return (
      this.#missing(cause) ?? this.#wrongManifest(`"${this.#launch.file}" cannot be run: ${messageOf(cause)}`, cause)
    );
  }

  /** What the manifest names and is not there, if that is why there is no worker. */
  #missing(cause?: unknown): GreenroomError | undefined {
    const [problem] = checkPaths(this.#launch.entry);
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
      `The worker of "${plugin}" cannot be started: ${reason}. Its manifest is ${entry.file}.`,
      {
        plugin,
        cause,
      },
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#signal = signal;
    this.#tree?.signal(signal);
  }

  output(): string {
    return this.#lines.join('\n');
  }

  onExit(listener: () => void): void {
    if (this.#exited) listener();
    else this.#exitListeners.push(listener);
  }

  handshake(signal: AbortSignal): Promise<Handshake> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.#handshake instanceof GreenroomError) reject(this.#handshake);
        else if (this.#handshake !== undefined) resolve(this.#handshake);
      };
      this.#onHandshake = settle;
      settle();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

/** A program that is not there will not be there next time; an error such as "too many processes" may pass. */
function isWorthRetrying(error: unknown): boolean {
  return !(error instanceof GreenroomError);
}
