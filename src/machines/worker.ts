// Longer than others because a machine is one thing: what it is told, what it remembers and all its states.

import { type AnyEventObject, assign, cancel, fromCallback, fromPromise, sendParent, setup } from 'xstate';
import type { Connection } from '../channel/worker-channel.ts';
import type { GreenroomError, GreenroomErrorOf } from '../errors.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { ClientSession } from '../mcp/front-plugin.ts';
import type { Transport } from '../process/socket-directory.ts';
import type { ProcessCommand, ProcessEvent, WorkerExit, WorkerProcess } from '../process/worker-process.ts';
import type { BootPlugin, ProtocolVersion } from '../protocol.ts';
import type { Liveness } from '../settings/plugin-settings.ts';
import type { KindCommand, WorkerKind } from '../worker-kinds/kind.ts';
import { crashError, deadlineError, installDeadlineError, isRetryable, startError } from './worker-errors.ts';

/** How long a worker may take over each part of its life, in milliseconds. */
export interface WorkerTimeouts {
  /** For the installation of its package, where it has one. */
  readonly installMs: number;
  /** From the spawn until it is ready. */
  readonly startMs: number;
  /** For `/cleanup`, and again between SIGTERM and SIGKILL. */
  readonly stopMs: number;
}

/** All that is needed to start one worker. */
export interface LaunchRequest extends KindCommand {
  readonly plugin: string;
  readonly entry: ManifestEntry;
  readonly kind: WorkerKind;
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** That of the installer, where there is an environment of Python: with its settings of this machine. */
  readonly installEnv?: Readonly<Record<string, string>> | undefined;
  /** What the boot line tells the worker to load, for kinds that read one. */
  readonly boot: BootPlugin;
  /** How many calls the manifest lets it run at once. */
  readonly concurrency: number;
  readonly transport: Transport;
  /** The newest version of the worker protocol that it is offered. */
  readonly protocol: ProtocolVersion;
  /** The client of MCP that it is started for, where clients do not share its process. */
  readonly client?: ClientSession | undefined;
}

/** What a worker actor is made for: one process, one generation. */
export interface WorkerInput {
  readonly name: string;
  readonly generation: number;
  readonly launch: LaunchRequest;
  /** The config the plugin was given; `undefined`: the defaults of its schema. */
  readonly config: unknown;
  readonly timeouts: WorkerTimeouts;
  /** `undefined`: never asked. */
  readonly liveness: Liveness | undefined;
  /** The most memory, in MiB, that its tree may use; `undefined`: as much as there is. */
  readonly maxRssMb: number | undefined;
}

/** A worker that uses more memory than it may. */
export interface MemoryExcess {
  readonly error: GreenroomErrorOf<'E_MEMORY'>;
  /** For how long after the watch began it was last found within its limit, in milliseconds; 0 if it never was. */
  readonly withinMs: number;
}

/** What a worker tells its plugin; each event carries the generation. */
export type WorkerEvent =
  /** A package is being installed, of which its program is one. */
  | { readonly type: 'WORKER.INSTALLING'; readonly generation: number }
  /** The package is installed, and the time for its start begins. */
  | { readonly type: 'WORKER.INSTALLED'; readonly generation: number }
  /** Its process is spawned; without a pid where another program runs it. Comes again where the first had to be started anew. */
  | { readonly type: 'WORKER.SPAWNED'; readonly generation: number; readonly pid: number | undefined }
  /** It has shown who it is. */
  | { readonly type: 'WORKER.CONNECTED'; readonly generation: number }
  /** It takes calls. `config` is what the plugin was initialised with. */
  | {
      readonly type: 'WORKER.READY';
      readonly generation: number;
      readonly connection: Connection;
      readonly config: unknown;
    }
  /** It did not become ready; it is being ended. `retryable` is false where another try can only fail the same way. */
  | {
      readonly type: 'WORKER.FAILED';
      readonly generation: number;
      readonly error: GreenroomError;
      readonly retryable: boolean;
      readonly exit?: WorkerExit | undefined;
    }
  /** It stopped answering; it is being killed. */
  | { readonly type: 'WORKER.HUNG'; readonly generation: number; readonly error: GreenroomError }
  /** It uses more memory than it may; it goes on, and should be replaced. */
  | ({ readonly type: 'WORKER.OVERSIZED'; readonly generation: number } & MemoryExcess)
  /** Its process has ended, after it had been ready. */
  | {
      readonly type: 'WORKER.EXITED';
      readonly generation: number;
      readonly exit: WorkerExit;
      readonly error: GreenroomError;
    }
  /** Nothing of its process tree is left. Comes once, last. */
  | { readonly type: 'WORKER.GONE'; readonly generation: number };

