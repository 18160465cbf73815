import { createTimeSlice, type Pause } from '../time/time-slice.ts';
import { peakBytes, residentBytes } from './process-memory.ts';
import type { ProcessSample } from './process-sample.ts';
import { listProcesses, treesIn } from './process-tree.ts';

/**
 * The resident memory of a tree of processes, in MiB. What processes share counts once on Linux, elsewhere for each of
 * them.
 */
export interface TreeMemory {
  readonly pids: readonly number[];
  readonly rssMb: number;
  /**
   * The sum of the most that each living process has ever had, less what it shares now with others; the present figure
   * where the system does not tell.
   */
  readonly peakMb: number;
}

/** Measures the tree under a process. `undefined` where it cannot be told, as on Windows, or the process is gone. */
export async function readTreeMemory(pid: number): Promise<TreeMemory | undefined> {
  return (await readTreeMemories([pid])).get(pid);
}

/**
 * The same for the trees under several processes, of those that it can be told of, by the process. `pause` is awaited between
 * two steps of it.
 */
export async function readTreeMemories(
  pids: readonly number[],
  pause: Pause = createTimeSlice(),
): Promise<ReadonlyMap<number, TreeMemory>> {
  const memories = new Map<number, TreeMemory>();
  if (pids.length === 0) return memories;
  const trees = await treesIn(await listProcesses(pause), pause);
  for (const pid of pids) {
    await pause();
    const tree = trees.under([pid]);
    if (tree.length > 0) memories.set(pid, memoryOf(tree));
  }
  return memories;
}

function memoryOf(tree: readonly ProcessSample[]): TreeMemory {
  let [rss, peak] = [0, 0];
  for (const member of tree) {
    const { pid, rssBytes } = member;
    const own = residentBytes(member, tree.length > 1);
    const alone = tree.length > 1 ? residentBytes(member, false) : own;
    rss += own;
    // What a process shares now, it shared at its peak as well.
    peak += rssBytes ?? Math.max(own, peakBytes(pid) - (alone - own));
  }
  return { pids: tree.map(({ pid }) => pid), rssMb: Math.ceil(rss / 2 ** 20), peakMb: Math.ceil(peak / 2 ** 20) };
}
