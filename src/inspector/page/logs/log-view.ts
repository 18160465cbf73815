import { signal } from '@preact/signals';
import type { LogLine, LogPage } from '../../wire-logs.ts';
import { fetchLogPage, followLog, type LogQuery, type LogWay } from './log-source.ts';

/** A row of the list: a line, or how many lines were left out there. */
export type LogRow = LogLine | LeftOut;

/** Lines that came faster than they are sent. */
export interface LeftOut {
  readonly place: string;
  readonly at: number;
  readonly left: number;
}

/** What there is beyond the first or the last row. */
export type Beyond =
  /** More, when it is asked for. */
  | { readonly kind: 'more' }
  /** More is looked for; up to this time nothing more was found. */
  | { readonly kind: 'loading'; readonly reached?: number | undefined }
  | { readonly kind: 'end'; readonly isCut?: boolean | undefined }
  /** What is logged from now on. */
  | { readonly kind: 'live' };

/** So many rows are kept; of more, those that are furthest from where rows are added are dropped. */
const MAX_ROWS = 10_000;
const KEPT_ROWS = 8_000;

/** Lines of the logs around one time, or up to the present and as they come. It grows in both directions. */
export class LogView {
  /** The oldest first. */
  readonly rows = signal<readonly LogRow[]>([]);
  readonly before = signal<Beyond>({ kind: 'loading' });
  readonly after = signal<Beyond>({ kind: 'loading' });
  /** How many rows were put before those of the beginning, less those dropped there. */
  readonly shift = signal(0);
  /** Why lines cannot be had; '' where they can. */
  readonly error = signal('');
  readonly #token: string;
  readonly #query: LogQuery;
  #asked = new AbortController();
  #followed = new AbortController();
  #isLive = false;
  #next: Partial<Record<LogWay['to'], string | undefined>> = {};

  constructor(token: string, query: LogQuery) {
    this.#token = token;
    this.#query = query;
  }

  /** Whether the lines at this time are among the rows, as far as there are any. */
  covers(at: number): boolean {
    const rows = this.rows.peek();
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined || this.error.peek() !== '') return false;
    return (at >= first.at || this.before.peek().kind === 'end') && at <= last.at;
  }

  /** Shows the lines around a time; undefined: the latest, and what is logged from now on. */
  show(at: number | undefined): void {
    this.close();
    this.#asked = new AbortController();
    this.#isLive = at === undefined;
    this.#next = {};
    this.error.value = '';
    this.rows.value = [];
    this.shift.value = 0;
    this.before.value = { kind: 'loading' };
    this.after.value = { kind: 'loading' };
    void this.#guard(async () => {
      if (at !== undefined) {
        await Promise.all([this.#load({ to: 'before', at }), this.#load({ to: 'after', at })]);
        return;
      }
      const now = Date.now();
      const older = await this.#step({ to: 'before' });
      await Promise.all([older && this.#load(older), this.#follow(now)]);
    });
  }

  /** Looks for more rows in one direction, where there may be more. */
  load(to: LogWay['to']): void {
    const beyond = this[to].peek();
    if (beyond.kind === 'loading' || beyond.kind === 'live' || (beyond.kind === 'end' && to === 'before')) return;
    const from = this.#next[to] ?? this.rows.peek().at(to === 'before' ? 0 : -1)?.place;
    void this.#guard(async () => {
      await this.#load({ to, from });
      if (this.#isLive && this.after.peek().kind === 'end') await this.#follow();
    });
  }

  /** Follows no more: an instant is looked at whose lines are there. */
  stop(): void {
    this.#isLive = false;
    this.pause();
  }

  /** Follows no more until {@link resume}. */
  pause(): void {
    if (this.after.peek().kind !== 'live') return;
    this.#followed.abort();
    this.after.value = { kind: 'more' };
  }

  /** Goes on to follow. */
  resume(): void {
    if (this.#isLive) this.load('after');
  }

  /** Asks for nothing more. */
  close(): void {
    this.#asked.abort();
    this.#followed.abort();
  }

  /** Asks until there is something. */
  async #load(way: LogWay): Promise<void> {
    let next: LogWay | undefined = way;
    while (next !== undefined) next = await this.#step(next);
  }

  /** Asks once. Resolves to what to ask for next, as nothing was found so far. */
  async #step(way: LogWay): Promise<LogWay | undefined> {
    const { to } = way;
    const { signal: asked } = this.#asked;
    if (this[to].peek().kind !== 'loading') this[to].value = { kind: 'loading' };
    const page = await fetchLogPage(this.#token, this.#query, way, asked);
    if (asked.aborted) return undefined;
    const { lines, next, reached, isCut } = page;
    this.#add(to, page);
    if (next === undefined) this[to].value = { kind: 'end', isCut };
    else if (lines.length > 0) this[to].value = { kind: 'more' };
    else {
      // The runtime looks through so much for one answer, and nothing of it matched.
      this[to].value = { kind: 'loading', reached };
      return { to, from: next };
    }
    return undefined;
  }

  #add(to: LogWay['to'], { lines, next }: LogPage): void {
    this.#next[to] = next;
    if (lines.length === 0) return;
    const rows = this.rows.peek();
    if (to === 'after') return this.#append(lines);
    this.rows.value = [...lines, ...rows].slice(0, MAX_ROWS);
    this.shift.value += rows.length === 0 ? 0 : lines.length;
    if (rows.length + lines.length > MAX_ROWS) this.#reopen('after');
  }

  #append(added: readonly LogRow[]): void {
    const rows = [...this.rows.peek(), ...added];
    const surplus = rows.length > MAX_ROWS ? rows.length - KEPT_ROWS : 0;
    this.rows.value = surplus === 0 ? rows : rows.slice(surplus);
    if (surplus === 0) return;
    this.shift.value -= surplus;
    this.#reopen('before');
  }

  /** Rows were dropped there: they are to be had again. */
  #reopen(to: LogWay['to']): void {
    delete this.#next[to];
    if (this[to].peek().kind === 'live') this.#followed.abort();
    this[to].value = { kind: 'more' };
  }

  /** @param at from when on, where there is no row to go on from; in milliseconds since the epoch */
  async #follow(at = Date.now()): Promise<void> {
    this.#followed.abort();
    this.#followed = new AbortController();
    const followed = AbortSignal.any([this.#asked.signal, this.#followed.signal]);
    this.after.value = { kind: 'live' };
    const from = this.rows.peek().at(-1)?.place;
    const start = from === undefined ? { at } : { from };
    try {
      for await (const { lines, left } of followLog(this.#token, this.#query, start, followed)) {
        const first = lines[0];
        if (followed.aborted) return;
        if (first !== undefined)
          this.#append(left === 0 ? lines : [{ place: first.place, at: first.at, left }, ...lines]);
      }
    } catch (error) {
      if (!followed.aborted) throw error;
    }
    if (!followed.aborted) throw new Error('The runtime has ended.');
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    const { signal: asked } = this.#asked;
    try {
      await work();
    } catch (error) {
      if (asked.aborted) return;
      this.error.value = error instanceof Error ? error.message : String(error);
      for (const beyond of [this.before, this.after]) if (beyond.peek().kind !== 'end') beyond.value = { kind: 'more' };
    }
  }
}

/** Whether a row is of lines that were left out. */
export function isLeftOut(row: LogRow): row is LeftOut {
  return 'left' in row;
}
