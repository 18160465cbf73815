import { unpackValue } from '../../api/packed-value.ts';
import type { CallOptions, Progress } from '../../calls/call-options.ts';
import { collectedChunks } from '../../calls/collected-chunks.ts';
import type { GreenroomError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import { withOutputs } from '../job-output.ts';
import type { AttemptOutcome, Claim, JobStore, TakenJob } from '../job-store.ts';
import { packJobValue } from '../pack-job-value.ts';
import { errorText } from '../stored-error.ts';
import { depth, MOST_IN_HAND, nextMean } from './depth.ts';
import { afterFailure } from './failed-attempt.ts';
import type { JobCall, JobSite } from './job-site.ts';
import type { Replies } from './replies.ts';
import type { Sharing } from './sharing.ts';

/** How often the progress of a job is stored, in milliseconds. */
const PROGRESS_MS = 500;

/** How long jobs of a plugin that cannot be called wait before it is looked at again, if nothing else tells of a change. */
const LOOK_AGAIN_MS = 5_000;

/** How long the store is left alone after it has failed, in milliseconds. */
const STORE_PAUSE_MS = 1_000;

/** A job in hand. */
interface Hand {
  readonly job: TakenJob;
  readonly cancel: AbortController;
  /** When its call reached a worker, or of one that may run only once, was about to; by the monotonic clock. */
  begunAt: number | undefined;
  hasReachedWorker: boolean;
  progress: Progress | undefined;
  isProgressStored: boolean;
  /** Rings when it should have begun. */
  expiry: unknown;
}

/** The jobs of one plugin, as its runner knows them. */
interface Line {
  readonly hands: Map<string, Hand>;
  /** Those that have ended, of which the store is still to be told: the next ones are taken meanwhile. */
  readonly ending: Map<string, Hand>;
  /** Whether the store may have jobs of it that can be taken. */
  mayHaveMore: boolean;
  /** How long its jobs took. */
  meanMs: number | undefined;
  /** Why its jobs wait. */
  obstacle: string | undefined;
  /** Those that may run only once, and wait for a place. */
  readonly onlyOnce: Set<() => void>;
  /** Until when none is taken, by the monotonic clock: the last was refused for a reason that passes. */
  restsUntil: number;
}

/** What a runner is made of. */
export interface JobRunnerParts {
  readonly store: JobStore;
  readonly clock: Clock;
  /** The plugin of this name. */
  readonly siteOf: (plugin: string) => JobSite;
  /** Told that something about a job has changed. */
  readonly onChange: (id: string) => void;
  /** Told what the store refuses; the runner goes on. */
  readonly onError: (error: unknown) => void;
  /** Told of a job that ran here and whose end was refused, as another program has taken it over. */
  readonly onLost?: ((id: string) => void) | undefined;
  /** How the jobs are shared with other programs at the same store; undefined: all are for this one. */
  readonly sharing?: Sharing | undefined;
  /** The way to callers in other programs; undefined: there are none. */
  readonly replies?: Replies | undefined;
}

/** Why a call ends that has not reached a worker, and whose job goes back to the store. */
const GIVEN_BACK = Symbol('given back');

/** Takes jobs that wait and makes their calls, for as long as it runs. */
export class JobRunner {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #siteOf: (plugin: string) => JobSite;
  readonly #onChange: (id: string) => void;
  readonly #onError: (error: unknown) => void;
  readonly #onLost: ((id: string) => void) | undefined;
  readonly #sharing: Sharing | undefined;
  readonly #replies: Replies | undefined;
  readonly #lines = new Map<string, Line>();
  #isTaking = false;
  /** How long the store took to give jobs, in milliseconds. */
  #turnMs = 0;
  #isClosed = false;
  #timer: unknown;
  #progressTimer: unknown;
  /** Resolves once nothing is in hand. */
  #onEmpty: (() => void) | undefined;

  constructor({ store, clock, siteOf, onChange, onError, onLost, sharing, replies }: JobRunnerParts) {
    this.#store = store;
    this.#clock = clock;
    this.#siteOf = siteOf;
    this.#onChange = onChange;
    this.#onError = onError;
    this.#onLost = onLost;
    this.#sharing = sharing;
    this.#replies = replies;
  }

  /** Jobs of these plugins may be ready to be taken. */
  wake(plugins: Iterable<string>): void {
    for (const plugin of plugins) this.#lineOf(plugin).mayHaveMore = true;
    void this.#take();
  }

  /** What can be called may have changed. */
  look(): void {
    void this.#take();
  }

  /** Why jobs of the plugin wait, beyond that others are before them; undefined where nothing is known. */
  obstacleOf(plugin: string): string | undefined {
    return this.#lines.get(plugin)?.obstacle;
  }

  /** How far a job in hand has come; undefined where it has said nothing, or is not in hand. */
  progressOf(plugin: string, id: string): Progress | undefined {
    const line = this.#lines.get(plugin);
    return (line?.hands.get(id) ?? line?.ending.get(id))?.progress;
  }

  /** Cancels the call of a job in hand. */
  cancel(plugin: string, id: string, reason: unknown): void {
    this.#lines.get(plugin)?.hands.get(id)?.cancel.abort(reason);
  }

  /** The plugins of which jobs are in hand, or may wait. */
  get atWork(): ReadonlySet<string> {
    return new Set(this.#lines.keys());
  }

  /** Gives back the jobs of a plugin that have not begun. */
  giveBack(plugin: string): void {
    for (const { begunAt, cancel } of this.#lines.get(plugin)?.hands.values() ?? [])
      if (begunAt === undefined) cancel.abort(GIVEN_BACK);
  }

  /** Takes no more, gives back what has not begun, and resolves when everything that has begun has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    for (const plugin of this.#lines.keys()) this.giveBack(plugin);
    if (this.inHand > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    this.#clock.clearTimeout(this.#progressTimer);
  }

  async #take(): Promise<void> {
    if (this.#isTaking || this.#isClosed) return;
    this.#isTaking = true;
    try {
      for (let wanted = this.#wanted(); wanted.length > 0 && !this.#isClosed; wanted = this.#wanted()) {
        for (const { plugin } of wanted) this.#lineOf(plugin).mayHaveMore = false;
        const asked = this.#clock.monotonic();
        const taken = await this.#store.take(wanted);
        this.#turnMs = nextMean(this.#turnMs, this.#clock.monotonic() - asked);
        for (const { plugin, count } of wanted) {
          const given = taken.filter((job) => job.plugin === plugin).length;
          if (given === count) this.#lineOf(plugin).mayHaveMore = true;
          this.#sharing?.took(plugin, given);
        }
        for (const job of taken) this.#begin(job);
      }
    } catch (error) {
      this.#onError(error);
      for (const line of this.#lines.values()) line.mayHaveMore = true;
      this.#lookAgain(STORE_PAUSE_MS);
    } finally {
      this.#isTaking = false;
    }
  }

  /** What can be done beyond what is in hand. */
  #wanted(): { plugin: string; count: number }[] {
    const wanted: { plugin: string; count: number }[] = [];
    for (const [plugin, line] of this.#lines) {
      if (!line.mayHaveMore) {
        if (countOf(line) === 0 && line.obstacle === undefined) this.#lines.delete(plugin);
        continue;
      }
      if (this.#clock.monotonic() < line.restsUntil) continue;
      const { obstacle, places } = this.#siteOf(plugin);
      line.obstacle = obstacle;
      if (obstacle !== undefined) this.#lookAgain(LOOK_AGAIN_MS);
      // Behind one that may run only once, which must not wait at its worker, nothing waits there either.
      const isFree = obstacle === undefined && line.onlyOnce.size === 0;
      const most = isFree
        ? Math.min(depth(places, line.meanMs, this.#turnMs) - line.hands.size, MOST_IN_HAND - countOf(line))
        : 0;
      const shared = this.#sharing?.share(plugin, { inHand: line.hands.size, jobMs: line.meanMs });
      const count = Math.min(most, shared ?? most);
      if (count > 0) wanted.push({ plugin, count });
    }
    return wanted;
  }

  #lookAgain(afterMs: number): void {
    this.#clock.clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = this.#clock.setTimeout(() => void this.#take(), afterMs);
  }

  #begin(job: TakenJob): void {
    const hand: Hand = {
      job,
      cancel: new AbortController(),
      begunAt: undefined,
      hasReachedWorker: false,
      progress: undefined,
      isProgressStored: true,
      expiry: undefined,
    };
    if (job.expiresAt !== undefined) {
      // The store ends it when it has it again.
      const giveBack = (): void => {
        if (hand.begunAt === undefined) hand.cancel.abort(GIVEN_BACK);
      };
      hand.expiry = this.#clock.setTimeout(giveBack, job.expiresAt - this.#clock.now());
    }
    this.#lineOf(job.plugin).hands.set(job.id, hand);
    if (this.#isClosed) hand.cancel.abort(GIVEN_BACK);
    void this.#run(hand);
  }

  async #run(hand: Hand): Promise<void> {
    const { job } = hand;
    let outcome: AttemptOutcome | undefined;
    try {
      outcome = { end: 'done', result: packJobValue(job.plugin, await this.#call(hand), 'result') };
    } catch (error) {
      outcome = this.#outcomeOf(error, hand);
    }
    this.#clock.clearTimeout(hand.expiry);
    this.#hasEnded(hand, outcome);
    await this.#untilStored(async () => {
      if (outcome === undefined) return this.#store.giveBack([job]);
      const [said] = await this.#store.settle([{ id: job.id, claim: job.claim, outcome }]);
      if (said === 'lost') this.#onLost?.(job.id);
      return undefined;
    });
    this.#leave(hand, outcome);
  }

  /** Says something to the store until that has it, as a full disk may have room again; once this is closed, no more than once. */
  async #untilStored(say: () => Promise<void>): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await say();
      } catch (error) {
        if (isFirst) this.#onError(error);
        // What was not stored counts as interrupted when the store is opened again.
        if (this.#isClosed) return;
        await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, STORE_PAUSE_MS));
      }
    }
  }

  /** Resolves to what the call comes to; where its caller wants chunks, to how many were sent. */
  async #call(hand: Hand): Promise<unknown> {
    const { job, cancel } = hand;
    const { id, plugin, tool, priority, timeoutMs, once, stream, caller } = job;
    const results = new Map(
      [...job.results].map(([name, packed]) => [name, unpackValue(Buffer.from(packed))] as const),
    );
    const stored = unpackValue(Buffer.from(job.input));
    const input = results.size === 0 ? stored : withOutputs(plugin, stored, results);
    const site = this.#siteOf(plugin);
    if (once) {
      // That it has begun must be known before it has, and not before it can.
      await Promise.race([this.#place(hand), rejection(cancel.signal)]);
      await this.#hasBegun(hand, undefined);
    }
    const options: CallOptions = {
      tool,
      priority,
      timeoutMs,
      // The store decides whether a job runs again.
      idempotent: false,
      signal: cancel.signal,
      onProgress: (progress) => this.#onProgress(hand, progress),
    };
    const call: JobCall = {
      client: `job ${id}`,
      onStart: (generation) => {
        hand.hasReachedWorker = true;
        if (hand.begunAt === undefined) this.#hasBegun(hand, generation).catch(this.#onError);
      },
    };
    if (caller?.wants !== 'chunks') {
      if (stream !== true) return site.execute(input, options, call);
      return collectedChunks(plugin, site.stream(input, options, call), (progress) => this.#onProgress(hand, progress));
    }
    let sent = 0;
    for await (const chunk of site.stream(input, options, call)) {
      await this.#replies?.chunk(id, caller, packJobValue(plugin, chunk, 'chunk'), cancel.signal);
      sent += 1;
    }
    return sent;
  }

  /** Resolves once a worker would take the call of this job at once, as far as other jobs go. */
  async #place(hand: Hand): Promise<void> {
    const { plugin } = hand.job;
    const { signal } = hand.cancel;
    const line = this.#lineOf(plugin);
    let next: () => void = () => {};
    const tell = (): void => next();
    line.onlyOnce.add(tell);
    try {
      await this.#siteOf(plugin).load();
      while (!signal.aborted && atWorkers(line) >= Math.max(this.#siteOf(plugin).places, 1))
        await new Promise<void>((resolve) => (next = resolve));
      // At once, before the next one looks whether there is a place.
      if (!signal.aborted) hand.begunAt = this.#clock.monotonic();
    } finally {
      line.onlyOnce.delete(tell);
    }
  }

  async #hasBegun(hand: Hand, generation: number | undefined): Promise<void> {
    hand.begunAt ??= this.#clock.monotonic();
    const { id, claim, plugin, once } = hand.job;
    // It may be the first that has a worker.
    this.#lineOf(plugin).obstacle = undefined;
    void this.#take();
    await this.#store.begin([{ id, claim, once, generation }]);
    this.#onChange(id);
  }

  /** How the attempt ended; undefined: the job goes back. */
  #outcomeOf(error: unknown, { job, begunAt, hasReachedWorker, cancel }: Hand): AttemptOutcome | undefined {
    if (cancel.signal.aborted) {
      const reason: unknown = cancel.signal.reason;
      return reason === GIVEN_BACK ? undefined : { end: 'cancelled', error: errorText(reason) };
    }
    const text = errorText(error);
    const next = afterFailure(error, { ...job, hasBegun: hasReachedWorker });
    if (next.kind === 'back') {
      const line = this.#lineOf(job.plugin);
      line.obstacle = (error as GreenroomError).message;
      // Where its plugin says what is in the way, that it is gone is told of.
      const isTold = this.#siteOf(job.plugin).obstacle !== undefined;
      line.restsUntil = isTold ? 0 : this.#clock.monotonic() + LOOK_AGAIN_MS;
      // For the store it has begun, and one that may run only once would fail if it were given back.
      const mustNotGoBack = begunAt !== undefined && !hasReachedWorker;
      return mustNotGoBack ? { end: 'failed', error: text, retryAfterMs: LOOK_AGAIN_MS } : undefined;
    }
    return next.kind === 'again'
      ? { end: 'failed', error: text, retryAfterMs: next.afterMs }
      : { end: 'failed', error: text };
  }

  /** Its place is free, before the store knows. */
  #hasEnded(hand: Hand, outcome: AttemptOutcome | undefined): void {
    const { job, begunAt } = hand;
    const line = this.#lineOf(job.plugin);
    line.hands.delete(job.id);
    line.ending.set(job.id, hand);
    for (const tell of line.onlyOnce) tell();
    if (begunAt !== undefined) line.meanMs = nextMean(line.meanMs, this.#clock.monotonic() - begunAt);
    if (outcome !== undefined) this.look();
  }

  #leave({ job }: Hand, outcome: AttemptOutcome | undefined): void {
    this.#lineOf(job.plugin).ending.delete(job.id);
    this.#onChange(job.id);
    if (this.inHand === 0) this.#onEmpty?.();
    if (outcome === undefined) this.#lookAgain(LOOK_AGAIN_MS);
    else void this.#take();
  }

  #onProgress(hand: Hand, progress: Progress): void {
    hand.progress = progress;
    hand.isProgressStored = false;
    const { id, caller } = hand.job;
    this.#onChange(id);
    if (caller !== undefined) this.#replies?.progress(id, caller, progress);
    this.#progressTimer ??= this.#clock.setTimeout(() => {
      this.#progressTimer = undefined;
      this.#storeProgress();
    }, PROGRESS_MS);
  }

  #storeProgress(): void {
    const updates: (Claim & { progress: Progress })[] = [];
    for (const { hands } of this.#lines.values())
      for (const hand of hands.values()) {
        if (hand.isProgressStored || hand.progress === undefined) continue;
        hand.isProgressStored = true;
        updates.push({ id: hand.job.id, claim: hand.job.claim, progress: hand.progress });
      }
    if (updates.length > 0) this.#store.progress(updates).catch(this.#onError);
  }

  #lineOf(plugin: string): Line {
    let line = this.#lines.get(plugin);
    if (line === undefined) {
      line = {
        hands: new Map(),
        ending: new Map(),
        mayHaveMore: false,
        meanMs: undefined,
        obstacle: undefined,
        onlyOnce: new Set(),
        restsUntil: 0,
      };
      this.#lines.set(plugin, line);
    }
    return line;
  }

  /** How many jobs it has. */
  get inHand(): number {
    let count = 0;
    for (const line of this.#lines.values()) count += countOf(line);
    return count;
  }
}

function countOf({ hands, ending }: Line): number {
  return hands.size + ending.size;
}

/** How many calls of jobs are at workers, or wait there. */
function atWorkers({ hands }: Line): number {
  let count = 0;
  for (const { job, begunAt } of hands.values()) if (!job.once || begunAt !== undefined) count += 1;
  return count;
}

/** Rejects with the reason of a signal, once it is aborted. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
