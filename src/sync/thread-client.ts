import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { CallOptions, Progress } from '../calls/call-options.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { callListener } from '../events/listeners.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import { systemClock } from '../time/clock.ts';
import type { Batch } from './batch-reader.ts';
import { type Bell, createBell, rings, sleep } from './bell.ts';
import { rebuildError } from './error-message.ts';
import { EXIT_STOP_MS } from './exit-stop.ts';
import { type Ending, type Reply, type Request, START, WATCHING, type WatcherData } from './messages.ts';
import { memoryOf } from './sent-value.ts';
import type { RequestContext, ThreadMethods } from './thread-methods.ts';

/** What a method of the thread takes from the caller. */
type Args<Method> = Method extends (context: RequestContext, ...args: infer Rest) => unknown ? Rest : [];

/** What it gives. */
type Answer<Method extends keyof ThreadMethods> = Awaited<ReturnType<ThreadMethods[Method]>>;

// The programs of threads run from the build, as those of workers do.
const WATCHER = fileURLToPath(new URL('../../dist/sync/watcher-thread.js', import.meta.url));
const SUPERVISOR = fileURLToPath(new URL('../../dist/sync/supervisor-thread.js', import.meta.url));

/** How long the watcher may take to start, in milliseconds: what fails before it watches cannot be told. */
const WATCHER_START_MS = 30_000;

/** How much longer than the supervisor itself a program that exits waits for it, in milliseconds. */
const EXIT_SLACK_MS = 1_000;

/** The threads whose supervisors are stopped when the program exits without having done so. */
const stopOnExit = new Set<ThreadClient>();
process.on('exit', () => {
  for (const client of stopOnExit) client.exit();
});

/** The caller's end of the supervisor's thread. Every method waits here, while the event loop stands still. */
export class ThreadClient {
  readonly #bell: Bell = createBell();
  readonly #port: MessagePort;
  /** Tells how the thread has ended. */
  readonly #watch: MessagePort;
  readonly #waiting = new Set<number>([START]);
  readonly #replies = new Map<number, Reply>();
  /** What the callers of calls are told, and what they were not told yet. */
  readonly #progress = new Map<number, { readonly tell: (progress: Progress) => void; readonly untold: Progress[] }>();
  #lastId = START;
  /** Why it answers no more. */
  #ended: (() => GreenroomError) | undefined;
  /** The address of the inspector's page. */
  readonly inspectorUrl: string | undefined;

