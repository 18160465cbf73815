import type { Residency } from './lease-request.ts';

/**
 * The instance that gets the next call: of those with room the least loaded, among equals the one used last, whose
 * memory is the warmest and beside which the others fall idle. `undefined` where all are full.
 *
 * @param most how many calls an instance may have at once, whatever it takes
 */
export function leastLoaded(serving: readonly Residency[], most = Infinity): Residency | undefined {
  let best: Residency | undefined;
  for (const residency of serving) {
    const { size } = residency.leases;
    if (size >= Math.min(most, residency.concurrency)) continue;
    const bestSize = best?.leases.size ?? Infinity;
    const isLater = size === bestSize && (residency.lastLease ?? 0) > (best?.lastLease ?? 0);
    if (size < bestSize || isLater) best = residency;
  }
  return best;
}
