import { messageOf } from '../errors.ts';
import { onRejection } from '../events/listeners.ts';
import type { Ledger } from './ledger.ts';
import type { Resources } from './need.ts';
import type { Outbox } from './outbox.ts';
import type { Asking, Policy, Verdict } from './policies/policy.ts';

/** Asks the policy about a request; whatever it does, there is a verdict, and a failure is put in the outbox. */
export function askPolicy(
  policy: Policy,
  asking: Asking,
  { ledger, outbox, free, now }: { ledger: Ledger; outbox: Outbox; free: Resources; now: number },
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
    outbox.fact({ kind: 'policy-failed', policy: policy.name, plugin: asking.plugin, message });
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
