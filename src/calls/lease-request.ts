import type { WorkerChannel } from '../channel/worker-channel.ts';
import type { GreenroomError } from '../errors.ts';
import type { WaitingRequest } from './growth-watch.ts';

/** One generation of a worker that may take calls, with the count of the calls it has. */
export interface Residency {
  readonly generation: number;
  readonly channel: WorkerChannel;
  /** How many calls the worker takes at once. */
  readonly concurrency: number;
  /** The calls and tasks that hold a lease of the worker. Changed by the gate alone. */
  readonly leases: Set<LeaseRequest>;
  /** Whether it has had a call; until then what it uses says little. Set by the gate alone. */
  served?: boolean;
  /** Which lease of the plugin was granted to it last; 0 before the first. Set by the gate alone. */
  lastLease?: number;
  /** What that was at the last tick of the edges. Set by the gate alone. */
  lastLeaseAtTick?: number;
  /** Whether the scheduler was told last that it has calls. Set by the plugin's machine alone. */
  toldBusy?: boolean;
  /** Which of its leases was the last when the scheduler was told. Set by the plugin's machine alone. */
  toldLease?: number | undefined;
}

/** What a call asks for, as people are told. */
export interface AskedCall {
  /** The tool; of a request that calls none, its kind or method. */
  readonly tool: string;
  /** Who asks, where that is a client of MCP: the name and version that it gave. */
  readonly client?: string | undefined;
}

/** A call, a task or a load that wants a lease. Its methods must not throw. */
export interface LeaseRequest extends WaitingRequest {
  /** Tells calls apart, as their traces do; absent where it is no call. */
  readonly id?: string;
  /** Higher goes first. */
  readonly priority: number;
  /** When it stops waiting, in milliseconds by the monotonic clock; `undefined`: never. */
  readonly deadline: number | undefined;
  /**
   * When a former request began to wait of which it takes the place among those of its priority, in milliseconds by the
   * monotonic clock; `undefined`: it has a place of its own, behind them.
   */
  readonly since?: number | undefined;
  /** When it began to wait, or {@link since}. Set by the gate alone. */
  arrivedAt?: number;
  /** Whether it only waits for the gate to open, and takes no lease. */
  readonly withoutLease?: boolean;
  /** The only one that it may have a lease of; any where it is not said. */
  readonly only?: Residency | undefined;
  /** Since when its stream has been unread, by the monotonic clock; `undefined`: it is read, or is no stream. */
  readonly idleSince?: number | undefined;
  /** What it asks for, and for whom; absent where it is no call. */
  readonly asked?: AskedCall;
  /** Cancels it for its caller; absent where it is no call. */
  cancel?(reason: unknown): void;
  /** The lease is granted. It is returned with `gate.leave(residency, request)`. */
  start(residency: Residency): void;
  /** It will get no lease. */
  refuse(error: GreenroomError): void;
  /** Asks the worker, which goes on for a while, to give it up. Its lease is lost right after. */
  giveUp?(): void;
  /** The worker is gone and the lease with it; `leave` must not be called. */
  lose(error: GreenroomError): void;
}
