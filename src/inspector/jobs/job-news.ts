import type { JobState } from '../../jobs/job.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { JobNews, JobsOfPlugin } from '../wire-jobs.ts';
import type { JobViews } from './job-views.ts';

/** Of so many jobs it is told at once. */
const MAX_TOLD = 500;
/** Of more jobs that are yet to be told of it is told only that there are. */
const MAX_DUE = 10_000;

/** What is to be told of some jobs to one who follows them. */
export class JobNewsOf {
  readonly jobs: Jobs;
  /** Notes no more changes. */
  readonly close: () => void;
  readonly #views: JobViews;
  readonly #plugin: string | undefined;
  readonly #tell: () => void;
  /** The jobs that have changed and were not told of yet. */
  readonly #due = new Set<string>();
  /** What was told of each plugin, and of all of them together, as JSON. */
  readonly #told = new Map<string, string>();
  #toldOfAll = '';
  #isFirst = true;
  #isCut = false;

  /**
   * @param plugin whose jobs are followed; undefined: those of all
   * @param tell told when there may be something to tell
   */
  constructor(jobs: Jobs, views: JobViews, plugin: string | undefined, tell: () => void) {
    this.jobs = jobs;
    this.#views = views;
    this.#plugin = plugin;
    this.#tell = tell;
    this.close = jobs.onChange((id) => {
      if (id !== '') this.#due.add(id);
      if (this.#due.size > MAX_DUE) {
        this.#due.clear();
        this.#isCut = true;
      }
      tell();
    });
  }

  /**
   * What has changed since it was asked last; undefined where that is nothing. Rejects with `E_JOB_STORE` where the store
   * cannot be asked.
   *
   * @param others how many other stores of jobs are open
   */
  async next(others: number): Promise<JobNews | undefined> {
    const ids = [...this.#due].slice(0, MAX_TOLD);
    for (const id of ids) this.#due.delete(id);
    const isCut = this.#isCut;
    this.#isCut = false;
    try {
      return await this.#newsOf(ids, isCut, others);
    } catch (error) {
      // It is told once the store can be asked.
      for (const id of ids) this.#due.add(id);
      this.#isCut ||= isCut;
      throw error;
    }
  }

  async #newsOf(ids: readonly string[], isCut: boolean, others: number): Promise<JobNews | undefined> {
    const isFirst = this.#isFirst;
    const [counts, paused, found] = await Promise.all([this.jobs.counts(), this.jobs.paused(), this.jobs.readAll(ids)]);
    const isPaused = paused.includes('*');
    const jobs = await this.#views.rows(
      this.jobs,
      found.filter(({ plugin }) => this.#isWanted(plugin)),
    );
    // The last that may fail: it notes what is told.
    const plugins = await this.#changed(counts, new Set(paused));
    const known = new Set(found.map(({ id }) => id));
    const gone = ids.filter((id) => !known.has(id));
    const ofAll = JSON.stringify([isPaused, others]);
    const hasChanged = ofAll !== this.#toldOfAll || plugins.length + jobs.length + gone.length > 0;
    this.#isFirst = false;
    this.#toldOfAll = ofAll;
    if (this.#due.size > 0) this.#tell();
    if (!isFirst && !isCut && !hasChanged) return undefined;
    return { isOpen: true, isFirst, isPaused, others, plugins, jobs, gone, isCut };
  }

  #isWanted(plugin: string): boolean {
    return this.#plugin === undefined || this.#plugin === plugin;
  }

  /** The plugins of which something is to be told. */
  async #changed(counts: Awaited<ReturnType<Jobs['counts']>>, paused: ReadonlySet<string>): Promise<JobsOfPlugin[]> {
    const named = new Set([...Object.keys(counts), ...paused, ...this.#told.keys()]);
    named.delete('*');
    const wanted = [...named].filter((plugin) => this.#isWanted(plugin));
    const obstacles = await this.jobs.obstaclesTo(wanted.filter((plugin) => (counts[plugin]?.waiting ?? 0) > 0));
    const changed: JobsOfPlugin[] = [];
    for (const plugin of wanted) {
      const own: Readonly<Partial<Record<JobState, number>>> = counts[plugin] ?? {};
      const obstacle = obstacles.get(plugin);
      const waitsFor = obstacle && this.#views.text(obstacle);
      const told = { plugin, counts: own, isPaused: paused.has(plugin), waitsFor };
      const text = JSON.stringify(told);
      if (this.#told.get(plugin) === text) continue;
      if (Object.keys(own).length === 0 && !told.isPaused) this.#told.delete(plugin);
      else this.#told.set(plugin, text);
      changed.push(told);
    }
    return changed;
  }
}
