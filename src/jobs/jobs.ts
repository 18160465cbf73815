import { unpackValue } from '../api/packed-value.ts';
import { checkOptions, SIGNAL, wrongArgument } from '../argument-checks.ts';
import { GreenroomError } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import { type AddOptions, completeAddOptions } from './add-options.ts';
import { isFinal, type Job, type JobState, type JobWithAttempts } from './job.ts';
import type { JobChanges } from './job-changes.ts';
import { unknownJob, wrongState } from './job-errors.ts';
import { checkGraph, type GraphJob } from './job-graph.ts';
import { JobHandle } from './job-handle.ts';
import { isJobId, newJobId } from './job-id.ts';
import { orderOf } from './job-order.ts';
import { outputsIn } from './job-output.ts';
import type { Caller, JobPage, JobStore, NewJob } from './job-store.ts';
import { checkListOptions, type ListOptions } from './list-options.ts';
import { packJobValue } from './pack-job-value.ts';
import type { JobRunner } from './runner/job-runner.ts';
import type { JobSite } from './runner/job-site.ts';
import { errorText, rebuiltError } from './stored-error.ts';

/** How many jobs of each state there are, by plugin. */
export type JobCounts = Readonly<Record<string, Readonly<Partial<Record<JobState, number>>>>>;

/** What jobs are made of. */
export interface JobsParts {
  readonly store: JobStore;
  readonly runner: JobRunner;
  readonly siteOf: (plugin: string) => JobSite;
  readonly changes: JobChanges;
  /** Ends what was opened beside. */
  readonly onClose: () => Promise<void>;
  /** Ends what the store needs, once that is closed. */
  readonly onClosed: () => Promise<void>;
  /** Why jobs of a plugin wait that this program cannot run, where others share the store; undefined: others can. */
  readonly whyElsewhere?: ((plugin: string, here: string) => Promise<string | undefined>) | undefined;
}

/**
 * Calls of plugins that outlive their caller: kept in a store, made when their plugin can take them, made again where the
 * program ended before they did. A job runs at least once, and with `once` at most once. Made by `openJobs`.
 */
