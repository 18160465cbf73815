import { readFileSync } from 'node:fs';
import { listProcesses, type ProcessSample, treesIn } from './process-tree.ts';

/** The resident memory of a tree of processes, in MiB; what processes share counts for each of them. */
export interface TreeMemory {
  readonly pids: readonly number[];
  readonly rssMb: number;
  /** The sum of the most that each living process has ever had; the present figure where the system does not tell. */
  readonly peakMb: number;
}

/** Measures the tree under a process. `undefined` where it cannot be told, as on Windows, or the process is gone. */
export async function readTreeMemory(pid: number): Promise<TreeMemory | undefined> {
  return (await readTreeMemories([pid])).get(pid);
}

/** The same for the trees under several processes, of those that it can be told of, by the process. */
export async function readTreeMemories(pids: readonly number[]): Promise<ReadonlyMap<number, TreeMemory>> {
  const memories = new Map<number, TreeMemory>();
  if (pids.length === 0) return memories;
  const treeUnder = treesIn(await listProcesses());
  for (const pid of pids) {
    const tree = treeUnder([pid]);
    if (tree.length > 0) memories.set(pid, memoryOf(tree));
  }
  return memories;
}

function memoryOf(tree: readonly ProcessSample[]): TreeMemory {
  let [rss, peak] = [0, 0];
  for (const member of tree) {
    const own =
      member.rssBytes === undefined ? readStatus(member.pid) : { rss: member.rssBytes, peak: member.rssBytes };
    rss += own.rss;
    peak += own.peak;
  }
  return { pids: tree.map(({ pid }) => pid), rssMb: Math.ceil(rss / 2 ** 20), peakMb: Math.ceil(peak / 2 ** 20) };
}

/** `VmRSS` and `VmHWM` in bytes, see proc_pid_status(5); nothing of a process that has ended meanwhile. */
function readStatus(pid: number): { rss: number; peak: number } {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return { rss: bytesIn(/^VmRSS:\s+(\d+) kB$/m, text), peak: bytesIn(/^VmHWM:\s+(\d+) kB$/m, text) };
  } catch {
    return { rss: 0, peak: 0 };
  }
}

const bytesIn = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? 0) * 1024;
