import { LabelCounts } from './label-counts.ts';

/** So many error codes of a plugin have a series of their own. */
const MAX_CODES = 6;

/** So many reasons of evictions of a plugin have one: a policy of the program may give any. */
const MAX_REASONS = 3;

/** What was counted of one plugin. */
export class PluginTally {
  calls = 0;
  readonly errors = new LabelCounts(MAX_CODES);
  /** Loads that have ended with a plugin that takes calls, and how many seconds they took together. */
  loads = 0;
  loadSeconds = 0;
  crashes = 0;
  readonly evictions = new LabelCounts(MAX_REASONS);
}

/** What was counted, by plugin. */
export class PluginTallies {
  readonly #tallies = new Map<string, PluginTally>();

  /** That of a plugin, from zero where it is new. */
  of(plugin: string): PluginTally {
    let tally = this.#tallies.get(plugin);
    if (tally === undefined) {
      tally = new PluginTally();
      this.#tallies.set(plugin, tally);
    }
    return tally;
  }

  /** Forgets all plugins but these; returns which. */
  keep(plugins: ReadonlySet<string>): string[] {
    const gone = [...this.#tallies.keys()].filter((plugin) => !plugins.has(plugin));
    for (const plugin of gone) this.#tallies.delete(plugin);
    return gone;
  }
}
