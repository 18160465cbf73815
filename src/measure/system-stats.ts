import type { Gpu } from './nvidia-smi-output.ts';

/** Free and total memory of the machine, in MiB. */
export interface SystemStats {
  readonly memoryTotalMb: number | undefined;
  readonly memoryAvailableMb: number | undefined;
  readonly gpuTotalMb: number | undefined;
  readonly gpuFreeMb: number | undefined;
  /** Each GPU by itself, where the monitor knows them. */
  readonly gpus: readonly Gpu[];
}
