import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { killGroup } from '../process/process-group.ts';
import { canRunGuard, GUARD_SHELL } from './orphan-protection.ts';
import { MARK_VARIABLE } from './spawn-mark.ts';

/** Settings of {@link startGuard}; the defaults are right outside tests. */
export interface GuardOptions {
  /** The POSIX shell to run. Default `/bin/sh`. */
  readonly shell?: string | undefined;
  /** The first part of the marks of this supervisor's workers: what bears one and has run away is killed too. */
  readonly supervisor?: string | undefined;
  /** The control group in which the workers are: all that is in it is killed. */
  readonly cgroup?: string | undefined;
  /** The record of this supervisor, removed once nothing of it was found any more. */
  readonly record?: string | undefined;
  /** How long it may take to end, in milliseconds, before it is killed and what it holds with it. Default 3,000. */
  readonly endWithinMs?: number | undefined;
}

/**
 * Kills the process groups it holds when this process ends, however it ends, and what has run away from them. Without
 * a shell (Windows, bare containers) it holds nothing and `alive` stays false.
 */
export interface Guard {
  /** Whether a guard process runs now; false before the first `add`. */
  readonly alive: boolean;
  /** The guard's process, which leads a session and a process group of its own. */
  readonly pid: number | undefined;
  /**
   * Takes a process group in. Resolves once the kernel has taken the registration, so that it outlives this process,
   * or once it is clear that no guard can run. Throws RangeError for what cannot be a worker's group.
   */
  add(pgid: number): Promise<void>;
  /** Lets a process group go: to be called once its last process is gone, because numbers come back. Idempotent. */
  remove(pgid: number): void;
  /** Has the guard remove this folder too when this process dies; the one given last counts. */
  removeAtEnd(folder: string): void;
  /** Calls back when a guard process ends unasked; it is replaced. Returns how to stop listening. */
  onExit(listener: () => void): () => void;
  /** Ends the guard, which kills what it still holds, and resolves when it is gone. Idempotent. */
  close(): Promise<void>;
}

// `held` is a set, written as ` 12 34 `; $1 is how a mark begins, $2 the control group, $3 the record. To kill the groups nothing has to
// be started, as all commands for it are built in. A `.` says that nothing is left to do. A process in the middle of an
// `execve` has no environment to be found by, so one look that finds nothing is not believed.
const SCRIPT = `
trap '' HUP INT QUIT TERM USR1 USR2
held=' '
folder=
while read -r change pgid; do
  case $change$held in
    .*) exit ;;
    +*" $pgid "*) ;;
    +*) held="$held$pgid " ;;
    d*) folder=$pgid ;;
    -*" $pgid "*) held="\${held%% $pgid *} \${held#* $pgid }" ;;
  esac
done
for pgid in $held; do kill -s KILL -- "-$pgid"; done
[ -z "$folder" ] || rm -rf -- "$folder"
[ -z "$2" ] || echo 1 >"$2/cgroup.kill"
[ -d /proc/self ] && [ -n "$1" ] || exit
quiet=0
for round in 1 2 3 4 5 6; do
  marked=$(grep -lsF -e "$1" /proc/[0-9]*/environ)
  for file in $marked; do
    file=\${file#/proc/}
    kill -s KILL "\${file%/environ}"
  done
  [ -n "$marked" ] || quiet=$((quiet + 1))
  [ $quiet -lt 2 ] || break
  [ $quiet -lt 1 ] || sleep 0.1
done
if [ -n "$2" ]; then
  for round in 1 2 3 4 5 6 7 8 9 10; do
    rmdir "$2"/*/
    rmdir "$2" && break
    sleep 0.1
  done
  [ ! -d "$2" ] || exit
fi
[ $quiet -lt 2 ] || [ -z "$3" ] || rm -f -- "$3"
`;

/** A guard that ends sooner than this is broken; the next one then waits as long, so that nothing spins. */
const SHORTEST_LIFE_MS = 1_000;

/** How often one registration is tried on a new guard process before it is left to the lifelines. */
const ATTEMPTS = 3;

interface GuardProcess {
  /** Absent where the system started none. */
  readonly child: ChildProcess | undefined;
  readonly stdin: Writable | undefined;
  readonly startedAt: number;
  readonly exited: Promise<void>;
}

/**
 * A guard for this process. Its shell (1.7 MB) is started by the first `add` and never keeps this process alive. It
 * is in no group and session of the host's, so that what ends the host's group does not end it; killed by itself, it is
 * replaced and given everything again.
 */
