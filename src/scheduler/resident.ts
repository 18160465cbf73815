import type { Need, Resources } from './need.ts';

/**
 * Where a generation stands: `granted` until its first edge, then `busy` or `idle`; `warm` when it has given up its
 * residency and keeps only what its processes still use.
 */
export type Standing = 'granted' | 'busy' | 'idle' | 'warm';

/** A plugin generation that has memory reserved. */
export interface Resident {
  readonly plugin: string;
  readonly generation: number;
  readonly need: Need;
  readonly standing: Standing;
  /** When it was granted, in milliseconds by the monotonic clock. */
  readonly since: number;
  /** When its last call ended, or its grant if it had none; in milliseconds by the monotonic clock. */
  readonly lastUsedAt: number;
  /** Whether it has been asked to leave already. */
  readonly leaving: boolean;
  /** The figure that the eviction order gave it when it last became idle; the lowest is evicted first. */
  readonly rank: number;
  /** What its processes were last measured to use; zero of what is not known, `undefined` before. */
  readonly used: Resources | undefined;
  /** How long it took from the grant to ready, in milliseconds; `undefined` before. */
  readonly loadMs: number | undefined;
  /** When it last denied to yield, in milliseconds by the monotonic clock; `undefined` if it has not. */
  readonly deniedAt: number | undefined;
  /**
   * Whether its plugin has another resident generation that would go on serving, so that it loses nothing but speed when
   * this one leaves. Of a plugin with further instances, all but one of those that are neither warm nor leaving are
   * surplus, so it has one left when all of them leave. The other one is that which would be evicted last, of those that
   * have loaded if any has.
   */
  readonly surplus: boolean;
}
