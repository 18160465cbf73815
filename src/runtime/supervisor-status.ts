import type { PluginState } from '../machines/plugin.ts';
import { orphanProtection } from '../orphans/orphan-protection.ts';
import type { Runtime } from './runtime.ts';
import type { SchedulingStatus } from './scheduling.ts';

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

/** The status of a supervisor at this moment, frozen. */
export function statusOf(runtime: Runtime): SupervisorStatus {
  const counts: Record<PluginState, number> = {
    discovered: 0,
    spawning: 0,
    ready: 0,
    busy: 0,
    released: 0,
    crashed: 0,
  };
  for (const record of runtime.records.values()) counts[record.state] += 1;
  const { transport, dataDir, searchPaths } = runtime.settings;
  const scheduling = runtime.scheduling.status();
  return Object.freeze({
    state: runtime.state,
    policy: scheduling.policy,
    scheduling,
    transport,
    dataDir,
    searchPaths,
    orphanProtection: orphanProtection(),
    monitor: runtime.systemMonitor.name,
    counts: Object.freeze(counts),
    workers: runtime.workers,
  });
}
