import { unpackValue } from '../api/packed-value.ts';
import { cancelledError, timeoutError } from '../calls/call-errors.ts';
import { type CallOptions, checkCallOptions, type StreamOptions } from '../calls/call-options.ts';
import { withCallerFrames } from '../calls/caller-frames.ts';
import { GreenroomError } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import { isFinal } from '../jobs/job.ts';
import type { Caller, NewJob } from '../jobs/job-store.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { RedisReplies, Said } from '../jobs/redis/redis-replies.ts';
import type { Clock } from '../time/clock.ts';

/** What calls through a fleet are made of. */
export interface FleetCallsParts {
  readonly jobs: Jobs;
  readonly replies: RedisReplies;
  readonly clock: Clock;
  /** That no node has a plugin, in a sentence; undefined: one has. */
  readonly whyNobody: (plugin: string) => Promise<string | undefined>;
  /** Told of what callers' functions throw. */
  readonly onListenerError: (error: unknown) => void;
}

/** What belongs to the worker's own program and is not carried to another. */
const NOT_CARRIED = ['integers', 'traceparent', 'streamIdleMs'] as const;

/**
 * Calls that run wherever the fleet has room for them. Each is a job, which this program adds, follows, and removes at its
 * end. One that is not idempotent is made once at most: where its node is lost, it fails with `E_INTERRUPTED`.
 */
export class FleetCalls {
  readonly #parts: FleetCallsParts;

  constructor(parts: FleetCallsParts) {
    this.#parts = parts;
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
  stream(
    plugin: string,
    input: unknown,
    options: StreamOptions,
  ): AsyncGenerator<unknown, void, undefined> & AsyncDisposable {
    return this.#stream(this.#call(plugin, input, options, 'chunks'), options);
  }

  async *#stream(call: FleetCall, options: StreamOptions): AsyncGenerator<unknown, void, undefined> {
    for await (const said of call.said())
      if (said.kind === 'chunk') yield unpackValue(said.packed);
      else this.#tell(options, said);
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
      // A worker that dies ends the call; that its program ends takes none of the attempts.
      { tool, priority, timeoutMs, ttlMs: timeoutMs, attempts: 1, once: !idempotent },
      { caller: { node: replies.node, wants }, validate },
    );
    return new FleetCall(this.#parts, job, options);
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

/** One call, of the program that makes it. */
class FleetCall {
  readonly #parts: FleetCallsParts;
  readonly #job: NewJob;
  readonly #options: CallOptions;
  /** Once all that it said has been read. */
  result: unknown;

  constructor(parts: FleetCallsParts, job: NewJob, options: CallOptions) {
    this.#parts = parts;
    this.#job = job;
    this.#options = options;
  }

  /** Makes the call, and yields what it says until it has ended. Throws what it fails with. To leave it cancels the call. */
  async *said(): AsyncGenerator<Said, void, undefined> {
    const { jobs, replies, clock, whyNobody } = this.#parts;
    const { id, plugin } = this.#job;
    const { signal, timeoutMs } = this.#options;
    if (signal?.aborted === true) throw cancelledError(plugin, signal.reason);
    const nobody = await whyNobody(plugin);
    if (nobody !== undefined) throw new GreenroomError('E_UNKNOWN_PLUGIN', nobody, { plugin });
    const over = new AbortController();
    const offSignal = signal && onAbort(signal, () => over.abort(cancelledError(plugin, signal.reason)));
    const isLimited = timeoutMs !== undefined && timeoutMs !== Infinity;
    const timer = isLimited ? clock.setTimeout(() => void this.#expire(over), timeoutMs) : undefined;
    const replied = replies.listen(id);
    let hasEnded = false;
    try {
      await jobs.addCall(this.#job);
      jobs
        .ended(id, over.signal)
        // Why, is looked at where it ends.
        .catch(() => {})
        .finally(() => {
          hasEnded = true;
          replied.wake();
        });
      for (;;) {
        // What it has said is there before it has ended.
        const isLast = hasEnded;
        const batch = await replied.read();
        yield* batch;
        over.signal.throwIfAborted();
        if (batch.length > 0) continue;
        if (isLast) break;
        await replied.more();
      }
      this.result = await (await jobs.get(id)).result();
    } finally {
      clock.clearTimeout(timer);
      offSignal?.();
      replied.close();
      // The job is not kept: who wants that adds a job.
      await jobs
        .cancel(id)
        .then(() => jobs.remove(id))
        .catch(() => {});
    }
  }

  async #expire(over: AbortController): Promise<void> {
    const { jobs } = this.#parts;
    const { id, plugin } = this.#job;
    const state = await jobs.read(id).then(
      (job) => job.state,
      () => 'waiting' as const,
    );
    // What ended in the same moment has ended.
    if (isFinal(state)) return;
    const doing = state === 'running' ? 'running' : 'waiting for a node of the fleet';
    over.abort(timeoutError(plugin, this.#options.timeoutMs, doing));
  }
}

function notCarried(plugin: string, name: string): GreenroomError {
  const message = `A call to "${plugin}" through the fleet does not carry ${name}. Leave it out, or call without fleet: true.`;
  return new GreenroomError('E_OPTIONS', message, { plugin });
}
