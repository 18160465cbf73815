import { type GpuAmounts, inProportion, placedLike, sumOf } from './gpus/gpu-amounts.ts';
import type { GpuPool, MeasuredGpu } from './gpus/gpu-pool.ts';
import { type FreeMemory, isSame, most, type Need, type Resources } from './need.ts';
import type { Reservation } from './reservation.ts';

/** What the processes of one generation were measured to use, in MiB. Unknown figures are left out. */
export interface GenerationUse {
  readonly plugin: string;
  readonly generation: number;
  readonly vramMb?: number | undefined;
  /** The same by GPU. */
  readonly gpus?: GpuAmounts | undefined;
  readonly ramMb?: number | undefined;
}

/** What the monitor measured, in MiB. Unknown figures are left out. */
export interface Measurement {
  readonly free: FreeMemory;
  /** Every GPU of the machine, in the driver's order. */
  readonly gpus?: readonly MeasuredGpu[] | undefined;
  /** What the workers use. */
  readonly used?: readonly GenerationUse[] | undefined;
  /** When the oldest of the figures was read, in milliseconds by the monotonic clock. */
  readonly at: number;
}

/** The measured use of a reservation's processes, in whole MiB, on the GPUs that count. */
export function usedBy({ need }: Reservation, use: GenerationUse, gpus: GpuPool): Resources {
  return {
    vramMb: Math.ceil(use.vramMb ?? 0),
    ramMb: Math.ceil(use.ramMb ?? 0),
    slots: need.slots,
    gpus: gpus.usedOf(use.gpus),
  };
}

/**
 * What is to be reserved for a resident that was measured to use this: what it asked for or the most it was measured to
 * use, whichever is more; for a warm one, what it still uses. `undefined` where that changes nothing.
 */
export function needAsUsed({ need, standing }: Reservation, used: Resources): Need | undefined {
  // Of what it has not asked for, nothing is reserved.
  const counted = {
    ...used,
    ...(need.vramMb === 0 && { vramMb: 0, gpus: undefined }),
    ramMb: need.ramMb > 0 ? used.ramMb : 0,
  };
  const reserved = placedAsUsed(need, counted, standing === 'warm');
  return isSame(reserved, need) ? undefined : { ...need, ...reserved };
}

/** The amounts to reserve, on the GPUs on which the processes are. */
function placedAsUsed(need: Need, used: Resources, isWarm: boolean): Resources {
  const larger = isWarm ? used : most(need, used);
  if (used.gpus === undefined) return placedLike({ ...larger, gpus: undefined }, need.gpus);
  // A worker that was started before the GPUs were known is where it was measured.
  if (need.gpus === undefined) return { ...larger, gpus: inProportion(larger.vramMb, used.gpus) };
  return { ...larger, vramMb: Math.max(larger.vramMb, sumOf(larger.gpus ?? {})) };
}
