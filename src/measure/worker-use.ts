import { sumOf } from '../scheduler/gpus/gpu-amounts.ts';
import type { GenerationUse } from '../scheduler/measurement.ts';
import type { GpuProcess } from './nvidia-smi-output.ts';
import type { TreeMemory } from './tree-memory.ts';

/** A worker that runs. */
export interface RunningWorker {
  readonly plugin: string;
  readonly generation: number;
  readonly pid: number;
}

/**
 * What each worker uses together with all it has started. A worker whose processes no GPU names has no figure for GPU memory:
 * it may use none, or the driver may count pids of another namespace, as in a container.
 */
export function workerUse(
  workers: Iterable<RunningWorker>,
  trees: ReadonlyMap<number, TreeMemory>,
  onGpus: readonly GpuProcess[],
): GenerationUse[] {
  const byPid = new Map<number, { readonly gpuUuid: string; readonly usedMb: number }[]>();
  for (const { pid, gpuUuid, usedMb } of onGpus) {
    if (usedMb === null) continue;
    const known = byPid.get(pid);
    if (known === undefined) byPid.set(pid, [{ gpuUuid, usedMb }]);
    else known.push({ gpuUuid, usedMb });
  }
  const uses: GenerationUse[] = [];
  for (const { plugin, generation, pid } of workers) {
    const tree = trees.get(pid);
    if (tree === undefined) continue;
    const onEach = tree.pids.flatMap((member) => byPid.get(member) ?? []);
    const gpus: Record<string, number> = {};
    for (const { gpuUuid, usedMb } of onEach) gpus[gpuUuid] = (gpus[gpuUuid] ?? 0) + usedMb;
    const isKnown = onEach.length > 0;
    uses.push({
      plugin,
      generation,
      ramMb: tree.rssMb,
      vramMb: isKnown ? sumOf(gpus) : undefined,
      gpus: isKnown ? gpus : undefined,
    });
  }
  return uses;
}
