import { buffer } from 'node:stream/consumers';
import { PACKED_VALUE, packValue, unpackValue } from '../api/packed-value.ts';
import { checkOptions, SIGNAL, wrongArgument } from '../argument-checks.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { type AddOptions, completeAddOptions } from '../jobs/add-options.ts';
import type { Job, JobState, JobWithAttempts } from '../jobs/job.ts';
import { unknownJob } from '../jobs/job-errors.ts';
import type { GraphJob } from '../jobs/job-graph.ts';
import { type HandlePort, JobHandle } from '../jobs/job-handle.ts';
import { isJobId } from '../jobs/job-id.ts';
import type { JobPage } from '../jobs/job-store.ts';
import type { JobCounts } from '../jobs/jobs.ts';
import { checkListOptions, type ListOptions } from '../jobs/list-options.ts';
import { rebuiltError } from '../jobs/stored-error.ts';
import { frozen } from '../json/frozen.ts';
import type { DaemonConnection } from './daemon-connection.ts';
import { followJob, followJobs } from './told-jobs.ts';
import { withoutNulls } from './unlimited.ts';
import { WhileAway } from './while-away.ts';

/** A job that was added, as the daemon says it. */
type Added = Pick<JobHandle, 'id' | 'plugin' | 'isNew' | 'waitsFor'>;

/** The longest body of a request, in bytes. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * The jobs of a daemon: the methods of `Jobs` of `greenroom/jobs`. A job outlives this program and the daemon. Each method
 * rejects with what that of `Jobs` would, and with `E_DAEMON` where the daemon does not answer; with `E_JOB_STORE` where
 * it has no jobs, as without SQLite.
 */
export class ClientJobs {
  readonly #connection: DaemonConnection;
  readonly #port: HandlePort;

