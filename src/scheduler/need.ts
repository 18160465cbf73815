/** An amount of each thing that is scheduled. Memory in MiB; a slot is one worker process. */
export interface Resources {
  readonly vramMb: number;
  readonly ramMb: number;
  readonly slots: number;
}

/** What one generation of a plugin takes up while it resides, and on which terms. */
export interface Need extends Resources {
  /** Never evicted. */
  readonly pinned?: boolean | undefined;
  /** Granted at once, whatever the policy says and nobody asked before: what the decisions of others rest on. */
  readonly exempt?: boolean | undefined;
  /** How long it may stay from the grant on before it can be evicted, in milliseconds. */
  readonly minResidencyMs?: number | undefined;
}

/** The part of a manifest's `resources` that says what a plugin takes up. Older manifests write `null` for "unknown". */
export interface ResourceFigures {
  readonly min_gpu_vram_mb?: number | null | undefined;
  readonly recommended_gpu_vram_mb?: number | null | undefined;
  readonly min_system_ram_mb?: number | null | undefined;
  readonly pin?: boolean | undefined;
  readonly min_residency_ms?: number | undefined;
}

/** No resources at all. */
export const NOTHING: Resources = Object.freeze({ vramMb: 0, ramMb: 0, slots: 0 });

/** The need of a plugin that is the monitor. What it really uses is measured like that of every other. */
export const MONITOR_NEED: Need = Object.freeze({ ...NOTHING, pinned: true, exempt: true });

/** Room without a limit. */
export const UNLIMITED: Resources = Object.freeze({ vramMb: Infinity, ramMb: Infinity, slots: Infinity });

/**
 * What a plugin with these `resources` in its manifest needs: the minimum it declares (the recommended amount of GPU
 * memory where there is no minimum) and one slot. Without `resources` it costs a slot and nothing else.
 */
export function needOf(resources: ResourceFigures | undefined): Need {
  return {
    vramMb: megabytes(resources?.min_gpu_vram_mb ?? resources?.recommended_gpu_vram_mb),
    ramMb: megabytes(resources?.min_system_ram_mb),
    slots: 1,
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
  return { vramMb: a.vramMb + b.vramMb, ramMb: a.ramMb + b.ramMb, slots: a.slots + b.slots };
}

/** The difference; may be negative. */
export function minus(a: Resources, b: Resources): Resources {
  return { vramMb: a.vramMb - b.vramMb, ramMb: a.ramMb - b.ramMb, slots: a.slots - b.slots };
}

/** The smaller amount of each. */
export function least(a: Resources, b: Resources): Resources {
  return {
    vramMb: Math.min(a.vramMb, b.vramMb),
    ramMb: Math.min(a.ramMb, b.ramMb),
    slots: Math.min(a.slots, b.slots),
  };
}

/** The larger amount of each. */
export function most(a: Resources, b: Resources): Resources {
  return {
    vramMb: Math.max(a.vramMb, b.vramMb),
    ramMb: Math.max(a.ramMb, b.ramMb),
    slots: Math.max(a.slots, b.slots),
  };
}

/** The same with zero in place of what is negative. */
export function notNegative(a: Resources): Resources {
  return { vramMb: Math.max(0, a.vramMb), ramMb: Math.max(0, a.ramMb), slots: Math.max(0, a.slots) };
}

/** Whether the room holds the need. */
export function fits(need: Resources, room: Resources): boolean {
  return need.vramMb <= room.vramMb && need.ramMb <= room.ramMb && need.slots <= room.slots;
}

/** The amounts alone, as plain data to show. */
export function amounts({ vramMb, ramMb, slots }: Resources): Resources {
  return { vramMb, ramMb, slots };
}
