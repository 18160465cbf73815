import type { Need, Resources } from '../need.ts';
import { combined, type GpuAmounts } from './gpu-amounts.ts';
import { mostPlaceable, placeAnyway, placeOnGpus, visibleGpus } from './placement.ts';

/** A GPU that the monitor tells of. */
export interface MeasuredGpu {
  readonly uuid: string;
  /** All of its memory in MiB; null where that is not told. */
  readonly totalMb: number | null;
}

/**
 * The GPUs on which plugins are placed: those that were given with their capacity, else, where the machine has several
 * that tell their memory, those; of both the ones that the host sees. Without several there is nothing to choose, and
 * GPUs are not told apart.
 */
export class GpuPool {
  readonly #given: GpuAmounts | undefined;
  readonly #hostDevices: string | undefined;
  /** Every GPU of the machine, in the order in which numbers name them. */
  #all: readonly string[] = [];
  #capacity: GpuAmounts | undefined;

  /**
   * @param given the most that may be reserved of each GPU, in MiB
   * @param hostDevices the host's own `CUDA_VISIBLE_DEVICES`
   */
  constructor(given: GpuAmounts | undefined, hostDevices: string | undefined) {
    this.#given = given;
    this.#hostDevices = hostDevices;
    this.learn([]);
  }

  /** The most that may be reserved of each GPU, in MiB; `undefined` where they are not told apart. */
  get capacity(): GpuAmounts | undefined {
    return this.#capacity;
  }

  /** Takes in what GPUs the machine has, in the driver's order; returns whether that makes a difference. */
  learn(gpus: readonly MeasuredGpu[]): boolean {
    const named = gpus.map(({ uuid }) => uuid);
    const given = Object.keys(this.#given ?? {});
    this.#all = [...named, ...given.filter((uuid) => !named.includes(uuid))];
    const capacity = this.#capacityOf(gpus);
    if (JSON.stringify(capacity) === JSON.stringify(this.#capacity)) return false;
    this.#capacity = capacity;
    return true;
  }

  /**
   * The need as it can be met: by the GPUs that its manifest names, or by those that a warm worker is on, for a process
   * cannot move.
   */
  demandOf(need: Need, warmOn?: readonly string[]): Need {
    const capacity = this.#capacity;
    if (capacity === undefined || need.vramMb === 0) return need;
    if (warmOn !== undefined) return { ...need, on: warmOn, spread: warmOn.length };
    if (need.devices === undefined) return need;
    return { ...need, on: visibleGpus(need.devices, this.#all).filter((uuid) => uuid in capacity) };
  }

  /**
   * The need with its place: in the first of these that it fits into, else where it is to wait for memory, or is
   * started although there is too little. Without a place where no GPU will do, or none is needed.
   *
   * @param pinned what is never given up
   * @param availableOf worked out only where there is something to choose
   */
  placed(need: Need, pinned: Resources, availableOf: () => readonly Resources[]): Need {
    const capacity = this.#capacity;
    if (capacity === undefined || need.vramMb === 0) return need;
    const choices = availableOf();
    for (const { gpus } of choices) {
      const place = gpus === undefined ? undefined : placeOnGpus(need, gpus);
      if (place !== undefined) return { ...need, gpus: place };
    }
    const most = combined(capacity, pinned.gpus, (x, y) => x - y) ?? capacity;
    return { ...need, gpus: placeAnyway(need, choices.at(-1)?.gpus ?? capacity, most) };
  }

  /** The most GPU memory that a plugin with this need can ever have, in MiB. */
  mostVramMb(need: Need): number {
    return this.#capacity === undefined ? Infinity : mostPlaceable(this.demandOf(need), this.#capacity);
  }

  /** What is free of each GPU; of one that does not tell it, all that there may be. */
  freeOf(measured: GpuAmounts | undefined): GpuAmounts | undefined {
    if (this.#capacity === undefined) return undefined;
    return Object.fromEntries(Object.keys(this.#capacity).map((gpu) => [gpu, measured?.[gpu] ?? Infinity]));
  }

  /** What is used of the GPUs that count, in whole MiB; `undefined` where that is none of them. */
  usedOf(measured: GpuAmounts | undefined): GpuAmounts | undefined {
    const capacity = this.#capacity;
    if (capacity === undefined || measured === undefined) return undefined;
    const used = Object.entries(measured).filter(([gpu]) => gpu in capacity);
    return used.length === 0 ? undefined : Object.fromEntries(used.map(([gpu, mb]) => [gpu, Math.ceil(mb)]));
  }

  #capacityOf(gpus: readonly MeasuredGpu[]): GpuAmounts | undefined {
    const known = this.#given ?? Object.fromEntries(gpus.map(({ uuid, totalMb }) => [uuid, totalMb]));
    const visible = visibleGpus(this.#hostDevices, this.#all).flatMap((uuid) => {
      const mb = known[uuid] ?? null;
      return mb === null ? [] : [[uuid, mb] as const];
    });
    const isPlaced = this.#given !== undefined || this.#capacity !== undefined || visible.length > 1;
    return isPlaced ? Object.fromEntries(visible) : undefined;
  }
}
