import { GreenroomError } from '../errors.ts';
import type { MemoryExcess } from '../machines/worker.ts';
import type { TreeSampler } from '../measure/process-tree.ts';
import type { Clock } from '../time/clock.ts';

/** The most that a worker may use together with all it has started, in MiB of resident memory. */
export interface MemoryLimit {
  readonly plugin: string;
  readonly pid: number;
  readonly maxRssMb: number;
}

/** How often memory is measured, in milliseconds: what grows by 1 GB/s is for the kernel to stop. */
const INTERVAL_MS = 5_000;

interface Watched extends MemoryLimit {
  /** When watching began, by the monotonic clock. */
  readonly startedAt: number;
  /** After how long it was last found within its limit. */
  withinMs: number;
  readonly onExceeded: (excess: MemoryExcess) => void;
}

/** Watches the memory of all workers that have a limit, in rounds: the sampler lists the machine's processes once in each. */
export class MemoryLimits {
  readonly #sampler: TreeSampler;
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: unknown;

  constructor(sampler: TreeSampler, clock: Clock) {
    this.#sampler = sampler;
    this.#clock = clock;
  }

  /** Calls back in every round in which the worker uses more than it may. Returns how to stop. */
  watch(limit: MemoryLimit, onExceeded: (excess: MemoryExcess) => void): () => void {
    const watched: Watched = { ...limit, startedAt: this.#clock.monotonic(), withinMs: 0, onExceeded };
    this.#watched.add(watched);
    this.#schedule();
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size > 0) return;
      this.#clock.clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #schedule(): void {
    if (this.#watched.size > 0) this.#timer ??= this.#clock.setTimeout(() => void this.#round(), INTERVAL_MS);
  }

  async #round(): Promise<void> {
    this.#timer = undefined;
    await Promise.all([...this.#watched].map((watched) => this.#measure(watched)));
    this.#schedule();
  }

  async #measure(watched: Watched): Promise<void> {
    const { plugin, pid, maxRssMb, startedAt, onExceeded } = watched;
    // A failed measurement says nothing, and the next may succeed.
    const stats = await this.#sampler.sample(pid).catch(() => undefined);
    const used = stats?.memoryRssMb ?? undefined;
    if (used === undefined || !this.#watched.has(watched)) return;
    if (used <= maxRssMb) {
      watched.withinMs = this.#clock.monotonic() - startedAt;
      return;
    }
    const error = new GreenroomError(
      'E_MEMORY',
      `The worker of "${plugin}" uses ${Math.ceil(used)} MiB, more than the ${maxRssMb} MiB that max_rss_mb in its manifest allows.`,
      { plugin, details: { memoryRssMb: used, maxRssMb } },
    );
    onExceeded({ error, withinMs: watched.withinMs });
  }
}
