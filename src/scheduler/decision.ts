import { amounts, type Resources } from './need.ts';
import type { Asking, Policy, Ranked, Verdict, Victim } from './policy.ts';

/** A decision with everything it was based on, as plain data. */
export interface Decision {
  readonly policy: string;
  readonly plugin: string;
  readonly generation: number;
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly asked: Resources;
  readonly free: Resources;
  readonly considered: readonly Ranked[];
  readonly chosen: readonly Victim[];
  readonly outcome: Verdict['outcome'];
  readonly reason: string;
}

/** Why a plugin gets no room, as plain data: it becomes the `details` of an `E_REFUSED` error. */
export interface SchedulerRefusal {
  /**
   * `queue-full`, `deadline`, `policy-failed`, `no-room-for-replacement`, or the reason of the policy.
   */
  readonly reason: string;
  readonly plugin: string;
  readonly policy: string;
  readonly asked: Resources;
  readonly free: Resources;
  /** After how long another attempt may do better, in milliseconds; absent where none will. */
  readonly retryAfterMs?: number | undefined;
}

/** A verdict as a {@link Decision}. */
export function decisionOf(policy: Policy, asking: Asking, verdict: Verdict, free: Resources, at: number): Decision {
  const evicts = verdict.outcome === 'evict';
  return {
    policy: policy.name,
    plugin: asking.plugin,
    generation: asking.generation,
    at,
    asked: amounts(asking.need),
    free: amounts(free),
    considered: evicts ? verdict.considered : [],
    chosen: evicts ? verdict.victims : [],
    outcome: verdict.outcome,
    reason: verdict.reason,
  };
}

/** A refusal for this reason. */
export function refusalOf(
  policy: Policy,
  asking: Asking,
  reason: string,
  free: Resources,
  retryAfterMs: number | undefined,
): SchedulerRefusal {
  const { plugin, need } = asking;
  return { reason, plugin, policy: policy.name, asked: amounts(need), free: amounts(free), retryAfterMs };
}
