import { cancelledError, timeoutError } from '../calls/call-errors.ts';
import { type CallOptions, checkCallOptions, type StreamOptions } from '../calls/call-options.ts';
import { withCallerFrames } from '../calls/caller-frames.ts';
import { GreenroomError } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import { isFinal, type JobState } from '../jobs/job.ts';
import type { Caller, NewJob } from '../jobs/job-store.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { RedisReplies, Said, SaidByCall } from '../jobs/redis/redis-replies.ts';
import type { Clock } from '../time/clock.ts';
import { fleetStream } from './fleet-stream.ts';

/** What calls through a fleet are made of. */
export interface FleetCallsParts {
  readonly jobs: Jobs;
  readonly replies: RedisReplies;
  readonly clock: Clock;
  /** That no node has a plugin, in a sentence; undefined: one has. */
  readonly whyNobody: (plugin: string) => Promise<string | undefined>;
  /** Whether the Redis is known to be away. */
  readonly isCutOff: () => boolean;
  /** Told of what callers' functions throw. */
  readonly onListenerError: (error: unknown) => void;
}

/** How long is waited for what a call was at when its time is over, in milliseconds: it ends without where Redis is away. */
const LOOK_MS = 100;

/** How long is waited before what Redis was away for is tried again, in milliseconds. */
const TRY_AGAIN_MS = 1_000;

/** After how long one that waits for the end of a job has had an answer of Redis, in milliseconds: none takes so long. */
const ANSWERED_MS = 10_000;

/** What belongs to the worker's own program and is not carried to another. */
const NOT_CARRIED = ['integers', 'traceparent', 'streamIdleMs'] as const;

/**
 * Calls that run wherever the fleet has room for them. Each is a job, which this program adds, follows, and removes at its
 * end. One that is not idempotent is made once at most: where its node is lost, it fails with `E_INTERRUPTED`. A call ends
 * at its time and at its signal also while Redis is away; what has been put in is withdrawn once Redis is back.
 */
export class FleetCalls {
  readonly #parts: FleetCallsParts;
  readonly #closed = new AbortController();
  readonly #open = new Set<Promise<void>>();

  constructor(parts: FleetCallsParts) {
    this.#parts = parts;
  }

  /** Ends the calls that are still made, here with `E_CANCELLED`, and where they run. Resolves once that is done. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('The jobs of the fleet were closed.'));
    await Promise.all(this.#open);
  }

  /** Makes a call; resolves to its result. Rejects as `supervisor.execute` does, and with `E_INTERRUPTED` and `E_JOB_STORE`. */
  execute(plugin: string, input: unknown, options: CallOptions): Promise<unknown> {
    return withCallerFrames(this.#execute(plugin, input, options));
  }

  async #execute(plugin: string, input: unknown, options: CallOptions): Promise<unknown> {
    const call = this.#call(plugin, input, options, 'progress');
    for await (const said of call.said()) this.#tell(options, said);
    return call.result;
  }

  /** Makes a call, with the first `next()`, and yields what it streams. Chunks may have 1 MiB. Leaving it cancels the call. */
  stream(plugin: string, input: unknown, options: StreamOptions): AsyncIterableIterator<unknown> & AsyncDisposable {
    const call = this.#call(plugin, input, options, 'chunks');
    return fleetStream({
      clock: this.#parts.clock,
      said: (left) => whole(call, left),
      onOther: (said) => this.#tell(options, said),
    });
  }

  #call(plugin: string, input: unknown, options: CallOptions, wants: Caller['wants']): FleetCall {
    checkCallOptions(plugin, options);
    const { jobs, replies } = this.#parts;
    for (const name of NOT_CARRIED) if ((options as StreamOptions)[name] !== undefined) throw notCarried(plugin, name);
    if (options.validate === 'both') throw notCarried(plugin, 'validate: "both"');
    const { tool, priority, timeoutMs, idempotent = false, validate = true } = options;
    const job = jobs.newCall(
      plugin,
      input,
      // A worker that dies ends the call; that its program ends takes none of the attempts. What was streamed is not streamed again.
      { tool, priority, timeoutMs, ttlMs: timeoutMs, attempts: 1, once: !idempotent || wants === 'chunks' },
      { caller: { node: replies.node, wants }, validate },
    );
    return new FleetCall({ ...this.#parts, closed: this.#closed.signal, open: this.#open }, job, options);
  }

  #tell({ onProgress }: CallOptions, said: Said): void {
    if (said.kind !== 'progress' || onProgress === undefined) return;
    const { onListenerError } = this.#parts;
    try {
      const told = onProgress(said.progress) as unknown;
      if (told instanceof Promise) told.catch(onListenerError);
    } catch (error) {
      onListenerError(error);
    }
  }
}

