import type { PluginState } from '../machines/plugin.ts';
import { protectionHere } from '../orphans/orphan-protection.ts';
import type { Runtime } from './runtime.ts';
import type { SupervisorStatus } from './supervisor-status.ts';

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
  for (const record of runtime.records.values()) counts[record.shownState().state] += 1;
  const { transport, dataDir, searchPaths } = runtime.settings;
  const scheduling = runtime.scheduling.status();
  return Object.freeze({
    state: runtime.state,
    policy: scheduling.policy,
    scheduling,
    transport,
    dataDir,
    searchPaths,
    orphanProtection: protectionHere(),
    monitor: runtime.systemMonitor.name,
    counts: Object.freeze(counts),
    workers: runtime.workers,
  });
}
