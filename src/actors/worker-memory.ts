import type { Clock } from '../clock.ts';
import { GreenroomError } from '../errors.ts';
import type { TreeSampler } from './process-tree.ts';

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
  onExceeded: (error: GreenroomError) => void,
): () => void {
  let stopped = false;
  let timer: unknown;
  const look = async (): Promise<void> => {
    // A look that fails says nothing, and the next may not.
    const stats = await sampler.sample(pid).catch(() => undefined);
    if (stopped) return;
    const used = stats?.memoryRssMb ?? 0;
    if (used > maxRssMb) {
      onExceeded(
        new GreenroomError(
          'E_MEMORY',
          `The worker of "${plugin}" uses ${used} MiB, more than the ${maxRssMb} that max_rss_mb in its manifest allows. It is replaced.`,
          { plugin, details: { memoryRssMb: used, maxRssMb } },
        ),
      );
    }
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
