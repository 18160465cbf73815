import { unpackValue } from '../../api/packed-value.ts';
import type { CallOptions, Progress } from '../../calls/call-options.ts';
import { collectedChunks } from '../../calls/collected-chunks.ts';
import type { GreenroomError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import { withOutputs } from '../job-output.ts';
import type { AttemptOutcome, TakenJob } from '../job-store.ts';
import { packJobValue } from '../pack-job-value.ts';
import { errorText } from '../stored-error.ts';
import { afterFailure } from './failed-attempt.ts';
import type { JobCall, JobSite } from './job-site.ts';
import type { Replies } from './replies.ts';

/** How long jobs of a plugin that cannot be called wait before it is looked at again, if nothing else tells of a change. */
export const LOOK_AGAIN_MS = 5_000;

/** Why a call ends that has not reached a worker, and whose job goes back to the store. */
const GIVEN_BACK = Symbol('given back');

/** What the run of a job needs of what took it. */
export interface JobRunParts {
  readonly clock: Clock;
  /** Its plugin, as that is now. */
  readonly site: () => JobSite;
  readonly replies: Replies | undefined;
  /** Resolves once a worker would take its call at once, as far as other jobs go; asked of one that may run only once. */
  readonly untilPlace: (run: JobRun, signal: AbortSignal) => Promise<void>;
  /** Told that it has begun; resolves once the store knows of it. */
  readonly onBegun: (run: JobRun, generation: number | undefined) => Promise<void>;
  readonly onProgress: (run: JobRun) => void;
  readonly onError: (error: unknown) => void;
}

/** How a run ended. */
export interface RunEnd {
  /** Undefined: the job goes back. */
  readonly outcome: AttemptOutcome | undefined;
  /** Why the plugin could not be called, and the job is not the cause. */
  readonly refusal?: GreenroomError;
}

/** One attempt at a job that was taken: its call, and how that ends. */
export class JobRun {
  readonly job: TakenJob;
  /** When its call reached a worker, or of one that may run only once, was about to; by the monotonic clock. */
  begunAt: number | undefined;
  progress: Progress | undefined;
  isProgressStored = true;
  readonly #parts: JobRunParts;
  readonly #cancel = new AbortController();
  #hasReachedWorker = false;
  /** Rings when it should have begun. */
  #expiry: unknown;

  constructor(job: TakenJob, parts: JobRunParts) {
    this.job = job;
    this.#parts = parts;
    const { clock } = parts;
    // The store ends it when it has it again.
    if (job.expiresAt !== undefined)
      this.#expiry = clock.setTimeout(() => this.giveBack(), job.expiresAt - clock.now());
  }

  /** Cancels its call. */
  cancel(reason: unknown): void {
    this.#cancel.abort(reason);
  }

  /** Has the job go back, where it has not begun. */
  giveBack(): void {
    if (this.begunAt === undefined) this.#cancel.abort(GIVEN_BACK);
  }

  /** Makes its call; resolves when that has ended. */
  async end(): Promise<RunEnd> {
    try {
      const result = packJobValue(this.job.plugin, await this.#call(), 'result');
      return { outcome: { end: 'done', result } };
    } catch (error) {
      return this.#endOf(error);
    } finally {
      this.#parts.clock.clearTimeout(this.#expiry);
    }
  }

  /** Resolves to what the call comes to; where its caller wants chunks, to how many were sent. */
  async #call(): Promise<unknown> {
    const { replies, untilPlace, onBegun, onProgress, onError } = this.#parts;
    const { id, plugin, tool, priority, timeoutMs, once, stream, caller } = this.job;
    const { signal } = this.#cancel;
    const results = new Map(
      [...this.job.results].map(([name, packed]) => [name, unpackValue(Buffer.from(packed))] as const),
    );
    const stored = unpackValue(Buffer.from(this.job.input));
    const input = results.size === 0 ? stored : withOutputs(plugin, stored, results);
    const site = this.#parts.site();
    if (once) {
      // That it has begun must be known before it has, and not before it can.
      await Promise.race([untilPlace(this, signal), rejection(signal)]);
      await onBegun(this, undefined);
    }
    const tell = (progress: Progress): void => {
      this.progress = progress;
      this.isProgressStored = false;
      onProgress(this);
    };
    const options: CallOptions = {
      tool,
      priority,
      timeoutMs,
      // The store decides whether a job runs again.
      idempotent: false,
      signal,
      onProgress: tell,
    };
    const call: JobCall = {
      client: `job ${id}`,
      onStart: (generation) => {
        this.#hasReachedWorker = true;
        if (this.begunAt === undefined) onBegun(this, generation).catch(onError);
      },
    };
    if (caller?.wants !== 'chunks') {
      if (stream !== true) return site.execute(input, options, call);
      return collectedChunks(plugin, site.stream(input, options, call), tell);
    }
    let sent = 0;
    for await (const chunk of site.stream(input, options, call)) {
      await replies?.chunk(id, caller, packJobValue(plugin, chunk, 'chunk'), signal);
      sent += 1;
    }
    return sent;
  }

  #endOf(error: unknown): RunEnd {
    const { signal } = this.#cancel;
    if (signal.aborted) {
      const reason: unknown = signal.reason;
      return { outcome: reason === GIVEN_BACK ? undefined : { end: 'cancelled', error: errorText(reason) } };
    }
    const failed = { end: 'failed', error: errorText(error) } as const;
    const next = afterFailure(error, { ...this.job, hasBegun: this.#hasReachedWorker });
    if (next.kind === 'failed') return { outcome: failed };
    if (next.kind === 'again') return { outcome: { ...failed, retryAfterMs: next.afterMs } };
    // For the store it has begun, and one that may run only once would fail if it were given back.
    const mustNotGoBack = this.begunAt !== undefined && !this.#hasReachedWorker;
    const outcome = mustNotGoBack ? { ...failed, retryAfterMs: LOOK_AGAIN_MS } : undefined;
    return { outcome, refusal: error as GreenroomError };
  }
}

/** Rejects with the reason of a signal, once it is aborted. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
