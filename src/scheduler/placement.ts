/** A GPU, as far as placing goes. */
export interface Gpu {
  /** As `nvidia-smi` names it, for example `GPU-8f3c…`. */
  readonly uuid: string;
  /** In MiB. */
  readonly freeMb: number;
}

/** Where a worker goes: its `CUDA_VISIBLE_DEVICES`, and what it takes of each GPU in MiB. */
export interface Placement {
  readonly reason: 'nothing-needed' | 'best-fit' | 'spread';
  readonly shares: readonly { readonly uuid: string; readonly vramMb: number }[];
}

/**
 * Places so much GPU memory (MiB): on the one GPU that is left with the least, so that big gaps stay for big plugins;
 * else, where it may be spread over `most` of them, on as few as will do, the emptiest first. `undefined` when it does
 * not fit. Of equal GPUs the first in the list is taken.
 */
export function placeOnGpus(vramMb: number, gpus: readonly Gpu[], most = 1): Placement | undefined {
  if (vramMb <= 0) return { reason: 'nothing-needed', shares: [] };
  const emptiest = gpus.toSorted((a, b) => b.freeMb - a.freeMb);
  const tightest = gpus.toSorted((a, b) => a.freeMb - b.freeMb).find(({ freeMb }) => freeMb >= vramMb);
  if (tightest !== undefined) return { reason: 'best-fit', shares: [{ uuid: tightest.uuid, vramMb }] };
  const shares: Placement['shares'][number][] = [];
  let missing = vramMb;
  for (const { uuid, freeMb } of emptiest.slice(0, most)) {
    const share = Math.min(missing, Math.max(0, freeMb));
    if (share > 0) shares.push({ uuid, vramMb: share });
    missing -= share;
  }
  return missing > 0 ? undefined : { reason: 'spread', shares };
}

/**
 * The GPUs that a `CUDA_VISIBLE_DEVICES` leaves, in its order: indexes into the list, or UUIDs as far as they are
 * unambiguous. As for CUDA, nothing set means all, and what follows an entry that names no GPU does not count.
 */
export function visibleGpus(visibleDevices: string | undefined, gpus: readonly Gpu[]): readonly Gpu[] {
  if (visibleDevices === undefined) return gpus;
  const visible = new Set<Gpu>();
  for (const entry of visibleDevices.split(',').map((part) => part.trim())) {
    const named = /^\d+$/.test(entry)
      ? gpus.slice(Number(entry), Number(entry) + 1)
      : gpus.filter(({ uuid }) => entry !== '' && uuid.startsWith(entry));
    const [gpu] = named;
    if (gpu === undefined || named.length > 1) break;
    visible.add(gpu);
  }
  return [...visible];
}
