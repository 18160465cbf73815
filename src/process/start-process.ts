import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { execa } from 'execa';

/** A process that was started. It is wrapped as execa's child is a promise too, of its end. */
export interface StartedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
}

/**
 * Where the system starts no process, Node also tells it as an 'error' of the child's streams, which ends the program
 * where nothing listens. To be called in the turn in which the child was made.
 */
export function heedStreams(child: Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr'>): void {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', () => {});
}

const OPTIONS = {
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
} as const;

/** How a program is started. */
export interface StartOptions {
  readonly cwd: string;
  /** The whole environment: nothing of the host's is added. */
  readonly env: Readonly<Record<string, string>>;
  /** As `child_process` has it. Default: a pipe for each of the three streams. */
  readonly stdio?: 'pipe' | readonly ['ignore', 'pipe', 'pipe', 'pipe'] | undefined;
}

/**
 * Starts a program in a process group of its own. Rejects with the system's
 * error where there is no process: every shortage ends here, and none as an 'error' event without a listener.
 */
export async function startProcess(
  file: string,
  args: readonly string[],
  { cwd, env, stdio = 'pipe' }: StartOptions,
): Promise<StartedProcess> {
  let failure: unknown;
  const listen = (message: unknown): void => {
    (message as { process: ChildProcess }).process.once('error', (error) => (failure ??= error));
  };
  try {
    const subprocess = heard(listen, () => execa(file, args, { ...OPTIONS, cwd, env, stdio }));
    const { pid } = subprocess;
    if (pid !== undefined) return { child: subprocess as unknown as ChildProcess, pid };
    const { cause } = await subprocess;
    throw cause ?? new Error(`${file} was not started.`);
  } catch (error) {
    // The 'error' of a child without streams comes with the next tick.
    await new Promise((resolve) => {
      process.nextTick(resolve);
    });
    throw failure ?? error;
  }
}

/**
 * Without a file descriptor Node hands out a child without streams, on which execa throws, out of our reach, before
 * anything listens for the 'error' that Node emits next. So the child is heard of from Node itself.
 */
function heard<T>(listen: (message: unknown) => void, start: () => T): T {
  subscribe('child_process', listen);
  try {
    return start();
  } finally {
    unsubscribe('child_process', listen);
  }
}