interface FleetCallParts extends FleetCallsParts {
  /** Aborted when no calls are to be made any more. */
  readonly closed: AbortSignal;
  /** The calls that are made: each is added until it has ended. */
  readonly open: Set<Promise<void>>;
}

/** One call, of the program that makes it. */
class FleetCall {
  readonly #parts: FleetCallParts;
  readonly #job: NewJob;
  readonly #options: CallOptions;
  /** Once all that it said has been read; of one that streams, how many chunks it has sent. */
  result: unknown;

  constructor(parts: FleetCallParts, job: NewJob, options: CallOptions) {
    this.#parts = parts;
    this.#job = job;
    this.#options = options;
  }

  get plugin(): string {
    return this.#job.plugin;
  }

  /**
   * Makes the call, and yields what it says until it has ended. Throws what it fails with. To leave it cancels the call.
   *
   * @param left cancels the call, too
   */
  async *said(left?: AbortSignal): AsyncGenerator<Said, void, undefined> {
    const { jobs, replies, clock, whyNobody, closed, open } = this.#parts;
    const { id, plugin } = this.#job;
    const { signal, timeoutMs } = this.#options;
    for (const each of [signal, closed]) if (each?.aborted === true) throw cancelledError(plugin, each.reason);
    const over = new AbortController();
    const offs = [signal, left, closed].map((each) => {
      return each && onAbort(each, () => over.abort(cancelledError(plugin, each.reason)));
    });
    const isLimited = timeoutMs !== undefined && timeoutMs !== Infinity;
    const timer = isLimited ? clock.setTimeout(() => void this.#expire(over), timeoutMs) : undefined;
    const replied = replies.listen(id);
    let adding: Promise<void> | undefined;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    open.add(ended);
    const isOver = rejection(over.signal);
    const untilOver = <Value>(asked: Promise<Value>): Promise<Value> => Promise.race([isOver, asked]);
    try {
      const nobody = await untilOver(whyNobody(plugin));
      if (nobody !== undefined) throw new GreenroomError('E_UNKNOWN_PLUGIN', nobody, { plugin });
      over.signal.throwIfAborted();
      adding = jobs.addCall(this.#job);
      await untilOver(adding);
      yield* this.#saidUntilEnd(replied, over.signal, untilOver);
      this.result = await untilOver(
        this.#ask(over.signal, async () => (await jobs.get(id)).result({ signal: over.signal })),
      );
    } catch (error) {
      throw error instanceof GreenroomError && error.code === 'E_INTERRUPTED' ? nodeGone(plugin, error) : error;
    } finally {
      replied.close();
      const tried = new Promise<void>((resolve) => {
        void this.#withdraw(adding, resolve).finally(() => {
          open.delete(ended);
          end();
          resolve();
        });
      });
      // Who has ended the call, or has it ended by its time, does not wait for that; nobody does while Redis is away.
      await Promise.race([tried, isOver.catch(() => {})]);
      clock.clearTimeout(timer);
      for (const off of offs) off?.();
    }
  }

