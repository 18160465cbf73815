import { messageOf } from '../errors.ts';
import { onRejection } from '../events/listeners.ts';
import { FurtherVictims } from './further-victims.ts';
import type { Ledger } from './ledger.ts';
import { minus, plus, type Resources } from './need.ts';
import type { Asking, MemoryView, Policy, Verdict } from './policies/policy.ts';
import type { Resident } from './resident.ts';
import { residentKey } from './resident-key.ts';
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
  const { capacity } = ledger;
  const reach = asking.further ? furtherReach(asking, ledger, now) : firstReach(ledger);
  try {
    return checked(policy.decide(asking, { capacity, free, ...reach, residents: () => ledger }, now));
  } catch (thrown) {
    const message = messageOf(thrown);
    note({ kind: 'policy-failed', policy: policy.name, plugin: asking.plugin, message });
    return { outcome: 'refuse', reason: 'policy-failed' };
  }
}

/** What a policy sees of who may leave for a request, and who never does. */
type Reach = Omit<MemoryView, 'capacity' | 'free' | 'residents'>;

function firstReach(ledger: Ledger): Reach {
  const { pinned, evictable, yieldable, yieldableSurplus } = ledger;
  return {
    pinned,
    evictable,
    yieldable,
    yieldableSurplus,
    candidates: () => ledger.candidates(),
    busy: () => ledger.busy(),
    together: () => () => true,
  };
}

/** For a further instance surplus ones of other plugins leave, and none of its own. The sums may be of more than do. */
function furtherReach(asking: Asking, ledger: Ledger, now: number): Reach {
  let { pinned, evictableSurplus: evictable, yieldableSurplus: yieldable } = ledger;
  for (const own of ledger.of(residentKey(asking))) {
    if (own.standing !== 'warm' && !own.leaving && own.need.pinned !== true) pinned = plus(pinned, own.need);
    if (!own.surplus) continue;
    if (ledger.mayBeAsked(own, 'RELEASE')) evictable = minus(evictable, own.need);
    if (ledger.mayBeAsked(own, 'YIELD')) yieldable = minus(yieldable, own.need);
  }
  return {
    pinned,
    evictable,
    yieldable,
    yieldableSurplus: yieldable,
    candidates: () => allowed(asking, ledger, now, ledger.surplusCandidates()),
    busy: () => allowed(asking, ledger, now, ledger.busySurplus()),
    together: () => {
      const victims = new FurtherVictims(asking, ledger, now);
      return (resident) => victims.take(resident);
    },
  };
}

/** Those that may leave alone. */
function* allowed(
  asking: Asking,
  ledger: Ledger,
  now: number,
  residents: Iterable<Resident>,
): IterableIterator<Resident> {
  const victims = new FurtherVictims(asking, ledger, now);
  for (const resident of residents) if (victims.allows(resident)) yield resident;
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
