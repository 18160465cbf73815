import type { Need } from '../../src/scheduler/need.ts';

/** One slot and this much GPU memory. */
export function need(vramMb = 0, terms: Partial<Need> = {}): Need {
  return { vramMb, ramMb: 0, slots: 1, ...terms };
}