  /**
   * Ends the job where it runs, and removes it: the job is not kept, who wants that adds one. Where Redis is away that is
   * done once it is back, unless the calls are closed by then. Never rejects.
   *
   * @param adding even where it was refused the job may be stored; undefined: it was never added
   * @param onAway told where it has to wait for Redis
   */
  async #withdraw(adding: Promise<void> | undefined, onAway: () => void): Promise<void> {
    if (adding === undefined) return;
    const { jobs, closed } = this.#parts;
    const { id } = this.#job;
    // Behind it, as it would be there after all.
    await adding.catch(() => {});
    for (;;) {
      try {
        await jobs.cancel(id);
        await jobs.remove(id);
        return;
      } catch (error) {
        if (!isOfStore(error) || closed.aborted) return;
      }
      onAway();
      await this.#untilBack();
    }
  }

  /** Resolves once Redis may be asked again, or no calls are to be made any more: to whether it was away. */
  async #untilBack(): Promise<boolean> {
    const { clock, closed, isCutOff } = this.#parts;
    let wasAway = false;
    for (;;) {
      let off = (): void => {};
      let timer: unknown;
      await new Promise<void>((resolve) => {
        off = onAbort(closed, resolve);
        timer = clock.setTimeout(resolve, TRY_AGAIN_MS);
      });
      off();
      clock.clearTimeout(timer);
      if (!isCutOff() || closed.aborted) return wasAway;
      wasAway = true;
    }
  }

  /**
   * Asks for what may be asked for again: while Redis is away the job runs on.
   *
   * @param answeredMs what fails after as long has been answered before: that Redis was away then does not count any more
   */
  async #ask<Answer>(over: AbortSignal, ask: () => Promise<Answer>, answeredMs = Infinity): Promise<Answer> {
    const { clock } = this.#parts;
    for (let mayBeAway = true; ; ) {
      const asked = clock.monotonic();
      try {
        return await ask();
      } catch (error) {
        if (clock.monotonic() - asked >= answeredMs) mayBeAway = true;
        if (!isOfStore(error) || !mayBeAway || over.aborted) throw error;
      }
      // Of a Redis that hangs it is known only a moment later; of any other, the next failure is the call's.
      mayBeAway = await this.#untilBack();
    }
  }

  async *#saidUntilEnd(
    replied: SaidByCall,
    over: AbortSignal,
    untilOver: <Value>(asked: Promise<Value>) => Promise<Value>,
  ): AsyncGenerator<Said, void, undefined> {
    let hasEnded = false;
    let fault: unknown;
    this.#ask(over, () => this.#parts.jobs.ended(this.#job.id, over), ANSWERED_MS)
      .catch((error: unknown) => (fault = error))
      .finally(() => {
        hasEnded = true;
        replied.wake();
      });
    for (;;) {
      // What it has said is there before it has ended.
      const isLast = hasEnded;
      const batch = await untilOver(this.#read(replied, over));
      yield* batch;
      over.throwIfAborted();
      if (batch.length > 0) continue;
      // It may run on, and what it says is not to pass unread.
      if (fault !== undefined) throw fault;
      if (isLast) return;
      await untilOver(replied.more());
    }
  }

  /** What was read may be lost where its answer is: progress that is missed is no fault, a chunk is. */
  #read(replied: SaidByCall, over: AbortSignal): Promise<readonly Said[]> {
    const isStream = this.#job.caller?.wants === 'chunks';
    return isStream ? replied.read() : this.#ask(over, () => replied.read());
  }

  async #expire(over: AbortController): Promise<void> {
    const { jobs, clock } = this.#parts;
    const { id, plugin } = this.#job;
    let timer: unknown;
    const unknown = new Promise<undefined>((resolve) => {
      timer = clock.setTimeout(() => resolve(undefined), LOOK_MS);
    });
    const known = jobs.read(id).then(
      (job) => job.state,
      (error: unknown) => (error instanceof GreenroomError && error.code === 'E_JOB' ? 'waiting' : undefined),
    );
    const state = await Promise.race([known, unknown]);
    clock.clearTimeout(timer);
    // What ended in the same moment has ended.
    if (state !== undefined && isFinal(state)) return;
    over.abort(timeoutError(plugin, this.#options.timeoutMs, doingIn(state)));
  }
}

function isOfStore(error: unknown): boolean {
  return error instanceof GreenroomError && error.code === 'E_JOB_STORE';
}

function doingIn(state: JobState | undefined): string {
  if (state === undefined) return 'waiting for the Redis of the fleet';
  return state === 'running' ? 'running' : 'waiting for a node of the fleet';
}

/** Rejects with the reason of a signal, once it is aborted. */
function rejection(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  rejected.catch(() => {});
  return rejected;
}

/** What a call says that streams. Throws `E_JOB_STORE` where not all that it streamed has come. */
async function* whole(call: FleetCall, left: AbortSignal): AsyncGenerator<Said, void, undefined> {
  let count = 0;
  for await (const said of call.said(left)) {
    if (said.kind === 'chunk') count += 1;
    yield said;
  }
  if (call.result !== count) throw chunksLost(call.plugin, count, call.result);
}

function chunksLost(plugin: string, count: number, of: unknown): GreenroomError {
  const message = `The stream of "${plugin}" is not whole: ${count} of its ${String(of)} chunks came, as the Redis of the fleet lost others. Call it again.`;
  return new GreenroomError('E_JOB_STORE', message, { plugin });
}

/** In place of what the job says, as its call is over and the job is not kept. */
function nodeGone(plugin: string, cause: GreenroomError): GreenroomError {
  const message = `The call to "${plugin}" was cut off: the node of the fleet that ran it is gone. Look what it did, then call again; with idempotent: true it is made again by itself.`;
  return new GreenroomError('E_INTERRUPTED', message, { plugin, cause });
}

function notCarried(plugin: string, name: string): GreenroomError {
  const message = `A call to "${plugin}" through the fleet does not carry ${name}. Leave it out, or call without fleet: true.`;
  return new GreenroomError('E_OPTIONS', message, { plugin });
}
