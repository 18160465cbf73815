import type { Holder } from '../scheduler/decision.ts';
import type { FreeMemory, Resources } from '../scheduler/need.ts';
import type { Capacity } from '../settings/values.ts';

/** How the scheduler stands, as plain data. */
export interface SchedulingStatus {
  readonly policy: string;
  /** In which order idle plugins go. */
  readonly order: string;
  readonly capacity: Capacity;
  /** What is reserved of it. */
  readonly reserved: Resources;
  /** What each worker holds of that, in no particular order. Whether it is busy is known to the scheduler a little later. */
  readonly holders: readonly Holder[];
  /** What the monitor measured last: what is free, less than which no plugin is granted; `undefined` before. */
  readonly measured: { readonly free: FreeMemory; readonly at: number } | undefined;
  /** Plugins that wait for capacity. */
  readonly waiting: number;
  /** Plugins that others are being evicted for. */
  readonly evicting: number;
  /** How often requests were granted and refused, and plugins evicted, since the start. */
  readonly granted: number;
  readonly refused: number;
  readonly evicted: number;
}
