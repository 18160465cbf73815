import type { GenerationUse } from '../scheduler/ledger.ts';
import type { GpuProcess } from './nvidia-smi-output.ts';
import type { TreeMemory } from './tree-memory.ts';

/** A worker that runs. */
export interface RunningWorker {
  readonly plugin: string;
  readonly generation: number;
  readonly pid: number;
}

/**
 * What each worker takes up with all it has started. A worker whose processes no GPU names has no figure for GPU memory:
 * it may use none, or the driver may count pids of another namespace, as in a container.
 */
export function workerUse(
  workers: Iterable<RunningWorker>,
  trees: ReadonlyMap<number, TreeMemory>,
  onGpus: readonly GpuProcess[],
): GenerationUse[] {
  const byPid = new Map<number, number>();
  for (const { pid, usedMb } of onGpus) {
    if (usedMb !== null) byPid.set(pid, (byPid.get(pid) ?? 0) + usedMb);
  }
  const uses: GenerationUse[] = [];
  for (const { plugin, generation, pid } of workers) {
    const tree = trees.get(pid);
    if (tree === undefined) continue;
    const vram = tree.pids.map((member) => byPid.get(member)).filter((usedMb) => usedMb !== undefined);
    const vramMb = vram.length === 0 ? undefined : vram.reduce((sum, usedMb) => sum + usedMb, 0);
    uses.push({ plugin, generation, ramMb: tree.rssMb, vramMb });
  }
  return uses;
}
