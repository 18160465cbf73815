import type { PluginState } from '../machines/plugin/phases.ts';
import type { SchedulingStatus } from './scheduling-status.ts';

/** How the supervisor stands and what it can promise on this machine. */
export interface SupervisorStatus {
  readonly state: string;
  readonly policy: string;
  /** What is reserved, how many plugins wait for capacity, and how often plugins were evicted for it. */
  readonly scheduling: SchedulingStatus;
  readonly transport: string;
  readonly dataDir: string;
  readonly searchPaths: readonly string[];
  /** What ends the workers if this process dies, and what that promises. */
  readonly orphanProtection: { readonly tier: string; readonly promise: string };
  /** Where the figures of free memory come from. */
  readonly monitor: string;
  readonly counts: Readonly<Record<PluginState, number>>;
  readonly workers: number;
}