  /** @internal */
  constructor(connection: DaemonConnection) {
    this.#connection = connection;
    this.#port = {
      get: (id) => this.read(id),
      result: (id, signal) => this.#result(id, signal),
      cancel: (id) => this.cancel(id),
      watch: (id, signal) => {
        checkOptions('a job', { signal }, { signal: SIGNAL });
        return followJob(connection, id, true, signal);
      },
    };
  }

  /** Adds a job; resolves once the daemon has it on its disk. Where there is a job with the same key, it is that one. */
  async add<Output = unknown>(plugin: string, input?: unknown, options: AddOptions = {}): Promise<JobHandle<Output>> {
    const body = packed(plugin, { plugin, ...completeAddOptions(plugin, options), input }, 'job');
    return this.#handle(await this.#send('/jobs', body)) as JobHandle<Output>;
  }

  /** Has the daemon take the jobs in its data directory that have not ended into its fleet. Rejects with `E_UNSUPPORTED` where it is in none. */
  async move(): Promise<{ readonly moved: number; readonly left: number }> {
    return (await this.#post('/jobs/move', {})) as { readonly moved: number; readonly left: number };
  }

  /** Adds several jobs, all or none. `after`, and `output()` in inputs, may name them as they are named here. */
  async addAll<Name extends string>(
    graph: Readonly<Record<Name, GraphJob>>,
  ): Promise<Readonly<Record<Name, JobHandle>>> {
    const jobs = Object.entries<GraphJob>(graph).map(
      ([name, { plugin, input, ...options }]) =>
        [name, { plugin, ...completeAddOptions(plugin, options), input }] as const,
    );
    const body = packed(undefined, { jobs: Object.fromEntries(jobs) }, 'graph');
    const { jobs: added } = (await this.#send('/jobs/graph', body)) as { readonly jobs: Record<string, Added> };
    const handles = Object.entries(added).map(([name, job]) => [name, this.#handle(job)] as const);
    return Object.fromEntries(handles) as Record<Name, JobHandle>;
  }

  /** The handle of a job. Rejects with `E_JOB` where there is none. */
  async get<Output = unknown>(id: string): Promise<JobHandle<Output>> {
    const { plugin, waitsFor } = await this.read(id);
    return this.#handle({ id, plugin, isNew: false, waitsFor }) as JobHandle<Output>;
  }

  /** The job as it is now, with its attempts. Rejects with `E_JOB` where there is none. */
  async read(id: string): Promise<JobWithAttempts> {
    return (await this.#get(pathOf(id))) as JobWithAttempts;
  }

  /** The jobs, newest first, a page at a time: `next` is the `cursor` of the following page, undefined at the end. */
  async list(options: ListOptions = {}): Promise<JobPage> {
    checkListOptions(options);
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
    return (await this.#get(`/jobs?${query.toString()}`)) as JobPage;
  }

  /** What a job was given, and its result where it is done. Rejects with `E_JOB` where there is none. */
  async values(id: string): Promise<{ readonly input: unknown; readonly result?: unknown }> {
    const { response, why } = await this.#connection.send({
      path: pathOf(id, '/values'),
      headers: { accept: PACKED_VALUE },
    });
    const bytes = await buffer(response).catch((error: unknown) => {
      throw why(error);
    });
    try {
      return unpackValue(bytes) as Awaited<ReturnType<ClientJobs['values']>>;
    } catch (cause) {
      const message = `The daemon's answer with the values of the job ${id} cannot be read: ${messageOf(cause)}.`;
      throw new GreenroomError('E_DAEMON', message, { cause });
    }
  }

  /** How many jobs there are. */
  async counts(): Promise<JobCounts> {
    return ((await this.#get('/jobs/counts')) as { readonly counts: JobCounts }).counts;
  }

  /** Cancels a job, and its call where it runs; resolves to the state in which the job has ended. */
  async cancel(id: string): Promise<JobState> {
    return ((await this.#post(pathOf(id, '/cancel'))) as { readonly state: JobState }).state;
  }

  /** Has a job that has ended run again. Rejects with `E_JOB`. */
  async retry(id: string): Promise<void> {
    await this.#post(pathOf(id, '/retry'));
  }

  /** Removes a job that has ended. Rejects with `E_JOB`. */
  async remove(id: string): Promise<void> {
    await this.#connection.ask('DELETE', pathOf(id));
  }

  /** Makes a job that waits the next one of its plugin. Rejects with `E_JOB`. */
  async first(id: string): Promise<void> {
    await this.#post(pathOf(id, '/first'));
  }

  /** Gives a job that waits another priority. Rejects with `E_JOB`. */
  async setPriority(id: string, priority: number): Promise<void> {
    if (!Number.isFinite(priority)) throw wrongArgument('The priority of a job', 'a finite number', priority);
    await this.#connection.ask('PUT', pathOf(id, '/priority'), JSON.stringify({ priority }));
  }

  /** Takes no jobs of the plugin, or of any, until {@link resume}. What runs goes on. */
  async pause(plugin?: string): Promise<void> {
    await this.#post('/jobs/pause', { plugin });
  }

  /** Takes jobs of the plugin, or of all, again. */
  async resume(plugin?: string): Promise<void> {
    await this.#post('/jobs/resume', { plugin });
  }

  /** The plugins that are paused; `*` for all. */
  async paused(): Promise<readonly string[]> {
    return ((await this.#get('/jobs/paused')) as { readonly plugins: readonly string[] }).plugins;
  }

  /**
   * @internal Every job that changes, until the signal is aborted, which it rejects with. `onTaken` is told when the
   * daemon has begun to tell, again after it was replaced.
   */
  changed(signal: AbortSignal | undefined, onTaken: () => void): AsyncGenerator<Job, void, undefined> {
    return followJobs(this.#connection, signal, onTaken);
  }

  async #result(id: string, signal: AbortSignal | undefined): Promise<unknown> {
    checkOptions('a job', { signal }, { signal: SIGNAL });
    for await (const { state, error } of followJob(this.#connection, id, false, signal)) {
      if (state !== 'done') throw error === undefined ? unknownJob(id) : rebuiltError(error);
      return (await new WhileAway(signal).ask(() => this.values(id))).result;
    }
    throw unknownJob(id);
  }

  #handle(added: unknown): JobHandle {
    const { id, plugin, isNew, waitsFor } = added as Added;
    return new JobHandle(this.#port, { id, plugin, isNew, waitsFor });
  }

  async #get(path: string): Promise<unknown> {
    return frozen(withoutNulls(await this.#connection.ask('GET', path)));
  }

  async #post(path: string, body: object = {}): Promise<unknown> {
    return this.#connection.ask('POST', path, JSON.stringify(body));
  }

  async #send(path: string, body: Buffer): Promise<unknown> {
    return this.#connection.askFor({ method: 'POST', path, headers: { 'content-type': PACKED_VALUE }, body });
  }
}

function pathOf(id: string, rest = ''): string {
  if (!isJobId(id)) throw unknownJob(id);
  return `/jobs/${id}${rest}`;
}

/** A request's body with inputs in it. Throws `E_SERIALIZE` for what cannot be sent, or is too long. */
function packed(plugin: string | undefined, body: object, name: string): Buffer {
  const whose = plugin === undefined ? 'jobs' : `a job of "${plugin}"`;
  let bytes: Buffer;
  try {
    bytes = packValue(body, name);
  } catch (cause) {
    const what = messageOf(cause).replace(`${name}.`, '');
    throw new GreenroomError('E_SERIALIZE', `The input of ${whose} cannot be sent: ${what}.`, { plugin, cause });
  }
  if (bytes.byteLength <= MAX_BODY_BYTES) return bytes;
  const mib = (bytes.byteLength / 2 ** 20).toFixed(1);
  const message = `The input of ${whose} is ${mib} MiB long, and a daemon takes at most ${MAX_BODY_BYTES / 2 ** 20} MiB at once. Write it to a file and pass its path.`;
  throw new GreenroomError('E_SERIALIZE', message, { plugin });
}
