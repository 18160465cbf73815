import type { Progress } from '../../calls/call-options.ts';
import type { Clock } from '../../time/clock.ts';
import type { AttemptOutcome, Claim, JobStore, TakenJob } from '../job-store.ts';
import { depth, MOST_IN_HAND, nextMean } from './depth.ts';
import { JobRun, LOOK_AGAIN_MS } from './job-run.ts';
import type { JobSite } from './job-site.ts';
import { Line } from './line.ts';
import type { Replies } from './replies.ts';
import type { Sharing } from './sharing.ts';

/** How often the progress of a job is stored, in milliseconds. */
const PROGRESS_MS = 500;

/** How long the store is left alone after it has failed, in milliseconds. */
const STORE_PAUSE_MS = 1_000;

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
    return (line?.runs.get(id) ?? line?.ending.get(id))?.progress;
  }

  /** Cancels the call of a job in hand. */
  cancel(plugin: string, id: string, reason: unknown): void {
    this.#lines.get(plugin)?.runs.get(id)?.cancel(reason);
  }

  /** The plugins of which jobs are in hand, or may wait. */
  get atWork(): ReadonlySet<string> {
    return new Set(this.#lines.keys());
  }

  /** Gives back the jobs of a plugin that have not begun. */
  giveBack(plugin: string): void {
    for (const run of this.#lines.get(plugin)?.runs.values() ?? []) run.giveBack();
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
        if (line.inHand === 0 && line.obstacle === undefined) this.#lines.delete(plugin);
        continue;
      }
      if (this.#clock.monotonic() < line.restsUntil) continue;
      const { obstacle, places } = this.#siteOf(plugin);
      line.obstacle = obstacle;
      if (obstacle !== undefined) this.#lookAgain(LOOK_AGAIN_MS);
      // Behind one that may run only once, which must not wait at its worker, nothing waits there either.
      const isFree = obstacle === undefined && !line.hasWaiting;
      const most = isFree
        ? Math.min(depth(places, line.meanMs, this.#turnMs) - line.runs.size, MOST_IN_HAND - line.inHand)
        : 0;
      const shared = this.#sharing?.share(plugin, { inHand: line.runs.size, jobMs: line.meanMs });
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
    const line = this.#lineOf(job.plugin);
    const site = (): JobSite => this.#siteOf(job.plugin);
    const run = new JobRun(job, {
      ...{ clock: this.#clock, site, replies: this.#replies },
      untilPlace: (waits, signal) => line.untilPlace(waits, site, signal, this.#clock),
      onBegun: (begun, generation) => this.#hasBegun(begun, generation),
      onProgress: (changed) => this.#onProgress(changed),
      onError: this.#onError,
    });
    line.runs.set(job.id, run);
    if (this.#isClosed) run.giveBack();
    void this.#run(run);
  }

  async #run(run: JobRun): Promise<void> {
    const { job } = run;
    const { outcome, refusal } = await run.end();
    if (refusal !== undefined) this.#rest(job.plugin, refusal.message);
    this.#hasEnded(run, outcome);
    await this.#untilStored(async () => {
      if (outcome === undefined) return this.#store.giveBack([job]);
      const [said] = await this.#store.settle([{ id: job.id, claim: job.claim, outcome }]);
      if (said === 'lost') this.#onLost?.(job.id);
      return undefined;
    });
    this.#leave(run, outcome);
  }

  /** A plugin could not be called: its jobs wait. */
  #rest(plugin: string, obstacle: string): void {
    const line = this.#lineOf(plugin);
    line.obstacle = obstacle;
    // Where its plugin says what is in the way, that it is gone is told of.
    const isTold = this.#siteOf(plugin).obstacle !== undefined;
    line.restsUntil = isTold ? 0 : this.#clock.monotonic() + LOOK_AGAIN_MS;
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

  async #hasBegun(run: JobRun, generation: number | undefined): Promise<void> {
    run.begunAt ??= this.#clock.monotonic();
    const { id, claim, plugin, once } = run.job;
    // It may be the first that has a worker.
    this.#lineOf(plugin).obstacle = undefined;
    void this.#take();
    await this.#store.begin([{ id, claim, once, generation }]);
    this.#onChange(id);
  }

  #hasEnded(run: JobRun, outcome: AttemptOutcome | undefined): void {
    const line = this.#lineOf(run.job.plugin);
    line.ended(run);
    if (run.begunAt !== undefined) line.meanMs = nextMean(line.meanMs, this.#clock.monotonic() - run.begunAt);
    if (outcome !== undefined) this.look();
  }

  #leave({ job }: JobRun, outcome: AttemptOutcome | undefined): void {
    this.#lineOf(job.plugin).ending.delete(job.id);
    this.#onChange(job.id);
    if (this.inHand === 0) this.#onEmpty?.();
    if (outcome === undefined) this.#lookAgain(LOOK_AGAIN_MS);
    else void this.#take();
  }

  #onProgress({ job, progress }: JobRun): void {
    const { id, caller } = job;
    this.#onChange(id);
    if (caller !== undefined && progress !== undefined) this.#replies?.progress(id, caller, progress);
    this.#progressTimer ??= this.#clock.setTimeout(() => {
      this.#progressTimer = undefined;
      this.#storeProgress();
    }, PROGRESS_MS);
  }

  #storeProgress(): void {
    const updates: (Claim & { progress: Progress })[] = [];
    for (const { runs } of this.#lines.values())
      for (const run of runs.values()) {
        if (run.isProgressStored || run.progress === undefined) continue;
        run.isProgressStored = true;
        updates.push({ id: run.job.id, claim: run.job.claim, progress: run.progress });
      }
    if (updates.length > 0) this.#store.progress(updates).catch(this.#onError);
  }

  #lineOf(plugin: string): Line {
    let line = this.#lines.get(plugin);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(plugin, line);
    }
    return line;
  }

  /** How many jobs it has. */
  get inHand(): number {
    let count = 0;
    for (const line of this.#lines.values()) count += line.inHand;
    return count;
  }
}