/** What a worker actor is told. */
export type WorkerCommand =
  /** End it in order: `/cleanup`, SIGTERM, SIGKILL. */
  | { readonly type: 'STOP' }
  /** End it at once; its log tells why. */
  | { readonly type: 'KILL'; readonly reason?: string | undefined };

type Event =
  | ProcessEvent
  | WorkerCommand
  | { readonly type: 'START.DEADLINE' }
  | { readonly type: 'LIVENESS.LOST'; readonly error: GreenroomError }
  | ({ readonly type: 'MEMORY.EXCEEDED' } & MemoryExcess);

/** What a worker machine remembers. */
export interface WorkerContext extends WorkerInput {
  readonly process: WorkerProcess | undefined;
  readonly connection: Connection | undefined;
  /** Whether it has ever been ready, or its failure was told already: then its exit is not a failed start. */
  readonly told: boolean;
  /** Why it is ended, for its log; undefined where it is only no longer needed. */
  readonly reason: string | undefined;
}

const unprovided = (name: string) => (): never => {
  throw new Error(`The worker machine needs its actor "${name}" to be provided.`);
};

const base = setup({
  types: {
    input: {} as WorkerInput,
    context: {} as WorkerContext,
    events: {} as Event,
  },
  actors: {
    /** Owns the process from the spawn until nothing of its tree is left. */
    process: fromCallback<AnyEventObject, { launch: LaunchRequest; generation: number }>(unprovided('process')),
    /** Waits for the handshake and checks it and the first health answer. */
    connect: fromPromise<Connection, { process: WorkerProcess; launch: LaunchRequest }>(unprovided('connect')),
    /** Completes the config and gives it to the plugin; resolves to it. */
    initialize: fromPromise<unknown, { connection: Connection; config: unknown; launch: LaunchRequest }>(
      unprovided('initialize'),
    ),
    /** Tells the plugin that it is about to be stopped. */
    cleanup: fromPromise<void, { connection: Connection; name: string; generation: number }>(unprovided('cleanup')),
    /** Sends LIVENESS.LOST when the worker does not answer. */
    liveness: fromCallback<AnyEventObject, { name: string; connection: Connection; liveness: Liveness | undefined }>(
      unprovided('liveness'),
    ),
    /** Sends MEMORY.EXCEEDED, again and again, while the worker uses more than it may. */
    memory: fromCallback<AnyEventObject, { name: string; pid: number | undefined; maxRssMb: number | undefined }>(
      unprovided('memory'),
    ),
  },
  delays: {
    install: ({ context }) => context.timeouts.installMs,
    stop: ({ context }) => context.timeouts.stopMs,
  },
});

/** Tells the plugin that this start has failed, and remembers that it is told. */
const fail = (errorOf: (context: WorkerContext, event: { readonly type: string }) => GreenroomError) =>
  base.enqueueActions(({ context, event, self, enqueue }) => {
    const error = errorOf(context, event);
    const { generation } = context;
    const failed: WorkerEvent = { type: 'WORKER.FAILED', generation, error, retryable: isRetryable(error) };
    if (self._parent !== undefined) enqueue.sendTo(self._parent, failed);
    enqueue.assign({ told: true, reason: error.message });
  });

