import type { EvictionOrder } from './eviction-order.ts';

/** Least recently used first; the rank is the end of the last call, in milliseconds by the monotonic clock. */
export const lru: EvictionOrder = {
  name: 'lru',
  rank: ({ lastUsedAt }) => lastUsedAt,
};
