import { planEviction } from './eviction-plan.ts';
import { fits, minus, plus } from './need.ts';
import type { Asking, MemoryView, Verdict } from './policies/policy.ts';

/**
 * What `safety` and `queue` agree on: refuses what can never fit, grants what fits, and evicts where evicting idle
 * residents makes it fit. `undefined` when it does not fit, and no eviction would make it fit.
 */
export function admit({ need, extra }: Asking, memory: MemoryView): Verdict | undefined {
  if (fits(need, memory.free)) return { outcome: 'grant', reason: 'fits' };
  if (extra) return { outcome: 'refuse', reason: 'no-capacity-for-replacement' };
  const most = minus(memory.capacity, memory.pinned);
  if (!fits(need, most)) {
    return { outcome: 'refuse', reason: fits(need, { ...most, gpus: undefined }) ? 'fits-no-gpu' : 'never-fits' };
  }
  if (!fits(need, plus(memory.free, memory.evictable))) return undefined;
  const plan = planEviction(need, memory, memory.candidates());
  if (plan === undefined) return undefined;
  return {
    outcome: 'evict',
    reason: 'fits-after-eviction',
    considered: plan.considered.map(({ plugin, generation, rank }) => ({ plugin, generation, rank })),
    victims: plan.victims.map(({ plugin, generation }) => ({ plugin, generation, ask: 'RELEASE' })),
  };
}
