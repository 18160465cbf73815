import { listProcesses, residentMb, treesIn } from '../../measure/process-tree.ts';
import { createTimeSlice } from '../../time/time-slice.ts';

/** How long after one round of measuring the next begins, in milliseconds. */
const INTERVAL_MS = 2_000;

/** A worker whose process tree is to be measured. */
export interface Measured {
  readonly plugin: string;
  readonly pid: number;
}

/**
 * Measures the process trees of workers, round after round, each round from one listing of the processes and in slices,
 * so that the program's event loop is not held. Returns how to stop. `onMemory` is told MiB; what goes wrong is told to `onError`, and the next round comes all the same.
 */
export function watchMemoryOf(
  workers: () => readonly Measured[],
  onMemory: (measured: Measured, memoryMb: number) => void,
  onError: (error: unknown) => void,
  list = listProcesses,
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const measure = async (): Promise<void> => {
    const wanted = workers();
    if (wanted.length === 0) return;
    const pause = createTimeSlice();
    const treeUnder = treesIn(await list(pause));
    for (const each of wanted) {
      const pausing = pause();
      if (pausing !== undefined) await pausing;
      if (stopped) return;
      const tree = treeUnder([each.pid]);
      if (tree.some(({ pid }) => pid === each.pid)) onMemory(each, residentMb(tree));
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