  /** Starts the thread and the supervisor in it. Throws what `createSupervisor` rejects with, and `E_START`. */
  constructor(options: SupervisorSettings) {
    const requests = new MessageChannel();
    const watch = new MessageChannel();
    this.#port = requests.port1;
    this.#watch = watch.port1;
    const { NODE_OPTIONS: _flags, ...env } = process.env;
    const workerData: WatcherData = {
      program: SUPERVISOR,
      env: { ...process.env },
      supervisor: { port: requests.port2, bell: this.#bell, options },
      port: watch.port2,
    };
    try {
      if (!existsSync(WATCHER)) throw new Error(`${WATCHER} is missing; do not bundle greenroom`);
      const transferList = [requests.port2, watch.port2];
      new Worker(WATCHER, { workerData, transferList, env, execArgv: [] }).unref();
      this.#awaitWatcher();
    } catch (cause) {
      throw cause instanceof GreenroomError ? cause : startError(cause);
    }
    stopOnExit.add(this);
    try {
      const started = this.#receive(START, 'createSupervisor', ThreadClient);
      this.inspectorUrl = (started as { readonly inspectorUrl: string | undefined }).inspectorUrl;
    } catch (error) {
      // A thread that was interrupted goes on; one that failed does not listen.
      this.tell('exit');
      stopOnExit.delete(this);
      throw error;
    }
  }

  /** Whether the thread has ended, or is told to. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Asks the thread and waits for its answer. Throws what the method throws, with the stack of the caller. */
  ask<Method extends keyof ThreadMethods>(method: Method, ...args: Args<ThreadMethods[Method]>): Answer<Method> {
    return this.#receive(this.#send(method, args, true), method, this.ask) as Answer<Method>;
  }

  /** Waits for the next chunks of a stream, and tells its `onProgress`. */
  read(stream: number): Batch {
    return this.#receive(this.#send('read', [stream], true), 'next', this.read, stream) as Batch;
  }

  /** As {@link ask}, for a call: `onProgress` is called while it waits. Gives the identifier of the call too. */
  call<Method extends 'execute' | 'stream'>(
    method: Method,
    onProgress: CallOptions['onProgress'],
    ...args: Args<ThreadMethods[Method]>
  ): { readonly id: number; readonly answer: Answer<Method> } {
    const [, { bytes }] = args;
    const id = this.#send(method, args, true, memoryOf(bytes));
    if (onProgress !== undefined) this.#progress.set(id, { tell: onProgress, untold: [] });
    let isStreaming = false;
    try {
      const answer = this.#receive(id, method, this.call) as Answer<Method>;
      isStreaming = method === 'stream';
      return { id, answer };
    } finally {
      if (!isStreaming) this.#progress.delete(id);
    }
  }

  /** Tells the thread something, and does not wait. */
  tell<Method extends keyof ThreadMethods>(method: Method, ...args: Args<ThreadMethods[Method]>): void {
    if (this.#ended === undefined) this.#send(method, args, false);
  }

  /** Forgets the `onProgress` of a stream. */
  forget(id: number): void {
    this.#progress.delete(id);
  }

  /** Stops the supervisor and its thread; does nothing where it has stopped. */
  stop(timeoutMs: number | undefined): void {
    if (this.#ended !== undefined) return;
    this.ask('stop', timeoutMs);
    this.#end(stoppedError);
  }

  /** Stops the supervisor of a program that exits, in a few seconds at most. */
  exit(): void {
    if (this.#ended !== undefined) return;
    const id = this.#send('exit', [], true);
    const deadline = systemClock.monotonic() + EXIT_STOP_MS + EXIT_SLACK_MS;
    for (;;) {
      const rung = rings(this.#bell);
      this.#takeMessages();
      const left = deadline - systemClock.monotonic();
      // A second Ctrl-C does not wait for it.
      if (this.#replies.has(id) || this.ended || left <= 0 || !sleep(this.#bell, rung, left)) break;
    }
    this.#end(stoppedError);
  }

  #awaitWatcher(): void {
    const deadline = systemClock.monotonic() + WATCHER_START_MS;
    for (;;) {
      const rung = rings(this.#bell);
      if (receive(this.#watch) === WATCHING) return;
      const left = deadline - systemClock.monotonic();
      if (left <= 0) throw new Error(`${WATCHER} did not start within ${WATCHER_START_MS} ms; reinstall greenroom`);
      if (!sleep(this.#bell, rung, left)) this.#interrupt(START, 'createSupervisor');
    }
  }

  /** @param memory what is handed over to the thread */
  #send(
    method: keyof ThreadMethods,
    args: readonly unknown[],
    isAwaited: boolean,
    memory: readonly ArrayBuffer[] = [],
  ): number {
    this.#takeMessages();
    if (this.#ended !== undefined) throw this.#ended();
    this.#lastId += 1;
    const id = this.#lastId;
    const request: Request = { id, method, args };
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A message port, not a window.
      this.#port.postMessage(request, memory);
    } catch (cause) {
      const message = `An argument of ${method}() cannot be given to the supervisor's thread: ${messageOf(cause)}`;
      throw new GreenroomError('E_OPTIONS', message, { cause });
    }
    if (isAwaited) this.#waiting.add(id);
    return id;
  }

  /**
   * @param entry the function of this class that the caller called: errors have the stack above it
   * @param call whose progress is told
   */
  #receive(id: number, method: string, entry: Function, call = id): unknown {
    try {
      for (;;) {
        const rung = rings(this.#bell);
        this.#takeMessages();
        this.#tellProgress(call);
        const reply = this.#replies.get(id);
        if (reply !== undefined) return valueOf(reply);
        if (this.#ended !== undefined) throw this.#ended();
        if (!sleep(this.#bell, rung)) this.#interrupt(id, method);
      }
    } catch (error) {
      if (error instanceof GreenroomError) Error.captureStackTrace(error, entry);
      throw error;
    } finally {
      this.#waiting.delete(id);
      this.#replies.delete(id);
    }
  }

  /** Not as it comes: an `onProgress` may make calls, during which more comes. */
  #tellProgress(call: number): void {
    const listener = this.#progress.get(call);
    if (listener === undefined) return;
    for (let next = listener.untold.shift(); next !== undefined; next = listener.untold.shift()) {
      callListener(listener.tell, next, warnOfListener);
    }
  }

  /** A SIGINT has come while the caller waited. What its listeners do comes first, and may be to exit. */
  #interrupt(id: number, method: string): never {
    this.tell('cancel', id);
    process.emit('SIGINT', 'SIGINT');
    throw new GreenroomError('E_CANCELLED', `${method}() was cancelled: the program got SIGINT while it waited.`);
  }

  /** Takes what has come, in order. Of the thread's end first: all that it said before has come by then. */
  #takeMessages(): void {
    const ending = receive(this.#watch) as Ending | typeof WATCHING | undefined;
    for (;;) {
      const reply = receive(this.#port) as Reply | undefined;
      if (reply === undefined) break;
      if (!('progress' in reply)) {
        // A late one is of a call that nobody waits for.
        if (this.#waiting.has(reply.id)) this.#replies.set(reply.id, reply);
        continue;
      }
      this.#progress.get(reply.id)?.untold.push(reply.progress);
    }
    if (ending === undefined || ending === WATCHING) return;
    const isStarting = this.#waiting.has(START);
    this.#end(() => (isStarting ? startError(causeOf(ending)) : endedError(ending)));
  }

  #end(error: () => GreenroomError): void {
    this.#ended ??= error;
    this.#port.close();
    this.#watch.close();
    stopOnExit.delete(this);
  }
}

function receive(port: MessagePort): unknown {
  return receiveMessageOnPort(port)?.message;
}

function valueOf(reply: Reply): unknown {
  if ('error' in reply) throw rebuildError(reply.error);
  return 'value' in reply ? reply.value : undefined;
}

function warnOfListener(error: unknown): void {
  process.emitWarning(`onProgress failed, and the call went on: ${messageOf(error)}`, 'GreenroomWarning');
}

function causeOf({ error, status }: Ending): Error {
  return error === undefined ? new Error(`it exited with status ${status}`) : rebuildError(error);
}

function startError(cause: unknown): GreenroomError {
  return new GreenroomError('E_START', `The thread of the supervisor cannot start: ${messageOf(cause)}.`, { cause });
}

function endedError(ending: Ending): GreenroomError {
  const cause = causeOf(ending);
  return new GreenroomError(
    'E_CRASHED',
    `The thread of the supervisor ended: ${messageOf(cause)}. Create another supervisor with createSupervisor().`,
    { cause },
  );
}

/** Why a supervisor that has stopped does nothing more. */
function stoppedError(): GreenroomError {
  return new GreenroomError('E_STOPPING', 'The supervisor has stopped. Create another one with createSupervisor().');
}
