import type { Progress } from '../../calls/call-options.ts';
import { GreenroomError } from '../../errors.ts';
import { Listeners } from '../../events/listeners.ts';
import { writeJson } from '../../json/exact-json.ts';
import { quoted } from '../../text/shown.ts';
import { systemClock } from '../../time/clock.ts';
import type { History } from '../history.ts';
import type { JobState, JobWithAttempts } from '../job.ts';
import { otherInput, unknownBlocker } from '../job-errors.ts';
import { newJobId } from '../job-id.ts';
import type {
  Added,
  BegunAttempt,
  Claim,
  EndedAttempt,
  Hint,
  JobFilter,
  JobPage,
  JobStore,
  NewJob,
  TakenJob,
} from '../job-store.ts';
import { errorText } from '../stored-error.ts';
import { BegunAttempts } from './begun-attempts.ts';
import { bullPriority } from './bull-priority.ts';
import { Gathering } from './gathering.ts';
import { JobRecords, type StateCount, type StoredValues } from './job-records.ts';
import { type JobOperation, jobScripts } from './job-scripts.ts';
import type { LinkHealth } from './link-health.ts';
import { type Liveness, NodeBeat } from './node-beat.ts';
import type { CommandPart, LinkScript, RedisLink } from './redis-link.ts';
import { SharedValues } from './shared-values.ts';
import { claimOf, type GivenJob, readTakenJob } from './taken-job.ts';
import { type ToldEnd, toldEnd } from './told-end.ts';
import { toldJob } from './told-job.ts';
import { fleetIdentity, ValueSweep } from './value-sweep.ts';

/** What a store is opened with, beside its link. */
export interface RedisJobStoreOptions {
  /** The identifier of this program among those that share the jobs: another at each start. */
  readonly node: string;
  readonly history: History;
  /** A folder that all programs share, for values over 1 MiB; undefined: such values are refused. */
  readonly values?: string | undefined;
  /** What the names of BullMQ's queues begin with: `bull` by default. */
  readonly bullPrefix?: string | undefined;
  /** The plugins of this program: whether other programs have added jobs for them is looked at now and then. */
  readonly plugins?: (() => readonly string[]) | undefined;
  /** Told of what listeners throw. */
  readonly onListenerError: (error: unknown) => void;
  /** Told of what Redis refuses beside what is asked of the store; it goes on. */
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly liveness?: Liveness | undefined;
}

/** The job of a plugin that would be taken next. */
export interface Head {
  readonly plugin: string;
  readonly id: string;
  readonly priority: number;
  /** How long it has been ready, by the time of Redis. */
  readonly waitedMs: number;
}

/** A program that shares the jobs, and lives. */
export interface FleetNode {
  readonly node: string;
  /** What it has announced last. */
  readonly text: string;
  /** How long ago it has said that it lives. */
  readonly beatAgoMs: number;
}

/** After how long a job is taken again whose values could not be read, in milliseconds. */
const UNREADABLE_MS = 60_000;

/**
 * Jobs in a Redis that several programs share. The record of a job is ours; its place among those that wait is in a queue
 * of BullMQ, one for each plugin. Both change in one script, whole or not at all.
 */
export class RedisJobStore implements JobStore {
  readonly #link: RedisLink;
  readonly #node: string;
  readonly #values: SharedValues;
  readonly #records: JobRecords;
  readonly #scripts: Readonly<Record<JobOperation, LinkScript>>;
  readonly #prefix: string;
  readonly #bullPrefix: string;
  readonly #hints: Listeners<Hint>;
  readonly #onGone: Listeners<string>;
  readonly #beat: NodeBeat;
  readonly #begun: BegunAttempts;
  readonly #settling: Gathering<ToldEnd, 'ok' | 'lost'>;
  /** What this program has taken and not let go of. */
  readonly #held = new Set<string>();
  #offHints: () => void = () => {};
  #closing: Promise<void> | undefined;

