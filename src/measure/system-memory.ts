import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { cgroupFolders } from '../process/cgroup.ts';

/** The memory that this process and its workers may use, in MiB. */
export interface SystemMemory {
  readonly totalMb: number;
  /** What can be had without swapping: free, or held by caches that give way. */
  readonly availableMb: number;
  /** What the machine has, for all processes. */
  readonly machineTotalMb: number;
  /** The control group (a container, a service, a job) that leaves the least, if that is less than the machine does. */
  readonly group: string | undefined;
}

interface MemoryBytes {
  readonly total: number;
  readonly available: number;
}

/**
 * The memory of the machine, within the limits of the control groups that this process is in, their parents included.
 * Elsewhere than on Linux it is Node's figure of free memory. `root` is the file system's.
 */
export function readSystemMemory(root = '/'): SystemMemory {
  const host = readMeminfo(root) ?? { total: totalmem(), available: freemem() };
  const groups = cgroupFolders(root).flatMap(({ folder, version }) => {
    const memory = readGroup(folder, version);
    return memory === undefined ? [] : { folder, ...memory };
  });
  const total = Math.min(host.total, ...groups.map((group) => group.total));
  const available = Math.min(host.available, ...groups.map((group) => group.available));
  const tightest = groups.find((group) => group.available === available);
  return {
    totalMb: Math.floor(total / 2 ** 20),
    availableMb: Math.floor(available / 2 ** 20),
    machineTotalMb: Math.floor(host.total / 2 ** 20),
    group: available < host.available ? tightest?.folder : undefined,
  };
}

function readMeminfo(root: string): MemoryBytes | undefined {
  const text = read(join(root, 'proc/meminfo'));
  const total = figureOf(text, /^MemTotal:\s+(\d+) kB$/m);
  // Linux 3.14 and later; see proc_meminfo(5).
  const available = figureOf(text, /^MemAvailable:\s+(\d+) kB$/m);
  if (total === undefined || available === undefined) return undefined;
  return { total: total * 1024, available: available * 1024 };
}

/** The files of each interface, and the line of `memory.stat` that counts file pages not in use. */
const NAMES = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: /^total_inactive_file (\d+)$/m },
  2: { limit: 'memory.max', usage: 'memory.current', cache: /^inactive_file (\d+)$/m },
} as const;

/** What one group leaves; undefined where it sets no limit. Version 1 writes "no limit" as a huge number. */
function readGroup(folder: string, version: 1 | 2): MemoryBytes | undefined {
  const names = NAMES[version];
  const limit = figureOf(read(join(folder, names.limit)), /^(\d+)$/m);
  const usage = figureOf(read(join(folder, names.usage)), /^(\d+)$/m);
  if (limit === undefined || usage === undefined || limit >= 2 ** 60) return undefined;
  // File pages not in use are given back before the limit bites, so they count as available.
  const cache = figureOf(read(join(folder, 'memory.stat')), names.cache) ?? 0;
  return { total: limit, available: Math.max(0, limit - Math.max(0, usage - cache)) };
}

function figureOf(text: string | undefined, pattern: RegExp): number | undefined {
  const found = text === undefined ? undefined : pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
