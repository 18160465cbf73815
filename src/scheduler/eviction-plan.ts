import { type Demand, fits, minus, plus } from './need.ts';
import type { MemoryView } from './policies/policy.ts';
import type { Resident } from './resident.ts';

/** The residents to evict so that a need fits, and those that were looked at for it, both in eviction order. */
export interface EvictionPlan {
  readonly considered: readonly Resident[];
  readonly victims: readonly Resident[];
}

/**
 * Takes residents in the given order until the need fits, then spares, the last first, each whose memory turns out not
 * to be needed. So no resident is evicted without need, nor as long as those before it would do. `undefined` when all
 * of them that may leave {@link MemoryView.together} do not make the need fit. With several GPUs, what they give up must make a place for it.
 */
export function planEviction(
  need: Demand,
  { free, together }: Pick<MemoryView, 'free' | 'together'>,
  order: Iterable<Resident>,
): EvictionPlan | undefined {
  const mayLeave = together();
  const considered: Resident[] = [];
  let available = free;
  for (const resident of order) {
    if (!mayLeave(resident)) continue;
    considered.push(resident);
    available = plus(available, resident.need);
    if (fits(need, available)) break;
  }
  if (!fits(need, available)) return undefined;
  const victims: Resident[] = [];
  for (const resident of considered.toReversed()) {
    const without = minus(available, resident.need);
    if (fits(need, without)) available = without;
    else victims.push(resident);
  }
  return { considered, victims: victims.toReversed() };
}
