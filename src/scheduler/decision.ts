import type { GpuAmounts } from './gpus/gpu-amounts.ts';
import type { Resources } from './need.ts';
import type { Ranked, Verdict, Victim } from './policies/policy.ts';
import type { Standing } from './resident.ts';

/** A resident that holds memory that a request waits for. */
export interface Holder {
  readonly plugin: string;
  readonly generation: number;
  readonly standing: Standing;
  /** Whether it has been asked to leave. */
  readonly leaving: boolean;
  /** When it was granted, in milliseconds since the epoch. */
  readonly since: number;
  readonly holds: Resources;
  /** What its processes were last measured to use; `undefined` where that is not known. */
  readonly uses?: Resources | undefined;
}

/**
 * A decision with everything it was based on, as plain data. Times are milliseconds since the epoch; the scheduler itself
 * reckons by the monotonic clock, see {@link decisionAt}.
 */
export interface Decision {
  readonly policy: string;
  readonly plugin: string;
  readonly generation: number;
  /** The request is for an instance beside at least one that the plugin has already. */
  readonly further?: true | undefined;
  readonly at: number;
  readonly asked: Resources;
  readonly free: Resources;
  /**
   * Where GPUs are told apart: what a plugin that was granted memory gets of each, or is to get after evictions; in MiB,
   * by UUID.
   */
  readonly place?: GpuAmounts | undefined;
  readonly priority: number;
  /** When it asked. */
  readonly since: number;
  /** When it stops waiting. */
  readonly deadline: number;
  /** The residents that were looked at for eviction, in the eviction order. */
  readonly considered: readonly Ranked[];
  /** The residents that were asked to leave. */
  readonly chosen: readonly Victim[];
  /** Some of the residents in its way, when it has to wait or was refused; at most {@link HOLDERS_SHOWN}. */
  readonly waitingFor: readonly Holder[];
  readonly outcome: Verdict['outcome'];
  /**
   * A short code in kebab-case: the policy's own (`permissive`, `fits`, `fits-after-eviction`, `no-capacity`,
   * `no-capacity-for-replacement`, `never-fits`, `fits-no-gpu`, `waited-too-long`), or `exempt` (it is the monitor),
   * `queue-full`, `deadline`, `leaving` (its own worker has not ended yet), `evicted` (its warm worker was evicted for
   * another plugin before it could be a further instance again), `other-gpu` (its warm worker ends, because a
   * new one gets memory on another GPU), `nobody-to-evict`, `not-seen-free` (memory was given up and is not measured as
   * free), `policy-failed`.
   */
  readonly reason: string;
}

/** Why a plugin gets no memory, as plain data: it becomes the `details` of an `E_REFUSED` error. */
export interface SchedulerRefusal {
  /** As in {@link Decision}. */
  readonly reason: string;
  readonly plugin: string;
  readonly policy: string;
  readonly asked: Resources;
  readonly free: Resources;
  /** Some of the residents in its way. */
  readonly waitingFor: readonly Holder[];
  /** After how long another attempt may do better, in milliseconds; absent where none will. */
  readonly retryAfterMs?: number | undefined;
}

/** How many of the residents in the way a decision names. */
export const HOLDERS_SHOWN = 8;

/** The decision with its times turned from those of the monotonic clock into times of day. */
export function decisionAt(decision: Decision, toWall: (at: number) => number): Decision {
  const { at, since, deadline, chosen, waitingFor } = decision;
  return {
    ...decision,
    at: toWall(at),
    since: toWall(since),
    deadline: toWall(deadline),
    chosen: chosen.map((victim) =>
      victim.ask === 'YIELD' ? { ...victim, deadline: toWall(victim.deadline) } : victim,
    ),
    waitingFor: waitingFor.map((holder) => ({ ...holder, since: toWall(holder.since) })),
  };
}
