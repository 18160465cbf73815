import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupFolders } from '../process/cgroup.ts';

/** Tells which ends of processes were the kernel's doing, for want of memory. */
export interface OomWatch {
  /** Whether the kernel has killed a process for want of memory that nobody was told of before. To be asked once an end. */
  takeKill(): boolean;
}

/**
 * Watches the kernel's counts of processes killed for want of memory: those of this process's control groups, or the
 * whole machine's where none of them counts. `root` is the file system's.
 */
export function createOomWatch(root = '/'): OomWatch {
  let seen = countKills(root);
  let untold = 0;
  return {
    takeKill() {
      const count = countKills(root);
      untold += Math.max(0, count - seen);
      seen = count;
      if (untold === 0) return false;
      untold -= 1;
      return true;
    },
  };
}

/** Whether what a runtime printed at its end says that it had no memory left, as those of Node and Python do. */
export function saysOutOfMemory(output: string): boolean {
  return /^FATAL ERROR: .*JavaScript heap out of memory|^MemoryError\b/m.test(output);
}

function countKills(root: string): number {
  const counts = cgroupFolders(root).flatMap(({ folder, version }) =>
    countIn(join(folder, version === 2 ? 'memory.events' : 'memory.oom_control')),
  );
  // A group above counts what happens below it, so that the largest count has them all.
  return counts.length > 0 ? Math.max(...counts) : (countIn(join(root, 'proc/vmstat'))[0] ?? 0);
}

function countIn(file: string): number[] {
  try {
    const found = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'));
    return found === null ? [] : [Number(found[1])];
  } catch {
    return [];
  }
}
