import type { Readable, Writable } from 'node:stream';
import type { LastWords } from './last-lines.ts';
import type { WorkerStart } from './worker-start.ts';

/** The standard streams of a worker whose channel they are. */
export interface WorkerStreams {
  readonly input: Writable;
  readonly output: Readable;
}

/** How a worker process ended. */
export interface WorkerExit {
  /** The exit status, null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines it printed. */
  readonly output: string;
  /** What of it was printed at the end, and when; undefined: all of it, whenever that was. */
  readonly lastWords?: LastWords | undefined;
  /** Whether it ended for want of memory: killed by the kernel, or by what its runtime printed. */
  readonly outOfMemory: boolean;
  /** What to do about it, as a sentence, where it ended before it was ready; undefined where nothing is known. */
  readonly advice?: string | undefined;
  /** Why there was never a process, or none that could become a worker. */
  readonly spawnError?: unknown;
  /** False for an exit that asks not to be restarted, and where there is nothing to start. */
  readonly retryable: boolean;
}

/** A worker process that runs. The port; `actors/process.ts` is its adapter, `actors/attended-server.ts` that of a server that another program runs. */
export interface WorkerProcess {
  /** Undefined where the worker is a server that another program runs. */
  readonly pid: number | undefined;
  /** What its kind has prepared for this start, to connect by. */
  readonly start: WorkerStart;
  /** Its standard streams, for kinds that talk over them; resolves once its program reads them. */
  streams(): Promise<WorkerStreams>;
  /** The last lines it printed. */
  output(): string;
  /** Called once, when the process has ended; at once if it has. */
  onExit(listener: () => void): void;
}

/** What a worker process tells its machine. */
export type ProcessEvent =
  /** A package is being installed, of which the program is one: there is no process yet. */
  | { readonly type: 'PROCESS.INSTALLING' }
  /** The package is installed, and the program is about to be started. */
  | { readonly type: 'PROCESS.INSTALLED' }
  | { readonly type: 'PROCESS.SPAWNED'; readonly process: WorkerProcess }
  /** The process has ended, even if another still holds its pipes. */
  | { readonly type: 'PROCESS.EXITED'; readonly exit: WorkerExit }
  /** Nothing of its process tree is left. */
  | { readonly type: 'PROCESS.GONE' };

/** What a worker process is told. The signal goes to its whole group. */
export interface ProcessCommand {
  readonly type: 'SIGNAL';
  readonly signal: 'SIGTERM' | 'SIGKILL';
  /** Why, for its log; undefined of an end in order, which whoever asked for it knows of. */
  readonly reason?: string | undefined;
}
