import type { SchedulingStatus } from '../runtime/scheduling-status.ts';
import type { GpuAmounts } from '../scheduler/gpus/gpu-amounts.ts';
import { bytesOf } from './bytes.ts';
import type { EventLoopLag } from './event-loop-lag.ts';
import type { Metric } from './metric.ts';

/** The machine and the supervisor's process at a scrape. */
export interface MachineView {
  readonly scheduling: SchedulingStatus;
  /** Since the scrape before. */
  readonly lag: EventLoopLag;
  /** Undefined where the program is in no fleet. */
  readonly fleet: FleetFigures | undefined;
}

/** What a node of a fleet counts. */
export interface FleetFigures {
  /** Of how many jobs the end was refused, as another node had taken them over. */
  readonly lost: number;
  readonly health: { readonly state: 'connected' | 'cutOff' | 'full' };
}

/** The value of the label `gpu` for the sum of all GPUs, where they are not told apart. */
const ALL_GPUS = 'all';

/** The metrics of the machine and of the supervisor's process. */
export const MACHINE_METRICS: readonly Metric<MachineView>[] = [
  {
    kind: 'gauge',
    name: 'greenroom_capacity_ram_bytes',
    help: 'System memory that plugins may use together; absent without a limit.',
    read: ({ scheduling }) => bytesOf(scheduling.capacity.ramMb),
  },
  {
    kind: 'gauge',
    name: 'greenroom_capacity_gpu_bytes',
    help: 'GPU memory that plugins may use together; absent without a limit.',
    label: 'gpu',
    read: ({ scheduling }) => byGpu(scheduling.capacity),
  },
  {
    kind: 'gauge',
    name: 'greenroom_capacity_slots',
    help: 'Worker processes that there may be; absent without a limit.',
    read: ({ scheduling }) => scheduling.capacity.slots,
  },
  {
    kind: 'gauge',
    name: 'greenroom_reserved_ram_bytes',
    help: 'System memory that is reserved for workers.',
    read: ({ scheduling }) => bytesOf(scheduling.reserved.ramMb),
  },
  {
    kind: 'gauge',
    name: 'greenroom_reserved_gpu_bytes',
    help: 'GPU memory that is reserved for workers.',
    label: 'gpu',
    read: ({ scheduling }) => byGpu(scheduling.reserved),
  },
  {
    kind: 'gauge',
    name: 'greenroom_reserved_slots',
    help: 'Worker processes that there are or are to be.',
    read: ({ scheduling }) => scheduling.reserved.slots,
  },
  {
    kind: 'gauge',
    name: 'greenroom_free_ram_bytes',
    help: 'System memory that was free when the scheduler measured it last; absent before.',
    read: ({ scheduling }) => bytesOf(scheduling.measured?.free.ramMb),
  },
  {
    kind: 'gauge',
    name: 'greenroom_free_gpu_bytes',
    help: 'GPU memory that was free when the scheduler measured it last; absent before.',
    label: 'gpu',
    read: ({ scheduling }) => byGpu(scheduling.measured?.free ?? {}),
  },
  {
    kind: 'gauge',
    name: 'greenroom_plugins_waiting',
    help: 'Plugins that wait for memory or a slot.',
    read: ({ scheduling }) => scheduling.waiting,
  },
  {
    kind: 'gauge',
    name: 'greenroom_event_loop_lag_seconds',
    help: 'By how much timers of the supervisor were late since the scrape before, the mean.',
    read: ({ lag }) => lag.mean,
  },
  {
    kind: 'gauge',
    name: 'greenroom_event_loop_lag_max_seconds',
    help: 'By how much timers of the supervisor were late since the scrape before, the most.',
    read: ({ lag }) => lag.max,
  },
  {
    kind: 'gauge',
    name: 'greenroom_fleet_connected',
    help: '1 while the Redis of the fleet answers and stores, else 0; absent without a fleet.',
    read: ({ fleet }) => (fleet === undefined ? undefined : Number(fleet.health.state === 'connected')),
  },
  {
    kind: 'counter',
    name: 'greenroom_jobs_lost_total',
    help: 'Jobs whose end was refused, as another node of the fleet had taken them over; absent without a fleet.',
    read: ({ fleet }) => fleet?.lost,
  },
];

function byGpu({
  vramMb,
  gpus,
}: {
  readonly vramMb?: number | undefined;
  readonly gpus?: GpuAmounts | undefined;
}): [gpu: string, bytes: number][] {
  const amounts = gpus === undefined ? { [ALL_GPUS]: vramMb } : gpus;
  return Object.entries(amounts).flatMap(([gpu, mb]) => {
    const bytes = bytesOf(mb);
    return bytes === undefined ? [] : [[gpu, bytes] as [string, number]];
  });
}
