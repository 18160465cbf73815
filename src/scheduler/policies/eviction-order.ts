import type { Resources } from '../need.ts';
import type { Resident } from '../resident.ts';

/** What an {@link EvictionOrder} may look at beside the resident. */
export interface Past {
  readonly capacity: Resources;
  /** The highest rank of all residents that were asked to leave so far; 0 at first. */
  readonly floor: number;
}

/** In which order residents without calls are evicted. */
export interface EvictionOrder {
  readonly name: string;
  /**
   * The figure by which a resident is ordered, the lowest to be evicted first; of equal ones the first to become idle.
   * Asked once each time a resident becomes idle, and kept until it is used again. Pure; what is not a finite number counts as 0.
   */
  rank(resident: Resident, past: Past): number;
}
