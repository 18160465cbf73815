import { messageOf } from '../errors.ts';
import { onRejection } from '../events/listeners.ts';
import type { Ledger } from './ledger.ts';
import type { Resources } from './need.ts';
import type { Asking, Policy, Verdict } from './policies/policy.ts';
import type { SchedulerFact } from './scheduler-events.ts';

/**
 * Asks the policy about a request that could have what is `free`. Whatever the policy does, there is a verdict: a
 * failure is a refusal, and is noted.
 */
export function askPolicy(
  policy: Policy,
  asking: Asking,
  { ledger, free, now, note }: { ledger: Ledger; free: Resources; now: number; note: (fact: SchedulerFact) => void },
): Verdict {
  const { capacity, pinned, evictable, yieldable } = ledger;
  try {
    return checked(
      policy.decide(
        asking,
        {
          capacity,
          free,
          pinned,
          evictable,
          yieldable,
          candidates: () => ledger.candidates(),
          busy: () => ledger.busy(),
          residents: () => ledger,
        },
        now,
      ),
    );
  } catch (thrown) {
    const message = messageOf(thrown);
    note({ kind: 'policy-failed', policy: policy.name, plugin: asking.plugin, message });
    return { outcome: 'refuse', reason: 'policy-failed' };
  }
}

/** The verdict, if a policy written in JavaScript has given one. */
function checked(verdict: Verdict): Verdict {
  const { outcome } = verdict;
  const known = outcome === 'grant' || outcome === 'refuse' || outcome === 'wait' || outcome === 'evict';
  if (!known) {
    onRejection(verdict, () => {});
    throw new TypeError(`The policy answered with the outcome ${String(outcome)}.`);
  }
  if (outcome === 'evict' && !Array.isArray(verdict.victims)) throw new TypeError('The policy named no victims.');
  return verdict;
}
