import { type GpuAmounts, inProportion, sumOf } from './gpu-amounts.ts';

/** GPU memory that is to have a place. */
export interface Placing {
  /** In MiB. */
  readonly vramMb: number;
  /** Over how many GPUs it may be spread; 1 where it is not said. */
  readonly spread?: number | undefined;
  /** The UUIDs of the only GPUs that will do; all where it is not said. */
  readonly on?: readonly string[] | undefined;
}

/** Whether {@link placeOnGpus} finds a place. */
export function canPlace({ vramMb, spread = 1, on }: Placing, available: GpuAmounts): boolean {
  if (vramMb <= 0) return true;
  if (spread > 1) return largest(available, on, spread).reduce((sum, gpu) => sum + freeOn(available, gpu), 0) >= vramMb;
  if (on !== undefined) return on.some((gpu) => freeOn(available, gpu) >= vramMb);
  for (const gpu in available) if (freeOn(available, gpu) >= vramMb) return true;
  return false;
}

/**
 * Where so much GPU memory goes: on the one GPU that is left with the least, so that big gaps stay for big plugins;
 * else, where it may be spread, on as few as will do, the emptiest, each taking as even a share as it holds. `undefined`
 * when it does not fit. Of equal GPUs the first is taken.
 */
export function placeOnGpus(placing: Placing, available: GpuAmounts): GpuAmounts | undefined {
  const { vramMb, spread = 1, on } = placing;
  let tightest: string | undefined;
  for (const gpu of on ?? Object.keys(available)) {
    const free = freeOn(available, gpu);
    if (free >= vramMb && (tightest === undefined || free < freeOn(available, tightest))) tightest = gpu;
  }
  if (tightest !== undefined) return { [tightest]: vramMb };
  const chosen: string[] = [];
  let free = 0;
  for (const gpu of largest(available, on, spread)) {
    chosen.push(gpu);
    free += freeOn(available, gpu);
    if (free >= vramMb) return evenly(vramMb, chosen, available);
  }
  return undefined;
}

/**
 * Where it goes, or waits for memory, although it fits nowhere now: on the emptiest of the GPUs that can ever hold it, by
 * `ceiling`. `undefined` where no GPU will do.
 */
export function placeAnyway(placing: Placing, available: GpuAmounts, ceiling: GpuAmounts): GpuAmounts | undefined {
  const { vramMb, spread = 1, on } = placing;
  const able = largest(available, on, Infinity).filter((gpu) => (ceiling[gpu] ?? 0) >= vramMb);
  if (able[0] !== undefined) return { [able[0]]: vramMb };
  const emptiest = largest(available, on, spread);
  const suffices = emptiest.reduce((sum, gpu) => sum + (ceiling[gpu] ?? 0), 0) >= vramMb;
  const chosen = suffices ? emptiest : largest(ceiling, on, spread);
  if (chosen.length === 0) return undefined;
  return inProportion(vramMb, Object.fromEntries(chosen.map((gpu) => [gpu, Math.max(0, ceiling[gpu] ?? 0)])));
}

/** The most GPU memory that finds a place in what is available, in MiB. */
export function mostPlaceable({ spread = 1, on }: Omit<Placing, 'vramMb'>, available: GpuAmounts): number {
  return sumOf(Object.fromEntries(largest(available, on, spread).map((gpu) => [gpu, freeOn(available, gpu)])));
}

/**
 * The GPUs that a `CUDA_VISIBLE_DEVICES` leaves of those with these UUIDs, in its order: it names them by their place in
 * the list, or by as much of their UUIDs as is unambiguous. As for CUDA, nothing set means all, and what follows an
 * entry that names no GPU does not count.
 */
export function visibleGpus(devices: string | undefined, uuids: readonly string[]): readonly string[] {
  if (devices === undefined) return uuids;
  const visible = new Set<string>();
  for (const entry of devices.split(',').map((part) => part.trim())) {
    const named = /^\d+$/.test(entry)
      ? uuids.slice(Number(entry), Number(entry) + 1)
      : uuids.filter((uuid) => entry !== '' && uuid.startsWith(entry));
    const [gpu] = named;
    if (gpu === undefined || named.length > 1) break;
    visible.add(gpu);
  }
  return [...visible];
}

/** Whole MiB, so that shares are whole too. */
function freeOn(available: GpuAmounts, gpu: string): number {
  return Math.floor(available[gpu] ?? 0);
}

/** The GPUs with the most, at most so many. */
function largest(available: GpuAmounts, on: readonly string[] | undefined, most: number): readonly string[] {
  const gpus = on?.filter((gpu) => gpu in available) ?? Object.keys(available);
  return gpus.toSorted((a, b) => freeOn(available, b) - freeOn(available, a)).slice(0, most);
}

/** As evenly as the GPUs, given by what they hold, the most first, allow. */
function evenly(vramMb: number, gpus: readonly string[], available: GpuAmounts): GpuAmounts {
  const shares: Record<string, number> = {};
  let missing = vramMb;
  for (const [at, gpu] of gpus.toReversed().entries()) {
    const share = Math.min(freeOn(available, gpu), Math.ceil(missing / (gpus.length - at)));
    shares[gpu] = share;
    missing -= share;
  }
  return Object.fromEntries(Object.keys(available).flatMap((gpu) => (gpu in shares ? [[gpu, shares[gpu] ?? 0]] : [])));
}
