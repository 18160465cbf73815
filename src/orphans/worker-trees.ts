import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { GreenroomError, messageOf } from '../errors.ts';
import { groupIsGone, signalGroup } from '../process/process-group.ts';
import { ownIdentity, startTimeOf } from '../process/process-identity.ts';
import { createSocketDirectory, removeLeftSockets, type SocketDirectory } from '../process/socket-directory.ts';
import { shortageIn } from '../system-error.ts';
import { type Guard, startGuard } from './guard.ts';
import { endMarked, MARK_VARIABLE } from './spawn-mark.ts';
import { recordFile, removeRecord, writeRecord } from './supervisor-record.ts';
import { openSupervisorCgroup, type SupervisorCgroup, type WorkerCgroup } from './worker-cgroup.ts';

/**
 * The process trees of one supervisor's workers: what a worker has started, however far it has run, ends with it, and
 * all of them with the supervisor.
 */
export class WorkerTrees {
  /** The first part of every mark: this supervisor, among those of its data directory. */
  readonly id = randomBytes(6).toString('hex');
  readonly #dataDir: string;
  readonly #living = new Set<WorkerTree>();
  readonly #folders = new Set<string>();
  #guard: Guard | undefined;
  readonly #useCgroups: boolean;
  #cgroup: SupervisorCgroup | undefined;
  /** Whether the record in the data directory tells all there is. */
  #recorded = false;
  #spawns = 0;

  /** `cgroups: false` makes no control groups, also where the machine would let it. */
  constructor(dataDir: string, { cgroups = true } = {}) {
    this.#dataDir = dataDir;
    this.#useCgroups = cgroups;
  }

  /** How many workers have a process of which something is left. */
  get size(): number {
    return this.#living.size;
  }

  /** A tree for a worker that is about to be spawned. Throws `E_DATA_DIR`. */
  open(plugin: string): WorkerTree {
    if (this.#guard === undefined && this.#useCgroups) this.#cgroup ??= openSupervisorCgroup(this.id);
    // Written first: whatever is left by a sudden death is found by it.
    if (!this.#recorded) this.#writeRecord();
    this.#guard ??= this.#startGuard();
    this.#spawns += 1;
    return new WorkerTree(plugin, `${this.id}.${this.#spawns}`, {
      guard: this.#guard,
      cgroup: this.#cgroup?.create(String(this.#spawns)),
      living: this.#living,
    });
  }

  #startGuard(): Guard {
    const guard = startGuard({
      supervisor: this.id,
      cgroup: this.#cgroup?.folder,
      record: recordFile(this.#dataDir, this.id),
    });
    // Sockets may have been opened before.
    for (const folder of this.#folders) guard.removeAtEnd(folder);
    return guard;
  }

  /** A directory for the sockets of one spawn; undefined where there can be none. */
  openSockets(): SocketDirectory | undefined {
    const sockets = createSocketDirectory();
    if (sockets !== undefined && !this.#folders.has(dirname(sockets.path))) {
      this.#folders.add(dirname(sockets.path));
      try {
        this.#writeRecord();
      } catch (error) {
        void sockets.remove();
        throw error;
      }
      this.#guard?.removeAtEnd(dirname(sockets.path));
    }
    return sockets;
  }

  /** Kills everything, or what belongs to one plugin. Synchronous, so that it can run while the process exits. */
  killAll(plugin?: string): void {
    if (plugin === undefined) this.#cgroup?.kill();
    for (const tree of this.#living) if (plugin === undefined || tree.plugin === plugin) tree.signal('SIGKILL');
  }

  /** To be called when no tree is left. */
  async close(): Promise<void> {
    // Not only with a guard: where none could be started, there may be a record and a group all the same.
    await this.#guard?.close();
    this.#cgroup?.remove();
    removeLeftSockets();
    removeRecord(this.#dataDir, this.id);
  }

  #writeRecord(): void {
    try {
      writeRecord(this.#dataDir, {
        id: this.id,
        ...ownIdentity(),
        cgroup: this.#cgroup?.folder ?? null,
        folders: [...this.#folders],
      });
      this.#recorded = true;
    } catch (error) {
      this.#recorded = false;
      // On a full disk workers start all the same: the guard ends them, and the record is written with a later start.
      if (shortageIn(error) !== undefined) return;
      throw new GreenroomError(
        'E_DATA_DIR',
        `The data directory ${this.#dataDir} cannot be written: ${messageOf(error)}. Set dataDir or GREENROOM_HOME to a writable folder.`,
        { cause: error },
      );
    }
  }
}

interface TreeServices {
  readonly guard: Guard;
  readonly cgroup: WorkerCgroup | undefined;
  readonly living: Set<WorkerTree>;
}

/** The process tree of one spawn. Made by {@link WorkerTrees.open}. */
export class WorkerTree {
  readonly plugin: string;
  /** What the worker's environment must bear. */
  readonly mark: Readonly<Record<string, string>>;
  readonly #markValue: string;
  readonly #guard: Guard;
  readonly #living: Set<WorkerTree>;
  #cgroup: WorkerCgroup | undefined;
  #pid: number | undefined;
  #startTime: string | null = null;
  #exited = false;
  /** Whether something of its group has outlived the worker. */
  #groupLeft = true;

  constructor(plugin: string, mark: string, { guard, cgroup, living }: TreeServices) {
    this.plugin = plugin;
    this.mark = { [MARK_VARIABLE]: mark };
    this.#markValue = mark;
    this.#guard = guard;
    this.#cgroup = cgroup;
    this.#living = living;
  }

  /** The worker has started; its process leads a group. To be called in the same turn. */
  started(pid: number): void {
    this.#pid = pid;
    this.#startTime = startTimeOf(pid);
    this.#living.add(this);
  }

  /** Resolves once the worker is under everything that ends it with this process. It must do nothing before. */
  async protect(): Promise<void> {
    const pid = this.#pid as number;
    const [, isIn] = await Promise.all([this.#guard.add(pid), this.#cgroup?.add(pid)]);
    if (isIn === false) this.#cgroup = undefined;
  }

  /** Signals the worker's group, unless its number has become a stranger's. */
  signal(signal: NodeJS.Signals): void {
    if (this.#pid === undefined || this.#exited) return;
    signalGroup({ pgid: this.#pid, startTime: this.#startTime, leaderExited: false }, signal);
  }

  /** The worker's process has ended: whatever it has started ends with it, at once. */
  exited(): void {
    this.#exited = true;
    this.#cgroup?.kill();
    const group = { pgid: this.#pid as number, startTime: this.#startTime, leaderExited: true };
    this.#groupLeft = signalGroup(group, 'SIGKILL');
  }

  /** Resolves when nothing is left of what the worker has started. */
  async gone(): Promise<void> {
    const pid = this.#pid as number;
    await Promise.all([
      this.#groupLeft ? groupIsGone(pid) : undefined,
      this.#cgroup === undefined ? endMarked(this.#markValue) : this.#cgroup.gone(),
    ]);
    this.#guard.remove(pid);
    this.#living.delete(this);
  }

  /** There was never a process. */
  async discard(): Promise<void> {
    await this.#cgroup?.gone();
  }
}