/** Remembers the process, and tells the plugin of it. */
const noteSpawned = base.enqueueActions(({ context, event, self, enqueue }) => {
  if (event.type !== 'PROCESS.SPAWNED') return;
  const { process } = event;
  enqueue.assign({ process });
  const spawned: WorkerEvent = { type: 'WORKER.SPAWNED', generation: context.generation, pid: process.pid };
  if (self._parent !== undefined) enqueue.sendTo(self._parent, spawned);
});

/** The time for the start begins. */
const startTime = base.raise(
  { type: 'START.DEADLINE' },
  { id: 'start', delay: ({ context }) => context.timeouts.startMs },
);

/** Signals the process, and says why. */
const signalProcess = (signal: ProcessCommand['signal']) =>
  base.sendTo('process', ({ context: { reason } }): ProcessCommand => ({ type: 'SIGNAL', signal, reason }));

/** It has not ended after SIGTERM. */
const noteDeaf = base.assign(({ context: { reason, timeouts } }) => {
  const deaf = `It did not end within ${timeouts.stopMs} ms after SIGTERM and was killed.`;
  return { reason: reason === undefined ? deaf : `${reason} ${deaf}` };
});

/** The start deadline has passed: names the step at which the worker was. */
const late = (step: string) => ({
  target: '#worker.stopping.killing',
  actions: fail(({ name, timeouts, process }) =>
    deadlineError(name, process?.start.step?.() ?? step, timeouts.startMs, process?.output() ?? ''),
  ),
});

/** A step of the start has failed with whatever it rejected with. */
const failed = (target: string) => ({
  target,
  actions: fail((context, event) => startError(context.name, (event as unknown as { error: unknown }).error)),
});

/**
 * One worker process, one generation: launching, installing, handshaking, initializing, up, stopping, exited. `exited`
 * lasts until nothing of the process tree is left.
 */
