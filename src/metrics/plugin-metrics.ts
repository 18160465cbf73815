import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { Resources } from '../scheduler/need.ts';
import { bytesOf } from './bytes.ts';
import type { Metric } from './metric.ts';
import type { PluginTally } from './plugin-tally.ts';

/** One plugin at a scrape. */
export interface PluginView {
  readonly snapshot: PluginSnapshot;
  readonly tally: PluginTally;
  /** Reserved for its workers; `undefined` where nothing is. */
  readonly reserved: Resources | undefined;
  /** GPU memory in MiB, as the scheduler measured it last. */
  readonly usedGpuMb: number | undefined;
  /** Resident memory in MiB. */
  readonly residentMb: number | undefined;
}

/**
 * The metrics of each plugin, but for the durations of its calls: with those at most 34 series a plugin, by which the
 * cost of a scrape is bounded.
 */
export const PLUGIN_METRICS: readonly Metric<PluginView>[] = [
  {
    kind: 'counter',
    name: 'greenroom_calls_total',
    help: 'Calls and streams that have begun.',
    read: ({ tally }) => tally.calls,
  },
  {
    kind: 'counter',
    name: 'greenroom_call_errors_total',
    help: 'Calls that have failed, by the code of the error.',
    label: 'code',
    read: ({ tally }) => tally.errors,
  },
  {
    kind: 'gauge',
    name: 'greenroom_calls_waiting',
    help: 'Calls that wait for a worker.',
    read: ({ snapshot }) => snapshot.waiting,
  },
  {
    kind: 'gauge',
    name: 'greenroom_calls_in_flight',
    help: 'Calls that workers run.',
    read: ({ snapshot }) => snapshot.inFlight,
  },
  {
    kind: 'counter',
    name: 'greenroom_worker_starts_total',
    help: 'Workers that were started, replacements included.',
    read: ({ snapshot }) => snapshot.generation,
  },
  {
    kind: 'counter',
    name: 'greenroom_loads_total',
    help: 'Loads after which the plugin, or one more instance of it, takes calls.',
    read: ({ tally }) => tally.loads,
  },
  {
    kind: 'counter',
    name: 'greenroom_load_seconds_total',
    help: 'How long these loads took together, without waiting for memory.',
    read: ({ tally }) => tally.loadSeconds,
  },
  {
    kind: 'counter',
    name: 'greenroom_crashes_total',
    help: 'Workers that crashed, hung or did not start.',
    read: ({ tally }) => tally.crashes,
  },
  {
    kind: 'counter',
    name: 'greenroom_restarts_total',
    help: 'Crashed workers that were started again.',
    read: ({ snapshot }) => snapshot.restarts,
  },
  {
    kind: 'counter',
    name: 'greenroom_evictions_total',
    help: 'Evictions of the plugin for another, by the reason of the decision.',
    label: 'reason',
    read: ({ tally }) => tally.evictions,
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugin_state',
    help: '1 for the state that the plugin is in; its other states have no series.',
    label: 'state',
    read: ({ snapshot }) => [[snapshot.state, 1]],
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugin_instances',
    help: 'Worker processes of the plugin.',
    read: ({ snapshot }) => snapshot.instances.length,
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugin_reserved_ram_bytes',
    help: 'System memory that is reserved for its workers; absent without any.',
    read: ({ reserved }) => bytesOf(reserved?.ramMb),
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugin_reserved_gpu_bytes',
    help: 'GPU memory that is reserved for its workers; absent without any.',
    read: ({ reserved }) => bytesOf(reserved?.vramMb),
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugin_used_ram_bytes',
    help: 'Resident memory of its workers and their processes, measured after the scrape before.',
    read: ({ residentMb }) => bytesOf(residentMb),
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugin_used_gpu_bytes',
    help: 'GPU memory of its workers, as the scheduler measured it last.',
    read: ({ usedGpuMb }) => bytesOf(usedGpuMb),
  },
];
