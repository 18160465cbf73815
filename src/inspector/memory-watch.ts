import { createTreeSampler, listProcesses, type ProcessSample } from '../actors/process-tree.ts';

/** How long after one round of measuring the next begins, in milliseconds. */
const INTERVAL_MS = 2_000;

/** A worker whose process tree is to be measured. */
export interface Measured {
  readonly plugin: string;
  readonly pid: number;
}

/**
 * Measures the process trees of workers, round after round, each round from one listing of the processes. Returns how to
 * stop. `onMemory` is told MiB; what goes wrong is told to `onError`, and the next round comes all the same.
 */
export function watchMemoryOf(
  workers: () => readonly Measured[],
  onMemory: (plugin: string, memoryMb: number) => void,
  onError: (error: unknown) => void,
): () => void {
  let listed: ProcessSample[] = [];
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const sampler = createTreeSampler(() => Promise.resolve(listed));
  const measure = async (): Promise<void> => {
    const wanted = workers();
    if (wanted.length > 0) listed = await listProcesses();
    for (const { plugin, pid } of wanted) {
      const { memoryRssMb } = await sampler.sample(pid);
      if (stopped) return;
      if (memoryRssMb !== null) onMemory(plugin, memoryRssMb);
    }
  };
  const round = (): void => {
    measure()
      .catch(onError)
      .finally(() => {
        if (!stopped) timer = setTimeout(round, INTERVAL_MS).unref();
      });
  };
  round();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
