import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { Supervisor } from '../runtime/supervisor.ts';

/** How often the memory of workers is measured at most, in milliseconds: that reads every process of the machine. */
const LEAST_MS = 15_000;

/**
 * What the process trees of plugins used when they were measured last. They are measured after a scrape, for the next one,
 * so that none waits for it, and nothing is measured that nobody reads.
 */
export class MeasuredMemory {
  readonly #supervisor: Pick<Supervisor, 'stats'>;
  #residentMb: ReadonlyMap<string, number> = new Map();
  #measuredAt = -Infinity;
  #isMeasuring = false;

  constructor(supervisor: Pick<Supervisor, 'stats'>) {
    this.#supervisor = supervisor;
  }

  /** The resident memory of a plugin's workers in MiB; `undefined` where it is not known. */
  residentMbOf(plugin: string): number | undefined {
    return this.#residentMb.get(plugin);
  }

  /** Measures the plugins that have workers, unless that is recent. Never rejects. */
  refresh(plugins: readonly PluginSnapshot[]): void {
    if (this.#isMeasuring || performance.now() - this.#measuredAt < LEAST_MS) return;
    this.#isMeasuring = true;
    const withWorkers = plugins.filter(({ pid }) => pid !== undefined);
    // In the next turn, so that the scrape is answered first; all of one turn share one listing of processes.
    setImmediate(() => void this.#measure(withWorkers));
  }

  async #measure(plugins: readonly PluginSnapshot[]): Promise<void> {
    const measured = await Promise.all(
      plugins.map(({ name }) =>
        this.#supervisor.stats(name).then(
          ({ memoryRssMb }) => [name, memoryRssMb] as const,
          // It was unloaded meanwhile.
          () => [name, null] as const,
        ),
      ),
    );
    this.#residentMb = new Map(measured.flatMap(([name, mb]) => (mb === null ? [] : [[name, mb] as const])));
    this.#measuredAt = performance.now();
    this.#isMeasuring = false;
  }
}
