import { planEviction } from './eviction-plan.ts';
import { fits, minus, plus } from './need.ts';
import type { Asking, Room, Verdict } from './policies/policy.ts';

/**
 * What `safety` and `queue` agree on: refuses what can never fit, grants what fits, and evicts where taking away idle
 * residents makes it fit. `undefined` when there is no room and no eviction would make any.
 */
export function admit({ need, extra }: Asking, room: Room): Verdict | undefined {
  if (fits(need, room.free)) return { outcome: 'grant', reason: 'fits' };
  if (extra) return { outcome: 'refuse', reason: 'no-room-for-replacement' };
  const most = minus(room.capacity, room.pinned);
  if (!fits(need, most)) {
    return { outcome: 'refuse', reason: fits(need, { ...most, gpus: undefined }) ? 'fits-no-gpu' : 'never-fits' };
  }
  if (!fits(need, plus(room.free, room.evictable))) return undefined;
  const plan = planEviction(need, room.free, room.candidates());
  if (plan === undefined) return undefined;
  return {
    outcome: 'evict',
    reason: 'fits-after-eviction',
    considered: plan.considered.map(({ plugin, generation, rank }) => ({ plugin, generation, rank })),
    victims: plan.victims.map(({ plugin, generation }) => ({ plugin, generation, ask: 'RELEASE' })),
  };
}
