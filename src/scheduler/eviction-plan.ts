import { type Demand, fits, minus, plus, type Resources } from './need.ts';
import type { Resident } from './resident.ts';

/** Whom to take away so that a need fits, and who was looked at for it, each in the order in which they go. */
export interface EvictionPlan {
  readonly considered: readonly Resident[];
  readonly victims: readonly Resident[];
}

/**
 * Takes residents in the given order until the need fits, then spares, the last first, each whose room turns out not
 * to be needed. So nobody goes without need, and nobody goes as long as those before it would do. `undefined` when all
 * of them together do not make the need fit. With several GPUs, what they give up must make a place for it.
 */
export function planEviction(need: Demand, free: Resources, order: Iterable<Resident>): EvictionPlan | undefined {
  const considered: Resident[] = [];
  let room = free;
  for (const resident of order) {
    considered.push(resident);
    room = plus(room, resident.need);
    if (fits(need, room)) break;
  }
  if (!fits(need, room)) return undefined;
  const victims: Resident[] = [];
  for (const resident of considered.toReversed()) {
    const without = minus(room, resident.need);
    if (fits(need, without)) room = without;
    else victims.push(resident);
  }
  return { considered, victims: victims.toReversed() };
}
