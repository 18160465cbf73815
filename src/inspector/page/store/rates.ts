import { signal } from '@preact/signals';
import type { Rates as Answer, RateName, RateSeries } from '../../wire.ts';

/** How often what is new is asked for, in milliseconds. */
const ASK_MS = 2_000;
/** So many samples are kept, as at the runtime. */
const SAMPLES = 300;

/** A series over time: the times, the earliest first, and the figure up to each. */
export interface RateLine {
  readonly at: readonly number[];
  readonly figures: readonly (number | null)[];
}

/** The series of one plugin, or of all together. */
type Lines = Readonly<Record<RateName, readonly (number | null)[]>> & { readonly at: readonly number[] };

/** The rates of the plugins in sight, which are asked for while the page is seen. */
export class Rates {
  /** Rises with every answer. */
  readonly version = signal(0);
  readonly #token: string;
  readonly #isLive: () => boolean;
  /** How many rows want the rates of a plugin. */
  readonly #wanted = new Map<string, number>();
  readonly #plugins = new Map<string, Lines>();
  #busy = new Map<string, string>();
  #total: Lines | undefined;
  #gpus: Answer['gpus'] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param isLive whether the runtime answers */
  constructor(token: string, isLive: () => boolean) {
    this.#token = token;
    this.#isLive = isLive;
    this.#wait(0);
  }

  /** What was last told of each GPU. */
  get gpus(): Answer['gpus'] {
    return this.#gpus;
  }

  /** Has the rates of a plugin asked for until what is returned is called. */
  want(plugin: string): () => void {
    this.#wanted.set(plugin, (this.#wanted.get(plugin) ?? 0) + 1);
    // Rows come many at a time.
    if (!this.#plugins.has(plugin)) this.#wait(50);
    return () => {
      const left = (this.#wanted.get(plugin) ?? 1) - 1;
      if (left > 0) this.#wanted.set(plugin, left);
      else {
        this.#wanted.delete(plugin);
        this.#plugins.delete(plugin);
      }
    };
  }

  /** A series of a plugin, or of all together; undefined where nothing is known of it. */
  lineOf(plugin: string | undefined, name: RateName): RateLine | undefined {
    const lines = plugin === undefined ? this.#total : this.#plugins.get(plugin);
    return lines && { at: lines.at, figures: lines[name] };
  }

  /** What a plugin did when that was last asked, in words; undefined where it ran no call, or the runtime does not answer. */
  busyOf(plugin: string): string | undefined {
    return this.#isLive() ? this.#busy.get(plugin) : undefined;
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask().finally(() => this.#wait(ASK_MS)), ms);
  }

  async #ask(): Promise<void> {
    if (document.hidden || !this.#isLive()) return;
    const since = this.#total?.at.at(-1) ?? 0;
    const [known, unknown] = [[] as string[], [] as string[]];
    for (const plugin of this.#wanted.keys()) (this.#plugins.has(plugin) ? known : unknown).push(plugin);
    try {
      const [news, olds] = await Promise.all([this.#fetch(since, known), this.#fetch(0, unknown)]);
      this.#total = joined(this.#total, news.at, news.total);
      this.#gpus = news.gpus;
      this.#busy = new Map(Object.entries({ ...news.busy, ...olds.busy }));
      for (const plugin of known) {
        const series = news.plugins[plugin];
        if (series !== undefined) this.#plugins.set(plugin, joined(this.#plugins.get(plugin), news.at, series));
      }
      // One that was measured between the two answers is asked for anew, whole.
      for (const [plugin, series] of Object.entries(olds.plugins))
        if (olds.at.at(-1) === this.#total.at.at(-1)) this.#plugins.set(plugin, { at: olds.at, ...series });
      this.version.value += 1;
    } catch {
      // Whether the runtime answers is told by its stream.
    }
  }

  async #fetch(since: number, plugins: readonly string[]): Promise<Answer> {
    const query = new URLSearchParams([['since', String(since)], ...plugins.map((plugin) => ['plugin', plugin])]);
    const response = await fetch(`api/rates?${query.toString()}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    if (!response.ok) throw new Error(`The runtime answered with status ${response.status}.`);
    return (await response.json()) as Answer;
  }
}

function joined(known: Lines | undefined, at: readonly number[], series: RateSeries): Lines {
  const all = <T>(before: readonly T[] = [], after: readonly T[]): T[] => [...before, ...after].slice(-SAMPLES);
  return {
    at: all(known?.at, at),
    memoryMb: all(known?.memoryMb, series.memoryMb),
    cpuPercent: all(known?.cpuPercent, series.cpuPercent),
    calls: all(known?.calls, series.calls),
    errors: all(known?.errors, series.errors),
  };
}