  private constructor(link: RedisLink, options: RedisJobStoreOptions, fleet: string) {
    const { node, history, values, bullPrefix = 'bull', plugins = () => [], onListenerError } = options;
    this.#link = link;
    this.#node = node;
    this.#values = new SharedValues(values, fleet);
    const sweep = values === undefined ? undefined : new ValueSweep(link, this.#values, fleet);
    this.#records = new JobRecords(link, this.#values);
    this.#scripts = jobScripts(link.bullScripts);
    this.#prefix = link.key('');
    this.#bullPrefix = bullPrefix;
    this.#hints = new Listeners(onListenerError);
    this.#begun = new BegunAttempts(systemClock, (begun) => this.#run('BEGIN', [JSON.stringify(begun)]));
    this.#settling = new Gathering((ended) => this.#settle(ended));
    this.#onGone = new Listeners(onListenerError);
    this.#beat = new NodeBeat({
      node,
      history,
      liveness: options.liveness,
      onError: options.onError ?? (() => {}),
      run: (operation, args) => this.#run(operation, args),
      held: this.#held,
      removeFiles: (names) => this.#values.remove(names),
      onCancel: (plugin, id, error) => this.#hints.notify({ kind: 'cancel', plugin, id, error }),
      look: async () => {
        const names = plugins();
        if (names.length > 0) await this.#run('AUDIT', names);
        for (const { plugin } of await this.heads(names)) this.#hints.notify({ kind: 'waiting', plugin });
        await sweep?.turn();
      },
    });
  }

  /**
   * Opens the store for a program, which from then on counts as living. Resolves to it and the plugins that have jobs
   * waiting. Rejects with `E_JOB_STORE`.
   */
  static async open(
    link: RedisLink,
    options: RedisJobStoreOptions,
  ): Promise<{ readonly store: RedisJobStore; readonly waiting: readonly string[] }> {
    const store = new RedisJobStore(link, options, options.values === undefined ? '' : await fleetIdentity(link));
    store.#offHints = await link.subscribe(link.key('hints'), (text) => store.#receive(text));
    try {
      await store.#beat.start();
      const counts = await store.counts();
      const waiting = counts.filter(({ state }) => state === 'waiting').map(({ plugin }) => plugin);
      return { store, waiting };
    } catch (error) {
      await store.#beat.stop();
      store.#offHints();
      throw error;
    }
  }

  async add(jobs: readonly NewJob[]): Promise<readonly Added[]> {
    const files = await Promise.all(
      jobs.map(({ plugin, id, input }) =>
        this.#values.keep(`The input of a job of ${quoted(plugin)}`, `${id}.input`, input),
      ),
    );
    const told = jobs.map((job, index) => toldJob(job, files[index]));
    const inputs = jobs.map(({ input }, index) => (files[index] === undefined ? bytesOf(input) : ''));
    const [what, answer, other] = (await this.#run('ADD', [JSON.stringify(told), ...inputs])) as [
      Buffer,
      unknown,
      Buffer,
    ];
    if (String(what) !== 'added') {
      await this.#values.remove(named(files));
      const job = jobs.find(({ id }) => id === String(answer)) as NewJob;
      throw String(what) === 'key' ? otherInput(job, String(other)) : unknownBlocker(job.plugin, String(other));
    }
    for (const { delayMs, ttlMs } of jobs) this.#wake(delayMs, ttlMs);
    const added = (answer as [Buffer, number][]).map(([id, isNew]) => ({ id: String(id), isNew: isNew === 1 }));
    await this.#values.remove(named(files.filter((_, index) => added[index]?.isNew === false)));
    return added;
  }

  async take(wanted: readonly { readonly plugin: string; readonly count: number }[]): Promise<readonly TakenJob[]> {
    const taken = await this.#beat.take(async () => {
      const given = (await this.#run('TAKE', [JSON.stringify(wanted), this.#node, newJobId()])) as GivenJob[];
      for (const [id] of given) this.#held.add(String(id));
      return given;
    });
    const jobs = await Promise.all(taken.map((given) => this.#readTaken(given)));
    return jobs.filter((job) => job !== undefined);
  }

  /** A job that was taken; undefined where a value of it cannot be read here: it is tried again later, with the error. */
  async #readTaken(given: GivenJob): Promise<TakenJob | undefined> {
    try {
      return await readTakenJob(given, this.#values);
    } catch (error) {
      const outcome = { end: 'failed', error: errorText(error), retryAfterMs: UNREADABLE_MS } as const;
      await this.settle([{ ...claimOf(given), outcome }]);
      return undefined;
    }
  }

  async begin(begun: readonly BegunAttempt[]): Promise<void> {
    await Promise.all(begun.map((each) => this.#begun.add(each)));
  }

  async progress(updates: readonly (Claim & { readonly progress: Progress })[]): Promise<void> {
    const told = updates.map(({ id, claim, progress }) => ({ id, claim, progress: writeJson(progress, 'progress') }));
    await this.#begun.flush();
    await this.#run('PROGRESS', [JSON.stringify(told)]);
  }

  settle(ended: readonly EndedAttempt[]): Promise<readonly ('ok' | 'lost')[]> {
    // Each by itself, so that a value that cannot be kept holds up no other job.
    return Promise.all(ended.map(async (each) => this.#settling.ask(await toldEnd(each, this.#values))));
  }

  async #settle(ended: readonly ToldEnd[]): Promise<readonly ('ok' | 'lost')[]> {
    const results: CommandPart[] = [];
    const begun = ended.map((each) => this.#begun.take(each));
    const told = ended.map(({ result, ...each }, index) => {
      const pending = begun[index];
      results.push(result === undefined ? '' : bytesOf(result));
      return { ...each, begun: pending && this.#begun.told(pending) };
    });
    try {
      const answers = ((await this.#run('SETTLE', [JSON.stringify(told), ...results])) as Buffer[]).map(String);
      for (const pending of begun) pending?.resolve();
      for (const [index, { id, resultFile, retryAfterMs }] of ended.entries()) {
        this.#held.delete(id);
        if (resultFile !== undefined && answers[index] === 'lost') await this.#values.remove([resultFile]);
        this.#wake(retryAfterMs);
      }
      return answers as ('ok' | 'lost')[];
    } catch (error) {
      for (const pending of begun) if (pending !== undefined) this.#begun.putBack(pending);
      throw error;
    }
  }

  async giveBack(claims: readonly Claim[]): Promise<void> {
    await this.#begun.flush();
    await this.#run('GIVE_BACK', [JSON.stringify(claims.map(({ id, claim }) => ({ id, claim })))]);
    for (const { id } of claims) this.#held.delete(id);
  }

  async requestCancel(ids: readonly string[], error: string): Promise<readonly (JobState | undefined)[]> {
    return states(await this.#run('CANCEL', [JSON.stringify(ids), error, 'cancelled']));
  }

  get(ids: readonly string[]): Promise<readonly (JobWithAttempts | undefined)[]> {
    return this.#records.get(ids);
  }

  list(filter: JobFilter, limit: number, cursor: string | undefined): Promise<JobPage> {
    return this.#records.list(filter, limit, cursor);
  }

  values(id: string): Promise<StoredValues | undefined> {
    return this.#records.values(id);
  }

  retry(ids: readonly string[]): Promise<readonly (JobState | undefined)[]> {
    return this.#statesAndFiles('RETRY', ids);
  }

  remove(ids: readonly string[]): Promise<readonly (JobState | undefined)[]> {
    return this.#statesAndFiles('REMOVE', ids);
  }

  async #statesAndFiles(
    operation: 'RETRY' | 'REMOVE',
    ids: readonly string[],
  ): Promise<readonly (JobState | undefined)[]> {
    const [was, files] = (await this.#run(operation, [JSON.stringify(ids)])) as [unknown, Buffer[]];
    await this.#values.remove(files.map(String));
    return states(was);
  }

  async place(id: string, priority: number | undefined, first: boolean): Promise<JobState | undefined> {
    const placed = priority === undefined ? ['', ''] : [String(priority), bullPriority(priority)];
    const was = (await this.#run('PLACE', [id, ...placed, first ? '1' : '0'])) as Buffer | null;
    return was === null ? undefined : (String(was) as JobState);
  }

  async pause(plugins: readonly string[]): Promise<void> {
    await this.#run('PAUSE', plugins.length === 0 ? ['*'] : plugins);
  }

  async resume(plugins: readonly string[]): Promise<void> {
    await this.#run('RESUME', plugins);
  }

  paused(): Promise<readonly string[]> {
    return this.#records.paused();
  }

  counts(): Promise<readonly StateCount[]> {
    return this.#records.counts();
  }

  /** The next job of each of these plugins, where it has one that may be taken. */
  async heads(plugins: readonly string[]): Promise<readonly Head[]> {
    if (plugins.length === 0) return [];
    const heads = (await this.#run('HEADS', plugins)) as Buffer[][];
    return heads.map((head) => {
      const [plugin = '', id = '', priority, waitedMs] = head.map(String);
      return { plugin, id, priority: Number(priority), waitedMs: Number(waitedMs) };
    });
  }

  /** Tells the others this text about this program, with its next beat. */
  announce(text: string): void {
    this.#beat.announce(text);
  }

  /** The programs that share the jobs and live. */
  async nodes(): Promise<readonly FleetNode[]> {
    const nodes = (await this.#run('NODES', [this.#beat.goneMs])) as Buffer[][];
    return nodes.map((each) => {
      const [node = '', text = '', beatAgoMs] = each.map(String);
      return { node, text, beatAgoMs: Number(beatAgoMs) };
    });
  }

  /** Calls back with each program that has left, or is gone. Returns how to stop. */
  onNodeGone(listener: (node: string) => void): () => void {
    return this.#onGone.add(listener);
  }

  onHint(listener: (hint: Hint) => void): () => void {
    return this.#hints.add(listener);
  }

  /** How the store stands with its Redis. */
  get health(): LinkHealth {
    return this.#link.health;
  }

  /** Leaves: what this program still has goes back. The link stays open. */
  close(): Promise<void> {
    // Asked before it counts as closed.
    this.#closing ??= this.#begun.flush().then(() => this.#close());
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#beat.stop();
    this.#offHints();
    try {
      await this.#link.run(this.#scripts.LEAVE, [this.#prefix, this.#bullPrefix, this.#node], true);
    } catch {
      // Others see that it is gone.
    }
  }

  #wake(...delays: readonly (number | undefined)[]): void {
    for (const ms of delays) if (ms !== undefined && ms > 0) this.#beat.wakeAfter(ms);
  }

  #receive(text: string): void {
    for (const hint of JSON.parse(text) as readonly (Hint | { readonly kind: 'gone'; readonly node: string })[])
      if (hint.kind === 'gone') this.#onGone.notify(hint.node);
      else this.#hints.notify(hint);
  }

  #run(operation: JobOperation, args: readonly CommandPart[]): Promise<unknown> {
    if (this.#closing !== undefined)
      return Promise.reject(new GreenroomError('E_JOB_STORE', 'The jobs are closed. Open them again with openJobs().'));
    // What was taken twice would be held and not known of; the next beat sets that right, as where no answer came.
    return this.#link.run(this.#scripts[operation], [this.#prefix, this.#bullPrefix, ...args], operation !== 'TAKE');
  }
}

/** The files that there are. */
function named(files: readonly (string | undefined)[]): string[] {
  return files.filter((file) => file !== undefined);
}

function states(answer: unknown): (JobState | undefined)[] {
  return (answer as (Buffer | null)[]).map((state) => (state === null ? undefined : (String(state) as JobState)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
