import { signal } from '@preact/signals';
import type { JobNews, JobRow, JobsOfPlugin } from '../../wire-jobs.ts';
import { type JobFilter, withChanges } from './job-rows.ts';
import { fetchJobs, followJobs } from './job-source.ts';

/** How many jobs are asked for at once, and how many at most where a list is asked for again. */
const PAGE = 100;
const MAX_PAGE = 1_000;

/** Whether jobs are open in the runtime, as far as it has said. */
export type Standing =
  | { readonly kind: 'asking' }
  | { readonly kind: 'open' }
  /** With why they could not be opened, where that was tried. */
  | { readonly kind: 'closed'; readonly refusal: string | undefined };

/** The jobs of a runtime: a list that grows at its end when it is asked to, and how they stand, as it changes. */
export class JobsView {
  readonly standing = signal<Standing>({ kind: 'asking' });
  /** Those that the filter wants, newest first, as far as they were asked for. */
  readonly rows = signal<readonly JobRow[]>([]);
  /** What there is beyond the last row. */
  readonly beyond = signal<'loading' | 'more' | 'end'>('loading');
  /** How many rows were put before the first since the beginning. */
  readonly added = signal(0);
  readonly plugins = signal<ReadonlyMap<string, JobsOfPlugin>>(new Map());
  readonly isPaused = signal(false);
  /** How many other stores of jobs are open, which are not shown. */
  readonly others = signal(0);
  /** The jobs of which something has changed just now. */
  readonly news = signal<{ readonly has: (id: string) => boolean } | undefined>(undefined);
  /** Why jobs cannot be had; '' where they can. */
  readonly error = signal('');
  readonly #token: string;
  readonly #plugin: string | undefined;
  #filter: JobFilter;
  #followed = new AbortController();
  #asked = new AbortController();
  #cursor: string | undefined;
  /** What has changed since a page was asked for that has not come. */
  #since: Map<string, JobRow | undefined> | undefined;

  /** @param plugin whose jobs these are; undefined: those of all */
  constructor(token: string, plugin: string | undefined) {
    this.#token = token;
    this.#plugin = plugin;
    this.#filter = { plugin, state: undefined, prefix: '' };
  }

  /** Follows the jobs until {@link close}. */
  open(): void {
    this.close();
    this.error.value = '';
    this.#followed = new AbortController();
    void this.#follow(this.#followed.signal);
  }

  /** Asks for nothing more. */
  close(): void {
    this.#followed.abort();
    this.#asked.abort();
  }

  /** Lists other jobs. */
  show(filter: JobFilter): void {
    this.#filter = filter;
    this.rows.value = [];
    if (this.standing.peek().kind === 'open') void this.#load(undefined, PAGE);
  }

  /** Asks for the jobs after the last row, where there may be more. */
  more(): void {
    if (this.beyond.peek() === 'more') void this.#load(this.#cursor, PAGE);
  }

  async #follow(followed: AbortSignal): Promise<void> {
    try {
      for await (const news of followJobs(this.#token, this.#plugin, followed)) {
        if (followed.aborted) return;
        this.#take(news);
      }
      throw new Error('The runtime has ended.');
    } catch (error) {
      if (!followed.aborted) this.#fail(error);
    }
  }

  #take(news: JobNews): void {
    if (!news.isOpen) {
      this.#asked.abort();
      this.standing.value = { kind: 'closed', refusal: news.refusal };
      this.rows.value = [];
      this.plugins.value = new Map();
      return;
    }
    const { isFirst, isCut, isPaused, others, jobs, gone } = news;
    this.standing.value = { kind: 'open' };
    this.isPaused.value = isPaused;
    this.others.value = others;
    const plugins = new Map(isFirst ? [] : this.plugins.peek());
    for (const each of news.plugins) {
      if (Object.keys(each.counts).length === 0 && !each.isPaused) plugins.delete(each.plugin);
      else plugins.set(each.plugin, each);
    }
    this.plugins.value = plugins;
    const changes = new Map<string, JobRow | undefined>(jobs.map((job) => [job.id, job]));
    for (const id of gone) changes.set(id, undefined);
    this.news.value = isFirst || isCut ? { has: () => true } : changes;
    // As many as there are, so that what is in sight stays.
    if (isFirst || isCut)
      return void this.#load(undefined, Math.min(Math.max(this.rows.peek().length, PAGE), MAX_PAGE));
    for (const [id, job] of changes) this.#since?.set(id, job);
    this.#put(withChanges(this.rows.peek(), changes, this.#filter, this.beyond.peek() === 'end'));
  }

  /** @param cursor after which the page begins; undefined: the first page, in the place of all rows */
  async #load(cursor: string | undefined, limit: number): Promise<void> {
    this.#asked.abort();
    this.#asked = new AbortController();
    const { signal: asked } = this.#asked;
    this.beyond.value = 'loading';
    const since = new Map<string, JobRow | undefined>();
    this.#since = since;
    try {
      const { jobs, next } = await fetchJobs(this.#token, this.#filter, { limit, cursor }, asked);
      if (asked.aborted) return;
      const before = cursor === undefined ? [] : this.rows.peek();
      const known = new Set(before.map(({ id }) => id));
      this.#cursor = next;
      this.beyond.value = next === undefined ? 'end' : 'more';
      const rows = [...before, ...jobs.filter(({ id }) => !known.has(id))];
      this.#put(withChanges(rows, since, this.#filter, next === undefined));
    } catch (error) {
      if (!asked.aborted) this.#fail(error);
    } finally {
      if (this.#since === since) this.#since = undefined;
    }
  }

  #put(rows: readonly JobRow[]): void {
    const [first] = this.rows.peek();
    const place = first === undefined ? 0 : rows.findIndex(({ id }) => id === first.id);
    if (place > 0) this.added.value += place;
    this.rows.value = rows;
  }

  #fail(error: unknown): void {
    this.error.value = error instanceof Error ? error.message : String(error);
    if (this.beyond.peek() === 'loading') this.beyond.value = 'more';
  }
}
