import type { Job, JobState, JobWithAttempts } from './job.ts';

/** What a handle asks the jobs that it belongs to. */
export interface HandlePort {
  get(id: string): Promise<JobWithAttempts>;
  result(id: string, signal: AbortSignal | undefined): Promise<unknown>;
  cancel(id: string): Promise<JobState>;
  watch(id: string, signal: AbortSignal | undefined): AsyncIterableIterator<Job>;
}

/** One job. It stays valid as long as the jobs are open, and another one can be had of its identifier. */
export class JobHandle<Output = unknown> {
  readonly id: string;
  readonly plugin: string;
  /** Whether the job was added just now, and not found by its key. */
  readonly isNew: boolean;
  /** Why the job waits although it could be its turn, as it was when it was added: for example that no plugin has this name. */
  readonly waitsFor: string | undefined;
  readonly #port: HandlePort;

  /** @internal */
  constructor(
    port: HandlePort,
    { id, plugin, isNew, waitsFor }: Pick<JobHandle, 'id' | 'plugin' | 'isNew' | 'waitsFor'>,
  ) {
    this.#port = port;
    this.id = id;
    this.plugin = plugin;
    this.isNew = isNew;
    this.waitsFor = waitsFor;
  }

  /** The job as it is now, with its attempts. Rejects with `E_JOB` once it was removed. */
  read(): Promise<JobWithAttempts> {
    return this.#port.get(this.id);
  }

  /**
   * Resolves to the result once the job is done. Rejects with why it failed, with `E_CANCELLED` where it was cancelled, and
   * with the reason of the signal, which ends only the waiting.
   */
  result(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Output> {
    return this.#port.result(this.id, options.signal) as Promise<Output>;
  }

  /**
   * Cancels the job, and the call where it runs. Resolves to the state in which the job has ended: `done` or `failed` where
   * it did before.
   */
  cancel(): Promise<JobState> {
    return this.#port.cancel(this.id);
  }

  /** The job as it is now, then after each change, at last when it has ended. Changes that follow quickly may be told as one. */
  watch(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncIterableIterator<Job> {
    return this.#port.watch(this.id, options.signal);
  }
}
