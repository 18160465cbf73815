import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** What ends a supervisor's workers if the supervisor itself dies without stopping them. */
export type OrphanProtectionTier = 'guard' | 'lifeline';

/** The tier of orphan protection that holds on this machine, and what it promises, as a sentence for people. */
export interface OrphanProtection {
  readonly tier: OrphanProtectionTier;
  readonly promise: string;
}

/** Settings of {@link startGuard}; the defaults are right outside tests. */
export interface GuardOptions {
  /** The POSIX shell to run. Default `/bin/sh`. */
  readonly shell?: string | undefined;
}

/**
 * Kills the process groups it holds when this process ends, however it ends. Without a shell (Windows, bare
 * containers) it holds nothing and `alive` stays false; {@link orphanProtection} says what is left then.
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
  /** Calls back when a guard process ends unasked; it is replaced. Returns how to stop listening. */
  onExit(listener: () => void): () => void;
  /** Ends the guard, which kills what it still holds, and resolves when it is gone. Idempotent. */
  close(): Promise<void>;
}

// `held` is a set, written as ` 12 34 `. All commands are built in, so that nothing has to be started to kill.
const SCRIPT = `
trap '' HUP INT QUIT TERM USR1 USR2
held=' '
while read -r change pgid; do
  case $change$held in
    +*" $pgid "*) ;;
    +*) held="$held$pgid " ;;
    -*" $pgid "*) held="\${held%% $pgid *} \${held#* $pgid }" ;;
  esac
done
for pgid in $held; do kill -s KILL -- "-$pgid"; done
`;

/** A guard that ends sooner than this is broken; its successor then waits as long, so that nothing spins. */
const SHORTEST_LIFE_MS = 1_000;

/** How often one registration is tried on a new guard process before it is left to the lifelines. */
const ATTEMPTS = 3;

interface GuardProcess {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly startedAt: number;
  readonly exited: Promise<void>;
}

/**
 * A guard for this process. Its shell (1.7 MB) is started by the first `add` and never keeps this process alive. It
 * is in no group and session of the host's, so that what ends the host's group does not end it; killed by itself, it is
 * replaced and given everything again.
 */
export function startGuard(options: GuardOptions = {}): Guard {
  const shell = options.shell ?? '/bin/sh';
  const usable = orphanProtection(shell).tier === 'guard';
  const held = new Set<number>();
  const listeners = new Set<() => void>();
  let current: GuardProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  function start(): GuardProcess {
    clearTimeout(restart);
    const child = spawn(shell, ['-c', SCRIPT], {
      detached: true,
      cwd: '/',
      env: {},
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const { stdin } = child;
    child.unref();
    // On Unix, Node's pipe to a child is a socket.
    if (stdin instanceof Socket) stdin.unref();
    stdin.on('error', () => {});
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const started: GuardProcess = { child, stdin, startedAt: Date.now(), exited };
    void exited.then(() => ended(started));
    return started;
  }

  function ended(guard: GuardProcess): void {
    guard.stdin.destroy();
    if (current === guard) current = undefined;
    if (isClosing()) return;
    for (const listener of listeners) listener();
    if (current !== undefined || held.size === 0) return;
    const wait = Date.now() - guard.startedAt < SHORTEST_LIFE_MS ? SHORTEST_LIFE_MS : 0;
    clearTimeout(restart);
    restart = setTimeout(() => void registerAll(), wait).unref();
  }

  /** Hands everything held to a new guard process. */
  function registerAll(): Promise<boolean> {
    current = start();
    return send(current, [...held].map((pgid) => `+ ${pgid}\n`).join(''));
  }

  function send(guard: GuardProcess, lines: string): Promise<boolean> {
    return new Promise((resolve) => {
      guard.stdin.write(lines, (error) => {
        if (error && current === guard) current = undefined;
        resolve(!error);
      });
    });
  }

  const isClosing = (): boolean => closing !== undefined;

  return {
    get alive() {
      return current !== undefined;
    },
    get pid() {
      return current?.child.pid;
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
      if (held.delete(pgid) && current !== undefined) void send(current, `- ${pgid}\n`);
    },
    onExit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closing ??= (async () => {
        clearTimeout(restart);
        if (current === undefined) return;
        current.child.ref();
        current.stdin.end();
        await current.exited;
      })();
      return closing;
    },
  };
}

/** What holds on this machine if a supervisor dies. `shell` is the shell that a guard would run in. */
export function orphanProtection(shell = '/bin/sh'): OrphanProtection {
  if (process.platform !== 'win32' && isExecutable(shell)) {
    return {
      tier: 'guard',
      promise:
        'If this process dies, however it dies, the process group of every worker is killed at once. Processes that ' +
        'left the group of their worker are not covered.',
    };
  }
  return {
    tier: 'lifeline',
    promise:
      'If this process dies, workers built on an SDK end themselves. Other workers, and processes that workers have ' +
      'started, are not covered.',
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
