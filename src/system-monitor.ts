import { createNvidiaSmi } from './actors/nvidia-smi.ts';
import type { Gpu } from './actors/nvidia-smi-output.ts';
import { readSystemMemory } from './actors/system-memory.ts';

/** Free and total memory of the machine, in MiB. */
export interface SystemStats {
  readonly memoryTotalMb: number | undefined;
  readonly memoryAvailableMb: number | undefined;
  readonly gpuTotalMb: number | undefined;
  readonly gpuFreeMb: number | undefined;
  /** Each GPU by itself, where the monitor knows them. */
  readonly gpus: readonly Gpu[];
}

/** Where the figures of free memory come from. */
export interface SystemMonitor {
  /** `built-in`, `custom`, or the name of the plugin. */
  readonly name: string;
  use(monitor: string | { read(): Promise<SystemStats> }): void;
  read(): Promise<SystemStats>;
}

/** How long the built-in monitor may take over the GPUs, in milliseconds. */
const GPU_DEADLINE_MS = 2_000;

/** A monitor that starts with the built-in one. `execute` calls a plugin that is made the monitor. */
export function createSystemMonitor(execute: (name: string, input: unknown) => Promise<unknown>): SystemMonitor {
  let name = 'built-in';
  let read = readBuiltIn;
  return {
    get name() {
      return name;
    },
    use(monitor) {
      name = typeof monitor === 'string' ? monitor : 'custom';
      read = typeof monitor === 'string' ? () => readPlugin(execute, monitor) : () => monitor.read();
    },
    read: () => read(),
  };
}

async function readBuiltIn(): Promise<SystemStats> {
  const { totalMb, availableMb } = readSystemMemory();
  const gpus = await readGpus({ signal: AbortSignal.timeout(GPU_DEADLINE_MS) });
  const known = gpus.length > 0;
  return {
    memoryTotalMb: totalMb,
    memoryAvailableMb: availableMb,
    gpuTotalMb: known ? gpus.reduce((sum, gpu) => sum + (gpu.totalMb ?? 0), 0) : undefined,
    gpuFreeMb: known ? gpus.reduce((sum, gpu) => sum + (gpu.freeMb ?? 0), 0) : undefined,
    gpus,
  };
}

/** Monitors of the system we replace answer this command with a flat object of figures in MiB. */
async function readPlugin(
  execute: (name: string, input: unknown) => Promise<unknown>,
  plugin: string,
): Promise<SystemStats> {
  const status = (await execute(plugin, { command: 'get_system_status' })) as Record<string, unknown> | null;
  const figure = (key: string): number | undefined => (typeof status?.[key] === 'number' ? status[key] : undefined);
  return {
    memoryTotalMb: figure('memory_total_mb'),
    memoryAvailableMb: figure('memory_available_mb'),
    gpuTotalMb: figure('gpu_total_memory_mb'),
    gpuFreeMb: figure('gpu_free_memory_mb'),
    gpus: [],
  };
}