export class Jobs implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #runner: JobRunner;
  readonly #siteOf: (plugin: string) => JobSite;
  readonly #changes: JobChanges;
  readonly #onClose: () => Promise<void>;
  readonly #onClosed: () => Promise<void>;
  readonly #whyElsewhere: JobsParts['whyElsewhere'];
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor({ store, runner, siteOf, changes, onClose, onClosed, whyElsewhere }: JobsParts) {
    this.#store = store;
    this.#runner = runner;
    this.#siteOf = siteOf;
    this.#changes = changes;
    this.#onClose = onClose;
    this.#onClosed = onClosed;
    this.#whyElsewhere = whyElsewhere;
  }

  /**
   * Adds a job; resolves once the store has it, on the disk. Where there is a job with the same key, it is that one.
   * Rejects with `E_OPTIONS`, `E_INPUT`, `E_SERIALIZE`, `E_JOB` or `E_JOB_STORE`. For a plugin that is unknown (yet), or
   * disabled, the job waits, and `waitsFor` says so.
   */
  async add<Output = unknown>(plugin: string, input?: unknown, options: AddOptions = {}): Promise<JobHandle<Output>> {
    const job = this.#newJob(plugin, input, options, new Map());
    const [added] = await this.#store.add([job]);
    this.#changes.notify(job.id);
    const id = added?.id ?? job.id;
    return this.#handle(plugin, id, added?.isNew ?? true, await this.#refusal(plugin)) as JobHandle<Output>;
  }

  /**
   * Adds several jobs, all or none. `after`, and `output()` in inputs, may name them as they are named here. Rejects as
   * `add` does, and with `E_JOB` where they come after each other in a circle.
   */
  async addAll<Name extends string>(
    graph: Readonly<Record<Name, GraphJob>>,
  ): Promise<Readonly<Record<Name, JobHandle>>> {
    checkGraph(graph);
    const ids = new Map<string, string>(Object.keys(graph).map((name) => [name, newJobId()]));
    const jobs = new Map<string, NewJob>();
    for (const [name, { plugin, input, ...options }] of Object.entries<GraphJob>(graph))
      jobs.set(name, this.#newJob(plugin, input, options, ids, ids.get(name)));
    const needs = new Map([...jobs].map(([name, { after }]) => [name, after.map((each) => each.name)] as const));
    const order = orderOf(needs);
    const added = await this.#store.add(order.map((name) => jobs.get(name) as NewJob));
    const refusals = await ofEach(
      order.map((name) => (jobs.get(name) as NewJob).plugin),
      (plugin) => this.#refusal(plugin),
    );
    const handles = order.map((name, index) => {
      const { plugin, id } = jobs.get(name) as NewJob;
      const { id: found = id, isNew = true } = added[index] ?? {};
      this.#changes.notify(id);
      return [name, this.#handle(plugin, found, isNew, refusals.get(plugin))] as const;
    });
    return Object.fromEntries(handles) as Record<Name, JobHandle>;
  }

  /** @internal A job that is a call of a program that waits for it; see {@link addCall}. Throws as `add` rejects. */
  newCall(
    plugin: string,
    input: unknown,
    options: AddOptions,
    { caller, validate }: { readonly caller: Caller; readonly validate: boolean },
  ): NewJob {
    return { ...this.#newJob(plugin, input, options, new Map(), newJobId(), validate), caller };
  }

  /** @internal */
  async addCall(call: NewJob): Promise<void> {
    await this.#store.add([call]);
    this.#changes.notify(call.id);
  }

  #newJob(
    plugin: string,
    input: unknown,
    options: AddOptions,
    ids: ReadonlyMap<string, string>,
    id = newJobId(),
    validate = true,
  ): NewJob {
    const complete = completeAddOptions(plugin, options);
    const outputs = outputsIn(input);
    // With results of others in it, it is complete only when it runs.
    if (validate && outputs.length === 0) this.#siteOf(plugin).check(complete.tool, input);
    const after = [...new Set([...complete.after, ...outputs])].map((name) => ({ id: ids.get(name) ?? name, name }));
    return { id, plugin, ...complete, after, input: packJobValue(plugin, input, 'input') };
  }

  #handle(plugin: string, id: string, isNew: boolean, waitsFor: string | undefined): JobHandle {
    return new JobHandle(this.#port, { id, plugin, isNew, waitsFor });
  }

  readonly #port = {
    get: (id: string) => this.read(id),
    result: (id: string, signal: AbortSignal | undefined) => this.#result(id, signal),
    cancel: (id: string) => this.cancel(id),
    watch: (id: string, signal: AbortSignal | undefined) => this.#watch(id, signal),
  };

  /** The handle of a job. Rejects with `E_JOB` where there is none. */
  async get<Output = unknown>(id: string): Promise<JobHandle<Output>> {
    const { plugin } = await this.read(id);
    return this.#handle(plugin, id, false, await this.#refusal(plugin)) as JobHandle<Output>;
  }

  /** The job as it is now, with its attempts. Rejects with `E_JOB` where there is none. */
  async read(id: string): Promise<JobWithAttempts> {
    const [job] = isJobId(id) ? await this.#store.get([id]) : [];
    if (job === undefined) throw unknownJob(id);
    return this.#shown(job, await this.#obstacleTo(job.plugin));
  }

  /** @internal Those of these jobs that there are, as they are now. */
  async readAll(ids: readonly string[]): Promise<readonly Job[]> {
    const jobs = (await this.#store.get(ids.filter(isJobId))).filter((job) => job !== undefined);
    const obstacles = await this.obstaclesTo(jobs.map(({ plugin }) => plugin));
    return jobs.map((job) => this.#shown(job, obstacles.get(job.plugin)));
  }

  /** The jobs, newest first, a page at a time: `next` is the `cursor` of the following page, undefined at the end. */
  async list(options: ListOptions = {}): Promise<JobPage> {
    checkListOptions(options);
    const { limit = 100, cursor, ...filter } = options;
    const { jobs, next } = await this.#store.list(filter, limit, cursor);
    const obstacles = await this.obstaclesTo(jobs.map(({ plugin }) => plugin));
    return { jobs: jobs.map((job) => this.#shown(job, obstacles.get(job.plugin))), next };
  }

  /** What a job was given, and its result where it is done. Rejects with `E_JOB` where there is none. */
  async values(id: string): Promise<{ readonly input: unknown; readonly result?: unknown }> {
    const { input, result } = await this.packedValues(id);
    return { input: unpackValue(input), ...(result !== undefined && { result: unpackValue(result) }) };
  }

  /** @internal The same as they are kept, see `packValue`: to unpack a long one takes time. Rejects with `E_JOB`. */
  async packedValues(id: string): Promise<{ readonly input: Buffer; readonly result: Buffer | undefined }> {
    const values = isJobId(id) ? await this.#store.values(id) : undefined;
    if (values === undefined) throw unknownJob(id);
    return { input: Buffer.from(values.input), result: values.result && Buffer.from(values.result) };
  }

  /** How many jobs there are. */
  async counts(): Promise<JobCounts> {
    const counts: Record<string, Partial<Record<JobState, number>>> = {};
    for (const { plugin, state, count } of await this.#store.counts()) (counts[plugin] ??= {})[state] = count;
    return counts;
  }

  /**
   * Cancels a job, and its call where it runs; resolves to the state in which the job has ended, which is another where it
   * ended before. A worker that does not give up the call within its grace is replaced, as after any cancellation.
   */
  async cancel(id: string): Promise<JobState> {
    const { plugin } = await this.read(id);
    const error = new GreenroomError('E_CANCELLED', `The job ${id} of "${plugin}" was cancelled.`, { plugin });
    const [state] = await this.#store.requestCancel([id], errorText(error));
    if (state === undefined) throw unknownJob(id);
    if (state === 'running') {
      const ended = this.ended(id);
      this.#runner.cancel(plugin, id, error);
      return (await ended).state;
    }
    return isFinal(state) ? state : 'cancelled';
  }

  /** @internal The job once it has ended. */
  async ended(id: string, signal?: AbortSignal): Promise<Job> {
    for await (const _ of this.#looks(id, 'end', signal)) {
      const job = await this.read(id);
      if (isFinal(job.state)) return job;
    }
    throw unknownJob(id);
  }

  /**
   * @internal Every job that changes, as it is then, until the signal is aborted or the jobs are closed, which it rejects
   * with. Changes that follow quickly may be told as one. Listens from the first `next()` on.
   */
  async *changed(signal: AbortSignal): AsyncGenerator<Job, void, undefined> {
    const ids = new Set<string>();
    let tell: () => void = () => {};
    const off = this.#changes.watchAll((id) => {
      ids.add(id);
      tell();
    });
    const offAbort = onAbort(signal, () => tell());
    try {
      for (;;) {
        signal.throwIfAborted();
        if (ids.size === 0) await new Promise<void>((resolve) => (tell = resolve));
        const changed = [...ids];
        ids.clear();
        yield* await this.readAll(changed);
      }
    } finally {
      off();
      offAbort();
    }
  }

  /** @internal Calls back with each job that changes, and with '' where something else has. Returns how to stop. */
  onChange(listener: (id: string) => void): () => void {
    return this.#changes.watchAll(listener);
  }

  /** Has a job that has ended run again, with as many attempts as at first. Rejects with `E_JOB`. */
  async retry(id: string): Promise<void> {
    await this.#whereEnded(id, (ids) => this.#store.retry(ids), 'run again', 'Cancel it first, or wait for its end.');
  }

  /** Removes a job that has ended. Rejects with `E_JOB`. */
  async remove(id: string): Promise<void> {
    await this.#whereEnded(id, (ids) => this.#store.remove(ids), 'removed', 'Cancel it first, or wait for its end.');
  }

  async #whereEnded(
    id: string,
    act: (ids: readonly string[]) => Promise<readonly (JobState | undefined)[]>,
    what: string,
    next: string,
  ): Promise<void> {
    const [state] = isJobId(id) ? await act([id]) : [];
    if (state === undefined) throw unknownJob(id);
    if (!isFinal(state)) throw wrongState(id, state, what, next);
    this.#changes.notify(id);
  }

  /** Makes a job that waits the next one of its plugin. Rejects with `E_JOB`. */
  async first(id: string): Promise<void> {
    await this.#place(id, undefined, true);
  }

  /** Gives a job that waits another priority. Rejects with `E_JOB`. */
  async setPriority(id: string, priority: number): Promise<void> {
    if (!Number.isFinite(priority)) throw wrongArgument('The priority of a job', 'a finite number', priority);
    await this.#place(id, priority, false);
  }

  async #place(id: string, priority: number | undefined, first: boolean): Promise<void> {
    const state = isJobId(id) ? await this.#store.place(id, priority, first) : undefined;
    if (state === undefined) throw unknownJob(id);
    if (isFinal(state)) throw wrongState(id, state, 'moved', 'Call retry() to run it again.');
    this.#changes.notify(id);
  }

  /** Takes no jobs of the plugin, or of any, until {@link resume}, also in programs that open the store later. What runs goes on. */
  async pause(plugin?: string): Promise<void> {
    await this.#store.pause(plugin === undefined ? [] : [plugin]);
    this.#changes.notifyOther();
  }

  /** Takes jobs of the plugin, or of all, again. */
  async resume(plugin?: string): Promise<void> {
    await this.#store.resume(plugin === undefined ? [] : [plugin]);
    this.#changes.notifyOther();
  }

  /** The plugins that are paused; `*` for all. */
  paused(): Promise<readonly string[]> {
    return this.#store.paused();
  }

  /**
   * Takes no more jobs, waits for those that run, and closes the store. Those that wait, wait in it; who waits for one of
   * them gets `E_JOB_STORE`. To end those that run
   * too, stop the supervisor at the same time: they count as interrupted and run again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([this.#onClose(), this.#runner.close()]);
    } finally {
      await this.#store.close();
      await this.#onClosed();
      // Who still waits for a result is told that the jobs are closed.
      this.#changes.notifyAll();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #result(id: string, signal: AbortSignal | undefined): Promise<unknown> {
    for await (const _ of this.#looks(id, 'end', signal)) {
      const [[job], values] = await Promise.all([this.#store.get([id]), this.#store.values(id)]);
      if (job === undefined || values === undefined) break;
      if (job.state === 'done') return unpackValue(Buffer.from(values.result ?? []));
      if (isFinal(job.state) && job.error !== undefined) throw rebuiltError(job.error);
    }
    throw unknownJob(id);
  }

  async *#watch(id: string, signal: AbortSignal | undefined): AsyncIterableIterator<Job> {
    for await (const _ of this.#looks(id, 'change', signal)) {
      const job = await this.read(id);
      yield job;
      if (isFinal(job.state)) return;
    }
  }

  /** Says when to look at a job: at once, and then after each change, or after each that is its end. */
  async *#looks(id: string, at: 'change' | 'end', signal: AbortSignal | undefined): AsyncIterableIterator<void> {
    checkOptions('a job', { signal }, { signal: SIGNAL });
    let mustLook = true;
    let tell: () => void = () => {};
    const off = this.#changes.watch(id, (hasEnded) => {
      if (at === 'end' && !hasEnded) return;
      mustLook = true;
      tell();
    });
    const offAbort = signal && onAbort(signal, () => tell());
    try {
      for (;;) {
        signal?.throwIfAborted();
        if (mustLook) {
          mustLook = false;
          yield;
        } else {
          await new Promise<void>((resolve) => {
            tell = resolve;
            if (mustLook || signal?.aborted === true) resolve();
          });
        }
      }
    } finally {
      off();
      offAbort?.();
    }
  }

  /** With what only the runner knows. */
  #shown<Shown extends Job>(job: Shown, obstacle: string | undefined): Shown {
    const { id, plugin, state } = job;
    if (state === 'running') return { ...job, progress: this.#runner.progressOf(plugin, id) ?? job.progress };
    return state === 'waiting' && obstacle !== undefined ? { ...job, waitsFor: obstacle } : job;
  }

  /** @internal Why jobs of these plugins wait, beyond that others are before them. */
  obstaclesTo(plugins: Iterable<string>): Promise<ReadonlyMap<string, string | undefined>> {
    return ofEach(plugins, (plugin) => this.#obstacleTo(plugin));
  }

  async #obstacleTo(plugin: string): Promise<string | undefined> {
    return this.#runner.obstacleOf(plugin) ?? (await this.#refusal(plugin));
  }

  /** Why jobs of the plugin cannot be run, here or elsewhere. */
  async #refusal(plugin: string): Promise<string | undefined> {
    const here = this.#siteOf(plugin).obstacle;
    return here === undefined || this.#whyElsewhere === undefined ? here : this.#whyElsewhere(plugin, here);
  }
}

async function ofEach<Found>(
  plugins: Iterable<string>,
  find: (plugin: string) => Promise<Found>,
): Promise<ReadonlyMap<string, Found>> {
  return new Map(await Promise.all([...new Set(plugins)].map(async (name) => [name, await find(name)] as const)));
}
