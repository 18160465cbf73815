import { instanceCount } from '../manifest/instances.ts';
import type { Manifest } from '../manifest/schema.ts';

/** How many workers a plugin has, and when it gets more or fewer. Times in milliseconds. */
export interface InstanceSettings {
  /** The fewest that are kept while it is loaded, at least 1. */
  readonly min: number;
  /** The most that it may have, at least `min`. */
  readonly max: number;
  /** Those that were not needed for this long end. */
  readonly idleMs: number;
  /** When calls have waited this long and every instance has as many as it runs at once, another is started. */
  readonly growAfterMs: number;
}

/** One worker, as a plugin has where its manifest says nothing. */
export const ONE_INSTANCE: InstanceSettings = Object.freeze({ min: 1, max: 1, idleMs: 60_000, growAfterMs: 100 });

/** How few and how many instances a manifest wants on this machine; none, if it says so, where there are no calls. */
export function instanceBounds(written: Manifest['instances']): Pick<InstanceSettings, 'min' | 'max'> {
  if (written === undefined) return { min: 1, max: 1 };
  if (typeof written !== 'object') {
    const count = instanceCount(written);
    return { min: count, max: count };
  }
  const max = instanceCount(written.max);
  return { min: Math.min(written.min ?? 1, max), max };
}

/** What `instances` in a manifest comes to on this machine. */
export function instanceSettings(written: Manifest['instances']): InstanceSettings {
  if (written === undefined) return ONE_INSTANCE;
  const { min, max } = instanceBounds(written);
  const { idle_ms, grow_after_ms } = typeof written === 'object' ? written : {};
  return {
    // Without any it would not be loaded; that the last one ends too is said by `idleReleaseMs`.
    min: Math.max(1, min),
    max,
    idleMs: idle_ms ?? ONE_INSTANCE.idleMs,
    growAfterMs: grow_after_ms ?? ONE_INSTANCE.growAfterMs,
  };
}
