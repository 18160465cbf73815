import { type Decision, HOLDERS_SHOWN, type Holder, type SchedulerRefusal } from './decision.ts';
import type { GpuAmounts } from './gpus/gpu-amounts.ts';
import type { Ledger } from './ledger.ts';
import { amounts, type Resources } from './need.ts';
import type { Asking, Policy, Verdict } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';

/** What is known when a verdict is given. */
export interface Circumstances {
  readonly policy: Policy;
  readonly ledger: Ledger;
  readonly free: Resources;
  readonly now: number;
  readonly place?: GpuAmounts | undefined;
}

/** A verdict as a {@link Decision}. */
export function decisionOf(
  asking: Asking,
  verdict: Verdict,
  { policy, ledger, free, now, place }: Circumstances,
): Decision {
  const evicts = verdict.outcome === 'evict';
  const waits = verdict.outcome === 'wait' || verdict.outcome === 'refuse';
  return {
    policy: policy.name,
    plugin: asking.plugin,
    generation: asking.generation,
    ...(asking.further && { further: true }),
    at: now,
    asked: amounts(asking.need),
    free: amounts(free),
    place,
    priority: asking.priority,
    since: asking.at,
    deadline: asking.deadline,
    considered: evicts ? verdict.considered : [],
    chosen: evicts ? verdict.victims : [],
    waitingFor: waits ? holdersOf(ledger) : [],
    outcome: verdict.outcome,
    reason: verdict.reason,
  };
}

/** A refusal for this reason. */
export function refusalOf(
  asking: Asking,
  reason: string,
  retryAfterMs: number | undefined,
  { policy, ledger, free }: Pick<Circumstances, 'policy' | 'ledger' | 'free'>,
): SchedulerRefusal {
  const { plugin, need } = asking;
  return {
    reason,
    plugin,
    policy: policy.name,
    asked: amounts(need),
    free: amounts(free),
    waitingFor: holdersOf(ledger),
    retryAfterMs,
  };
}

function holdersOf(ledger: Ledger): readonly Holder[] {
  return ledger.holders(HOLDERS_SHOWN).map(holderOf);
}

/** A reservation as plain data; its time is that of the monotonic clock. */
export function holderOf({ plugin, generation, standing, leaving, since, need, used }: Reservation): Holder {
  return { plugin, generation, standing, leaving, since, holds: amounts(need), uses: used };
}
