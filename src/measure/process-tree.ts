import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { readProcStat, TICKS_PER_SECOND } from '../process/proc-stat.ts';
import { createTimeSlice, type Pause } from '../time/time-slice.ts';
import { residentBytes } from './process-memory.ts';
import type { ProcessSample } from './process-sample.ts';
import { listByPs } from './ps.ts';

/** What a tree of processes uses. A figure is null where the machine does not tell it, as on Windows. */
export interface TreeStats {
  /** The root of the tree. */
  readonly pid: number;
  /** 100 is one processor kept busy. Since the last sample of this tree, the first time since its root's start. */
  readonly cpuPercent: number | null;
  /** Resident memory in MiB, summed; memory that processes share counts once on Linux, elsewhere for each of them. */
  readonly memoryRssMb: number | null;
  readonly processes: number | null;
  readonly uptimeMs: number | null;
}

/** Measures trees of processes, and remembers the last sample of each for the processor's share. */
export interface TreeSampler {
  /** What the tree under a process uses now; all figures are null once the process is gone. */
  sample(pid: number): Promise<TreeStats>;
}

/** A tree as it was: when, and what each process had used. */
interface FormerTree {
  readonly rootAgeMs: number;
  readonly cpuMs: ReadonlyMap<number, number>;
}

/** Measures trees that were looked up among all processes. */
export class TreeMeter {
  readonly #former = new Map<number, FormerTree>();

  /** Forgets the trees whose root is none of these processes. */
  keep(alive: ReadonlySet<number>): void {
    for (const known of this.#former.keys()) if (!alive.has(known)) this.#former.delete(known);
  }

  /** What the tree under a process uses; all figures are null where the process is not in it. */
  measure(pid: number, tree: readonly ProcessSample[]): TreeStats {
    const root = tree.find((member) => member.pid === pid);
    if (root === undefined) {
      return { pid, cpuPercent: null, memoryRssMb: null, processes: null, uptimeMs: null };
    }
    const last = this.#former.get(pid);
    // A root younger than at the last sample is another process with the same number.
    const since = last !== undefined && last.rootAgeMs < root.ageMs ? last : undefined;
    this.#former.set(pid, { rootAgeMs: root.ageMs, cpuMs: new Map(tree.map((member) => [member.pid, member.cpuMs])) });
    const elapsedMs = root.ageMs - (since?.rootAgeMs ?? 0);
    // By process, so that one that has ended takes nothing away from the others.
    const usedMs = sum(tree.map((member) => Math.max(0, member.cpuMs - (since?.cpuMs.get(member.pid) ?? 0))));
    return {
      pid,
      cpuPercent: elapsedMs > 0 ? round((usedMs / elapsedMs) * 100) : 0,
      memoryRssMb: residentMb(tree),
      processes: tree.length,
      uptimeMs: Math.round(root.ageMs),
    };
  }
}

/**
 * A sampler that has measured nothing yet. `list` is where the processes come from, once for all that is asked in a turn.
 * The trees that are asked for are measured one after another, in slices.
 */
export function createTreeSampler(
  list: (pause: Pause) => Promise<ProcessSample[]> = listProcesses,
  pause: Pause = createTimeSlice(),
): TreeSampler {
  const meter = new TreeMeter();
  let next: Promise<ProcessTrees> | undefined;
  let measured: Promise<unknown> = Promise.resolve();
  const listAll = async (): Promise<ProcessTrees> => {
    // Further requests of this turn share the listing.
    await Promise.resolve();
    next = undefined;
    const all = await list(pause);
    meter.keep(new Set(all.map((member) => member.pid)));
    return treesIn(all, pause);
  };
  return {
    async sample(pid) {
      next ??= listAll();
      const trees = await next;
      const own = measured.then(async () => {
        await pause();
        return meter.measure(pid, trees.under([pid]));
      });
      measured = own;
      return own;
    },
  };
}

/** The given processes, what descends from them, and what is in a process group that one of them leads. */
export function treeOf(roots: number | readonly number[], processes: readonly ProcessSample[]): ProcessSample[] {
  const trees = new ProcessTrees();
  for (const each of processes) trees.add(each);
  return trees.under(typeof roots === 'number' ? [roots] : roots);
}

/** Sorts processes into {@link ProcessTrees}. Of thousands it takes long: `pause` is awaited between two of them. */
export async function treesIn(processes: readonly ProcessSample[], pause: Pause): Promise<ProcessTrees> {
  const trees = new ProcessTrees();
  for (const each of processes) {
    await pause();
    trees.add(each);
  }
  return trees;
}

/** Processes that are sorted once, for any number of trees to be looked up among them. */
export class ProcessTrees {
  readonly #byPid = new Map<number, ProcessSample[]>();
  readonly #byGroup = new Map<number, ProcessSample[]>();
  readonly #byParent = new Map<number, ProcessSample[]>();

  add(each: ProcessSample): void {
    for (const [index, key] of [
      [this.#byPid, each.pid],
      [this.#byGroup, each.pgid],
      [this.#byParent, each.ppid],
    ] as const) {
      const others = index.get(key);
      if (others === undefined) index.set(key, [each]);
      else others.push(each);
    }
  }

  /** These processes, what descends from them, and what is in a process group that one of them leads. */
  under(roots: readonly number[]): ProcessSample[] {
    const reached = new Map<number, ProcessSample>();
    const reach = (found: readonly ProcessSample[] = []): void => {
      for (const each of found) reached.set(each.pid, each);
    };
    for (const root of roots) {
      reach(this.#byPid.get(root));
      reach(this.#byGroup.get(root));
    }
    // A map's iteration also visits what is added meanwhile.
    for (const pid of reached.keys()) reach(this.#byParent.get(pid));
    return [...reached.values()];
  }
}

/**
 * All processes this one may see: from `/proc`, on other Unix systems from `ps`; none on Windows. Of thousands it takes
 * long: `pause` is awaited between two of them.
 */
export async function listProcesses(pause: Pause = createTimeSlice()): Promise<ProcessSample[]> {
  if (process.platform === 'win32') return [];
  return process.platform === 'linux' ? await listByProc(pause) : await listByPs();
}

async function listByProc(pause: Pause): Promise<ProcessSample[]> {
  const machineAgeMs = readMachineAgeMs();
  if (machineAgeMs === undefined) return [];
  const msPerTick = 1000 / TICKS_PER_SECOND;
  const all: ProcessSample[] = [];
  for (const known of await listProcPids()) {
    await pause();
    const stat = readProcStat(known);
    if (stat === null) continue;
    const { pid, ppid, pgid, cpuTicks, startTime } = stat;
    const ageMs = Math.max(0, machineAgeMs - Number(startTime) * msPerTick);
    all.push({ pid, ppid, pgid, cpuMs: cpuTicks * msPerTick, ageMs });
  }
  return all;
}

/** The resident memory of a tree in MiB, summed. What processes share counts once on Linux, elsewhere for each of them. */
export function residentMb(tree: readonly ProcessSample[]): number {
  return round(sum(tree.map((member) => residentBytes(member, tree.length > 1))) / 2 ** 20);
}

/** Read by another thread: of thousands, the list itself takes milliseconds. Empty where it cannot be read. */
async function listProcPids(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.map(Number).filter(Number.isInteger);
}

/** Undefined where it cannot be read, as for want of a file descriptor: then nothing is known of any process. */
function readMachineAgeMs(): number | undefined {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1000;
  } catch {
    return undefined;
  }
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}

function round(figure: number): number {
  return Math.round(figure * 10) / 10;
}
