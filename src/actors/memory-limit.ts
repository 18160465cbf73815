import type { Clock } from '../time/clock.ts';
import { GreenroomError } from '../errors.ts';
import type { MemoryExcess } from '../machines/worker.ts';
import type { TreeSampler } from '../measure/process-tree.ts';

/** The most that a worker with all it has started may use, in MiB of resident memory. */
export interface MemoryLimit {
  readonly plugin: string;
  readonly pid: number;
  readonly maxRssMb: number;
}

/** How often memory is looked at, in milliseconds: what grows by 1 GB/s is for the kernel to stop. */
const INTERVAL_MS = 5_000;

/** Calls back whenever a worker is found to use more than it may. Returns how to stop. */
export function watchMemory(
  { plugin, pid, maxRssMb }: MemoryLimit,
  sampler: TreeSampler,
  clock: Clock,
  onExceeded: (excess: MemoryExcess) => void,
): () => void {
  const startedAt = clock.monotonic();
  let withinMs = 0;
  let stopped = false;
  let timer: unknown;
  const look = async (): Promise<void> => {
    // A look that fails says nothing, and the next may not.
    const stats = await sampler.sample(pid).catch(() => undefined);
    if (stopped) return;
    const used = stats?.memoryRssMb ?? undefined;
    if (used !== undefined && used > maxRssMb) {
      const error = new GreenroomError(
        'E_MEMORY',
        `The worker of "${plugin}" uses ${Math.ceil(used)} MiB, more than the ${maxRssMb} MiB that max_rss_mb in its manifest allows.`,
        { plugin, details: { memoryRssMb: used, maxRssMb } },
      );
      onExceeded({ error, withinMs });
    } else if (used !== undefined) withinMs = clock.monotonic() - startedAt;
    again();
  };
  const again = (): void => {
    timer = clock.setTimeout(() => void look(), INTERVAL_MS);
  };
  again();
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
  };
}