export function startGuard(options: GuardOptions = {}): Guard {
  const { shell = GUARD_SHELL, supervisor, cgroup, record, endWithinMs = 3_000 } = options;
  const usable = canRunGuard(shell);
  const mark = supervisor === undefined ? '' : `${MARK_VARIABLE}=${supervisor}.`;
  const held = new Set<number>();
  let folder: string | undefined;
  /** Lines about groups that were let go in this turn of the event loop. */
  let freed = '';
  const listeners = new Set<() => void>();
  let current: GuardProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  function start(): GuardProcess {
    clearTimeout(restart);
    const started = { ...spawnShell(), startedAt: performance.now() };
    void started.exited.then(() => ended(started));
    return started;
  }

  /** What Node says of a shortage comes as an event, as a child without streams, or is thrown. */
  function spawnShell(): Omit<GuardProcess, 'startedAt'> {
    let child: ChildProcess;
    try {
      child = spawn(shell, ['-c', SCRIPT, 'greenroom-guard', mark, cgroup ?? '', record ?? ''], {
        detached: true,
        cwd: '/',
        env: {},
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    } catch {
      return { child: undefined, stdin: undefined, exited: Promise.resolve() };
    }
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const stdin = child.stdin ?? undefined;
    child.unref();
    // On Unix, Node's pipe to a child is a socket.
    if (stdin instanceof Socket) stdin.unref();
    // Its end of the pipe is closed with ours, and it takes that for the end of this process: it must not go on to look
    // for what this process starts next.
    stdin?.on('error', () => child.kill('SIGKILL'));
    return { child, stdin, exited };
  }

  function ended(guard: GuardProcess): void {
    guard.stdin?.destroy();
    if (current === guard) current = undefined;
    if (isClosing()) return;
    for (const listener of listeners) listener();
    if (current !== undefined || held.size === 0) return;
    const wait = performance.now() - guard.startedAt < SHORTEST_LIFE_MS ? SHORTEST_LIFE_MS : 0;
    clearTimeout(restart);
    restart = setTimeout(() => void registerAll(), wait).unref();
  }

  /** Hands everything held to a new guard process. */
  function registerAll(): Promise<boolean> {
    current = start();
    return send(current, folderLine() + [...held].map((pgid) => `+ ${pgid}\n`).join(''));
  }

  function send(guard: GuardProcess, lines: string): Promise<boolean> {
    const all = freed + lines;
    freed = '';
    const { stdin } = guard;
    if (stdin === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      stdin.write(all, (error) => {
        if (error && current === guard) current = undefined;
        resolve(!error);
      });
    });
  }

  function flush(): void {
    if (current === undefined) freed = '';
    else if (freed !== '') void send(current, '');
  }

  const folderLine = (): string => (folder === undefined ? '' : `d ${folder}\n`);

  const isClosing = (): boolean => closing !== undefined;

  return {
    get alive() {
      return current !== undefined;
    },
    get pid() {
      return current?.child?.pid;
    },
    async add(pgid) {
      if (!Number.isSafeInteger(pgid) || pgid <= 1 || pgid === process.pid) {
        throw new RangeError(`${pgid} is not the number of a worker's process group.`);
      }
      held.add(pgid);
      if (!usable) return;
      for (let attempt = 0; attempt < ATTEMPTS && held.has(pgid) && !isClosing(); attempt++) {
        const sent = current === undefined ? registerAll() : send(current, `+ ${pgid}\n`);
        if (await sent) return;
      }
    },
    remove(pgid) {
      if (!held.delete(pgid) || current === undefined) return;
      // At the end of a turn, as a hundred may go in one, and every write wakes the shell up.
      if (freed === '') setImmediate(flush);
      freed += `- ${pgid}\n`;
    },
    removeAtEnd(path) {
      folder = path;
      if (current !== undefined) void send(current, folderLine());
    },
    onExit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closing ??= (async () => {
        clearTimeout(restart);
        if (current === undefined) return;
        const { child, stdin, exited } = current;
        child?.ref();
        stdin?.end(held.size === 0 ? '.\n' : freed);
        freed = '';
        // One that somebody has stopped does nothing more.
        const late = setTimeout(() => {
          for (const pgid of held) killGroup(pgid, 'SIGKILL');
          child?.kill('SIGKILL');
        }, endWithinMs);
        await exited;
        clearTimeout(late);
      })();
      return closing;
    },
  };
}
