import type { CallFigures } from '../wire.ts';
import { LatencyBuckets } from './latency-buckets.ts';

/** So many tools of a plugin have figures of their own; those of further ones are in those of the plugin alone. */
const MAX_TOOLS = 64;
/** So many plugins have figures: plugins come and go. */
const MAX_PLUGINS = 10_000;
/** No call that ran for less is slow, in milliseconds. */
export const LEAST_SLOW_MS = 1_000;
/** A call is slow from so many times what half of its tool's calls run at most. */
const SLOW_FACTOR = 10;

/** Counts of the calls of a plugin, or of one of its tools. */
class Counts {
  /** How long those that went well took, and how long of that they ran. */
  readonly took = new LatencyBuckets();
  readonly ran = new LatencyBuckets();
  ended = 0;
  failed = 0;
  slow = 0;
  leftOut = 0;
  notableLeftOut = 0;

  figures(plugin: string, tool: string | undefined): CallFigures {
    const { ended, failed, slow, leftOut, notableLeftOut, took } = this;
    const [p50Ms, p95Ms] = [took.quantile(0.5), took.quantile(0.95)];
    return { plugin, tool, ended, failed, slow, leftOut, notableLeftOut, p50Ms, p95Ms };
  }
}

interface PluginCounts {
  readonly all: Counts;
  readonly tools: Map<string, Counts>;
}

/** A call that has ended. */
export interface EndedCall {
  readonly plugin: string;
  readonly tool: string;
  readonly tookMs: number;
  /** How long of that it ran. */
  readonly ranMs: number;
  readonly hasFailed: boolean;
  readonly isSlow: boolean;
  /** Whether it is told of. */
  readonly isTold: boolean;
}

/** The figures of all calls, told or not, and by them what is slow. */
export class CallStatistics {
  readonly #plugins = new Map<string, PluginCounts>();

  /**
   * For how many milliseconds a call of this tool has run that is slow. Not by its whole time: those that wait behind a
   * slow one would be slow with it.
   */
  slowFrom(plugin: string, tool: string): number {
    return Math.max(LEAST_SLOW_MS, SLOW_FACTOR * (this.usual(plugin, tool) ?? 0));
  }

  /** How long half of the calls of this tool run at most, in milliseconds; undefined before the first. */
  usual(plugin: string, tool: string): number | undefined {
    const counts = this.#plugins.get(plugin);
    const own = counts?.tools.get(tool) ?? (counts?.tools.size === MAX_TOOLS ? counts.all : undefined);
    return own?.ran.quantile(0.5);
  }

  note({ plugin, tool, tookMs, ranMs, hasFailed, isSlow, isTold }: EndedCall): void {
    let counts = this.#plugins.get(plugin);
    if (counts === undefined) {
      // The one that came first: a map keeps the order.
      if (this.#plugins.size >= MAX_PLUGINS) this.#plugins.delete(this.#plugins.keys().next().value ?? '');
      this.#plugins.set(plugin, (counts = { all: new Counts(), tools: new Map() }));
    }
    let own = counts.tools.get(tool);
    if (own === undefined && counts.tools.size < MAX_TOOLS) counts.tools.set(tool, (own = new Counts()));
    for (const each of [counts.all, own]) {
      if (each === undefined) continue;
      each.ended += 1;
      if (hasFailed) each.failed += 1;
      else {
        each.took.add(tookMs);
        each.ran.add(ranMs);
      }
      if (isSlow) each.slow += 1;
      if (isTold) continue;
      each.leftOut += 1;
      if (hasFailed || isSlow) each.notableLeftOut += 1;
    }
  }

  /** Of each tool of a plugin, after those of all of them; of no plugin in particular: of each plugin. */
  figures(plugin?: string): CallFigures[] {
    if (plugin === undefined) return [...this.#plugins].map(([name, { all }]) => all.figures(name, undefined));
    const counts = this.#plugins.get(plugin);
    if (counts === undefined) return [];
    return [
      counts.all.figures(plugin, undefined),
      ...[...counts.tools].map(([tool, own]) => own.figures(plugin, tool)),
    ];
  }

  /** All of them: of each plugin and of each of its tools. */
  everything(): CallFigures[] {
    return [...this.#plugins.keys()].flatMap((plugin) => this.figures(plugin));
  }
}