export const workerMachine = base.createMachine({
  id: 'worker',
  context: ({ input }) => ({ ...input, process: undefined, connection: undefined, told: false, reason: undefined }),
  invoke: {
    id: 'process',
    src: 'process',
    input: ({ context }) => ({ launch: context.launch, generation: context.generation }),
  },
  entry: startTime,
  initial: 'launching',
  on: {
    'PROCESS.EXITED': [
      {
        guard: ({ context }) => !context.told,
        target: '.exited',
        actions: sendParent(({ context, event }): WorkerEvent => {
          const error = startError(context.name, event.exit);
          return {
            type: 'WORKER.FAILED',
            generation: context.generation,
            error,
            retryable: event.exit.retryable && isRetryable(error),
            exit: event.exit,
          };
        }),
      },
      {
        target: '.exited',
        actions: sendParent(
          ({ context, event }): WorkerEvent => ({
            type: 'WORKER.EXITED',
            generation: context.generation,
            exit: event.exit,
            error: crashError(context.name, event.exit),
          }),
        ),
      },
    ],
    'PROCESS.GONE': '.gone',
    KILL: { target: '.stopping.killing', actions: assign({ reason: ({ event }) => event.reason }) },
  },
  states: {
    launching: {
      on: {
        'PROCESS.INSTALLING': {
          target: 'installing',
          actions: [
            cancel('start'),
            sendParent(({ context }): WorkerEvent => ({ type: 'WORKER.INSTALLING', generation: context.generation })),
          ],
        },
        'PROCESS.SPAWNED': { target: 'handshaking', actions: noteSpawned },
        STOP: { target: 'stopping.killing', actions: assign({ told: true }) },
        'START.DEADLINE': late('spawned'),
      },
    },
    installing: {
      after: {
        install: {
          target: 'stopping.killing',
          actions: fail(({ name, timeouts }) => installDeadlineError(name, timeouts.installMs)),
        },
      },
      on: {
        'PROCESS.INSTALLED': {
          target: 'launching',
          actions: [
            startTime,
            sendParent(({ context }): WorkerEvent => ({ type: 'WORKER.INSTALLED', generation: context.generation })),
          ],
        },
        STOP: { target: 'stopping.killing', actions: assign({ told: true }) },
      },
    },
    handshaking: {
      invoke: {
        id: 'connect',
        src: 'connect',
        input: ({ context }) => ({ process: context.process as WorkerProcess, launch: context.launch }),
        onDone: {
          target: 'initializing',
          actions: [
            assign({ connection: ({ event }) => event.output }),
            sendParent(({ context }): WorkerEvent => ({ type: 'WORKER.CONNECTED', generation: context.generation })),
          ],
        },
        onError: failed('stopping.killing'),
      },
      on: {
        STOP: { target: 'stopping.terminating', actions: assign({ told: true }) },
        // What it was to be reached by was taken by another program, and it was started anew.
        'PROCESS.SPAWNED': { target: 'handshaking', reenter: true, actions: noteSpawned },
        'START.DEADLINE': late('answering the handshake'),
      },
    },
    initializing: {
      invoke: {
        id: 'initialize',
        src: 'initialize',
        input: ({ context }) => ({
          connection: context.connection as Connection,
          config: context.config,
          launch: context.launch,
        }),
        onDone: {
          target: 'up',
          actions: [
            sendParent(
              ({ context, event }): WorkerEvent => ({
                type: 'WORKER.READY',
                generation: context.generation,
                connection: context.connection as Connection,
                config: event.output,
              }),
            ),
            assign({ told: true }),
            cancel('start'),
          ],
        },
        onError: failed('stopping'),
      },
      on: {
        STOP: { target: 'stopping', actions: assign({ told: true }) },
        'START.DEADLINE': late('initialising its plugin'),
      },
    },
    up: {
      invoke: [
        {
          id: 'liveness',
          src: 'liveness',
          input: ({ context }) => ({
            name: context.name,
            connection: context.connection as Connection,
            liveness: context.liveness,
          }),
        },
        {
          id: 'memory',
          src: 'memory',
          input: ({ context }) => ({
            name: context.name,
            pid: context.process?.pid,
            maxRssMb: context.maxRssMb,
          }),
        },
      ],
      on: {
        STOP: 'stopping',
        'MEMORY.EXCEEDED': {
          actions: [
            // It is told again and again until its plugin has it stopped.
            assign({ reason: ({ event }) => event.error.message }),
            sendParent(
              ({ context, event }): WorkerEvent => ({
                type: 'WORKER.OVERSIZED',
                generation: context.generation,
                error: event.error,
                withinMs: event.withinMs,
              }),
            ),
          ],
        },
        'LIVENESS.LOST': {
          // Killed first: a worker that hangs must do nothing more once it is given up.
          target: 'stopping.killing',
          actions: [
            assign({ reason: ({ event }) => event.error.message }),
            sendParent(
              ({ context, event }): WorkerEvent => ({
                type: 'WORKER.HUNG',
                generation: context.generation,
                error: event.error,
              }),
            ),
          ],
        },
      },
    },
    stopping: {
      initial: 'cleaning',
      states: {
        cleaning: {
          invoke: {
            id: 'cleanup',
            src: 'cleanup',
            input: ({ context: { connection, name, generation } }) => ({
              connection: connection as Connection,
              name,
              generation,
            }),
            onDone: 'terminating',
            onError: 'terminating',
          },
          after: { stop: 'terminating' },
        },
        terminating: {
          entry: signalProcess('SIGTERM'),
          after: { stop: { target: 'killing', actions: noteDeaf } },
        },
        killing: {
          entry: signalProcess('SIGKILL'),
        },
      },
    },
    exited: { on: { KILL: {}, STOP: {} } },
    gone: {
      type: 'final',
      entry: sendParent(({ context }): WorkerEvent => ({ type: 'WORKER.GONE', generation: context.generation })),
    },
  },
});
