import { combined, type GpuAmounts, limited, smaller } from './gpus/gpu-amounts.ts';
import { canPlace } from './gpus/placement.ts';

/** An amount of each thing that is scheduled. Memory in MiB; a slot is one worker process. */
export interface Resources {
  /** Of all GPUs together. */
  readonly vramMb: number;
  readonly ramMb: number;
  readonly slots: number;
  /**
   * Of each GPU, by its UUID. Absent from a capacity where GPUs are not told apart, and a plugin may then be on any;
   * from what a resident holds where it is on none; from what a plugin asks for, because it has no place yet.
   */
  readonly gpus?: GpuAmounts | undefined;
}

/** Memory that was measured to be free, in MiB. Unknown figures are left out. */
export interface FreeMemory {
  /** Of all GPUs that the host sees. */
  readonly vramMb?: number | undefined;
  /** The same by GPU. */
  readonly gpus?: GpuAmounts | undefined;
  readonly ramMb?: number | undefined;
}

/** An amount that is asked for. */
export interface Demand extends Resources {
  /** Over how many GPUs its GPU memory may be spread; 1 where it is not said. */
  readonly spread?: number | undefined;
  /** The UUIDs of the only GPUs that will do; all where it is not said. */
  readonly on?: readonly string[] | undefined;
}

/** What one generation of a plugin needs while it resides, and on which terms. */
export interface Need extends Demand {
  /** The manifest's own `CUDA_VISIBLE_DEVICES`, from which {@link Demand.on} follows once the GPUs are known. */
  readonly devices?: string | undefined;
  /** How many instances its plugin asks for in any case; 1 where it is not said. */
  readonly instances?: number | undefined;
  /** Never evicted. */
  readonly pinned?: boolean | undefined;
  /** Granted at once, without asking the policy or the monitor: other decisions rest on it. */
  readonly exempt?: boolean | undefined;
  /** How long it may stay from the grant on before it can be evicted, in milliseconds. */
  readonly minResidencyMs?: number | undefined;
}

/** The part of a manifest's `resources` that says what a plugin needs. Older manifests write `null` for "unknown". */
export interface ResourceFigures {
  readonly min_gpu_vram_mb?: number | null | undefined;
  readonly recommended_gpu_vram_mb?: number | null | undefined;
  readonly min_system_ram_mb?: number | null | undefined;
  readonly gpus?: number | undefined;
  readonly pin?: boolean | undefined;
  readonly min_residency_ms?: number | undefined;
}

/** No resources at all. */
export const NOTHING: Resources = Object.freeze({ vramMb: 0, ramMb: 0, slots: 0 });

/** The need of a plugin that is the monitor. What it really uses is measured like that of every other. */
export const MONITOR_NEED: Need = Object.freeze({ ...NOTHING, pinned: true, exempt: true });

/** Capacity without a limit. */
export const UNLIMITED: Resources = Object.freeze({ vramMb: Infinity, ramMb: Infinity, slots: Infinity });

/**
 * What a plugin with these `resources` in its manifest needs: the minimum it declares (the recommended amount of GPU
 * memory where there is no minimum) and one slot. Without `resources` it costs a slot and nothing else.
 *
 * @param devices the manifest's own `CUDA_VISIBLE_DEVICES`
 */
export function needOf(resources: ResourceFigures | undefined, devices?: string): Need {
  const vramMb = megabytes(resources?.min_gpu_vram_mb ?? resources?.recommended_gpu_vram_mb);
  return {
    vramMb,
    ramMb: megabytes(resources?.min_system_ram_mb),
    slots: 1,
    ...(vramMb > 0 && resources?.gpus !== undefined && { spread: resources.gpus }),
    ...(vramMb > 0 && devices !== undefined && { devices }),
    ...(resources?.pin === true && { pinned: true }),
    ...(resources?.min_residency_ms !== undefined && { minResidencyMs: resources.min_residency_ms }),
  };
}

// Whole numbers, so that sums over months of reserving and freeing come back to exactly zero.
function megabytes(figure: number | null | undefined): number {
  return typeof figure === 'number' && figure > 0 && Number.isFinite(figure) ? Math.ceil(figure) : 0;
}

/** The sum. */
export function plus(a: Resources, b: Resources): Resources {
  return {
    vramMb: a.vramMb + b.vramMb,
    ramMb: a.ramMb + b.ramMb,
    slots: a.slots + b.slots,
    gpus: combined(a.gpus, b.gpus, (x, y) => x + y),
  };
}

/** The difference; may be negative. */
export function minus(a: Resources, b: Resources): Resources {
  return {
    vramMb: a.vramMb - b.vramMb,
    ramMb: a.ramMb - b.ramMb,
    slots: a.slots - b.slots,
    gpus: combined(a.gpus, b.gpus, (x, y) => x - y),
  };
}

/** The smaller amount of each, of the GPUs of `a`; one that `b` does not know is not limited by it. */
export function least(a: Resources, b: Resources): Resources {
  return {
    vramMb: Math.min(a.vramMb, b.vramMb),
    ramMb: Math.min(a.ramMb, b.ramMb),
    slots: Math.min(a.slots, b.slots),
    gpus: smaller(a.gpus, b.gpus),
  };
}

/** The larger amount of each. */
export function most(a: Resources, b: Resources): Resources {
  return {
    vramMb: Math.max(a.vramMb, b.vramMb),
    ramMb: Math.max(a.ramMb, b.ramMb),
    slots: Math.max(a.slots, b.slots),
    gpus: combined(a.gpus, b.gpus, Math.max),
  };
}

/** The same with zero in place of what is negative. */
export function notNegative(a: Resources): Resources {
  return {
    vramMb: Math.max(0, a.vramMb),
    ramMb: Math.max(0, a.ramMb),
    slots: Math.max(0, a.slots),
    gpus: limited(a.gpus),
  };
}

/** Whether the need fits into what is available; where that tells GPUs apart, whether there is a place for it on them. */
export function fits(need: Demand, available: Resources): boolean {
  if (need.vramMb > available.vramMb || need.ramMb > available.ramMb || need.slots > available.slots) return false;
  const { gpus } = available;
  if (gpus === undefined) return true;
  if (need.gpus === undefined) return canPlace(need, gpus);
  for (const gpu in need.gpus) if ((need.gpus[gpu] ?? 0) > (gpus[gpu] ?? Infinity)) return false;
  return true;
}

/** Whether both are the same amounts, on the same GPUs. */
export function isSame(a: Resources, b: Resources): boolean {
  if (a.vramMb !== b.vramMb || a.ramMb !== b.ramMb || a.slots !== b.slots) return false;
  if (a.gpus === undefined || b.gpus === undefined) return a.gpus === b.gpus;
  return Object.values(combined(a.gpus, b.gpus, (x, y) => x - y) ?? {}).every((difference) => difference === 0);
}

/** The amounts alone, as plain data to show. */
export function amounts({ vramMb, ramMb, slots, gpus }: Resources): Resources {
  return gpus === undefined ? { vramMb, ramMb, slots } : { vramMb, ramMb, slots, gpus };
}
