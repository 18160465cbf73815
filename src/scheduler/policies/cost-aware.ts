import type { Resources } from '../need.ts';
import type { EvictionOrder } from './eviction-order.ts';

/** What loading is taken to cost where it was too quick to measure, in milliseconds. */
const LEAST_COST_MS = 1;
/** The share of a resident that holds nothing limited. */
const LEAST_SHARE = 1e-6;

/**
 * Evicts first what is cheap to load again for the memory it frees, and what is costly too once it was not used for
 * long: GreedyDual-Size (Cao and Irani, "Cost-Aware WWW Proxy Caching Algorithms", USENIX 1997). The rank is what
 * loading took in milliseconds, over the largest share of any capacity that it holds, plus the rank of the last victim.
 */
export const costAware: EvictionOrder = {
  name: 'cost-aware',
  rank: ({ need, loadMs }, { capacity, floor }) =>
    floor + Math.max(LEAST_COST_MS, loadMs ?? 0) / Math.max(LEAST_SHARE, largestShare(need, capacity)),
};

function largestShare(need: Resources, capacity: Resources): number {
  const share = (amount: number, most: number): number => (most > 0 ? amount / most : 0);
  return Math.max(
    share(need.vramMb, capacity.vramMb),
    share(need.ramMb, capacity.ramMb),
    share(need.slots, capacity.slots),
    ...Object.entries(need.gpus ?? {}).map(([gpu, amount]) => share(amount, capacity.gpus?.[gpu] ?? Infinity)),
  );
}
