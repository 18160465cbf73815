import { askPolicy } from './ask-policy.ts';
import type { Evictions } from './evictions.ts';
import { FRESH_MS } from './freshness.ts';
import { FurtherVictims } from './further-victims.ts';
import type { Ledger } from './ledger.ts';
import { fits, type Need, NOTHING, plus, type Resources } from './need.ts';
import type { Policy, Ranked, Verdict, Victim } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';
import { residentKey } from './resident-key.ts';
import type { SchedulerFact } from './scheduler-events.ts';
import type { Request, WaitingQueue } from './waiting-queue.ts';

/** What a decision rests on. */
export interface Known {
  readonly policy: Policy;
  /** Whether decisions rest on what a monitor measures. */
  readonly measures: boolean;
  /** The most requests that wait at once. */
  readonly maxWaiting: number;
  readonly ledger: Ledger;
  readonly queue: WaitingQueue;
  readonly evictions: Evictions;
  /** Takes what belongs in the log. */
  readonly note: (fact: SchedulerFact) => void;
}

/** A victim, and what is reserved for it. */
interface Leaving {
  readonly victim: Victim;
  readonly reservation: Reservation;
}

/** What is to be done about a request. */
export type Conclusion = {
  /** What the request could have when this was decided. */
  readonly free: Resources;
} & (
  | {
      readonly outcome: 'grant';
      readonly reason: string;
      /** With the GPUs on which it has to be. */
      readonly need: Need;
    }
  | {
      readonly outcome: 'refuse';
      readonly reason: string;
      /** After how long another attempt may do better, in milliseconds. */
      readonly retryAfterMs?: number | undefined;
    }
  | {
      readonly outcome: 'wait';
      readonly reason: string;
      /** As in {@link Verdict}. */
      readonly again?: number | undefined;
      /** As in {@link Verdict}. */
      readonly keep?: boolean | undefined;
      /** Until when it waits for memory to be measured as free. */
      readonly confirmBy?: number | undefined;
    }
  | {
      readonly outcome: 'evict';
      readonly reason: string;
      readonly considered: readonly Ranked[];
      /** At least one. */
      readonly victims: readonly Leaving[];
    }
  /** The victims that it has will do: nothing changes until they have answered. */
  | { readonly outcome: 'await-victims' }
  /** Its warm worker is to end, for a new one gets memory on other GPUs. */
  | { readonly outcome: 'start-cold'; readonly reason: 'other-gpu'; readonly own: Reservation }
);

/** What an answer costs: nothing, the residency of others, time, or the request. */
const COSTS: Readonly<Record<Verdict['outcome'], number>> = { grant: 0, evict: 1, wait: 2, refuse: 3 };

/**
 * Decides about one request. Those for a further instance come after all others ({@link Agenda.round}). What follows is
 * carried out elsewhere; only faults of a policy are noted here. The policy is asked in 2 and 4;
 * where it fails, its verdict is to refuse, `policy-failed`.
 *
 * - 1 It is exempt, being the monitor on whose figures decisions rest, and 4.1 does not apply: **grant**, `exempt`.
 * - 2 It is extra: for a replacement worker, or for a restart that no call waits for. It neither waits nor evicts.
 *   - 2.1 The policy grants it: **grant**, with the policy's reason.
 *   - 2.2 The policy refuses it: **refuse**, with the policy's reason.
 *   - 2.3 The policy would have it wait or evict: **refuse**, `no-capacity-for-replacement`.
 * - 3 Its deadline has passed: **refuse**, `deadline`.
 * - 4 It gets a verdict, by the first of these that applies:
 *   - 4.1 Its own worker was asked to leave and has not answered: to wait, `leaving`.
 *   - 4.2 The policy grants it what is free: **grant**, with the policy's reason.
 *   - 4.3 It has victims that have not answered, so what they hold counts as free:
 *     - 4.3.1 The policy grants it that: **await the victims**, which is no new decision and has no reason.
 *     - 4.3.2 Otherwise: the policy's verdict with that.
 *   - 4.4 The policy wants memory that was given up to be measured as free, and there is a monitor:
 *     - 4.4.1 There is time left, and it would fit if all that was given up lately were: to wait, `not-seen-free`.
 *     - 4.4.2 There is none, it would fit if what its victims gave up were, and the policy is to refuse then:
 *       **refuse**, `not-seen-free`.
 *     - 4.4.3 The same, and the policy is to proceed then: **grant**, `not-seen-free`.
 *   - 4.5 It is warm, and a new worker on any GPU would get a better verdict: **start cold**, `other-gpu`.
 *   - 4.6 Otherwise: the policy's verdict.
 * - 5 The verdict of 4 is followed:
 *   - 5.1 To refuse: **refuse**, with the policy's reason.
 *   - 5.2 To wait or evict, but the queue is full and it is not among those in it: **refuse**, `queue-full`. Requests for
 *     a further instance do not count where a first one asks.
 *   - 5.3 To wait: **wait**, with the reason of the verdict.
 *   - 5.4 To evict, but none of the victims may be asked to leave: **wait**, `nobody-to-evict`. For a further instance
 *     only those that {@link FurtherVictims} names may.
 *   - 5.5 To evict: **evict** those that may, with the policy's reason.
 */
export function decide(request: Request, known: Known, now: number): Conclusion {
  const { policy, ledger, evictions } = known;
  const key = residentKey(request);
  const own = request.extra ? undefined : ledger.get(key, request.generation);
  const need = ledger.gpus.demandOf(request.need, own?.gpus);
  const there = own?.need ?? NOTHING;
  const held = evictions.held(request.extra ? undefined : key, request.further);
  let free = plus(ledger.available(held), there);
  const ask = (asked: Need): Verdict => {
    const asking = asked === request.need ? request : { ...request, need: asked };
    return askPolicy(policy, asking, { ledger, free, now, note: known.note });
  };

  // 1
  if (request.need.exempt === true && own?.leaving !== true) return { outcome: 'grant', reason: 'exempt', need, free };

  // 2
  if (request.extra) {
    const { outcome, reason } = ask(need);
    if (outcome === 'grant') return { outcome, reason, need, free };
    return { outcome: 'refuse', reason: outcome === 'refuse' ? reason : 'no-capacity-for-replacement', free };
  }

  // 3
  if (request.deadline <= now) return { outcome: 'refuse', reason: 'deadline', free };

  // 4.1
  if (own?.leaving === true) return follow({ outcome: 'wait', reason: 'leaving' });

  // 4.2
  let verdict = ask(need);
  if (verdict.outcome === 'grant') return { ...verdict, need, free };

  // 4.3
  const coming = evictions.coming(key);
  if (coming !== undefined) {
    free = plus(free, coming);
    verdict = ask(need);
    return verdict.outcome === 'grant' ? { outcome: 'await-victims', free } : follow(verdict);
  }

  // 4.4
  const { confirm } = policy;
  if (known.measures && confirm !== undefined) {
    const fitsWith = (unseen: Resources): boolean => fits(need, plus(ledger.available(held, unseen), there));
    const confirmBy = request.confirmBy ?? ledger.freedAt + confirm.withinMs;
    if (now < confirmBy) {
      // 4.4.1
      if (fitsWith(ledger.givenUp))
        return follow({ outcome: 'wait', reason: 'not-seen-free', again: confirmBy, confirmBy });
    } else {
      const gained = evictions.gained(key);
      if (gained !== undefined && fitsWith(gained)) {
        // 4.4.2
        if (confirm.otherwise === 'refuse') return { outcome: 'refuse', reason: 'not-seen-free', free };
        // 4.4.3
        const { plugin } = request;
        known.note({ kind: 'not-seen-free', policy: policy.name, plugin, waitedMs: now - ledger.freedAt });
        return { outcome: 'grant', reason: 'not-seen-free', need, free };
      }
    }
  }

  // 4.5
  if (own?.gpus !== undefined && COSTS[ask(ledger.gpus.demandOf(request.need)).outcome] < COSTS[verdict.outcome]) {
    return { outcome: 'start-cold', reason: 'other-gpu', own, free };
  }

  // 4.6
  return follow(verdict);

  // 5
  function follow(to: Exclude<Verdict, { outcome: 'grant' }> & { confirmBy?: number }): Conclusion {
    // 5.1
    if (to.outcome === 'refuse') return { outcome: 'refuse', reason: to.reason, free };
    // 5.2
    if (isQueueFull(request, known)) return { outcome: 'refuse', reason: 'queue-full', retryAfterMs: FRESH_MS, free };
    // 5.3
    if (to.outcome === 'wait') return { ...to, free };
    // 5.4
    const victims = victimsOf(to.victims, request, known, now);
    if (victims.length === 0) return { outcome: 'wait', reason: 'nobody-to-evict', free };
    // 5.5
    return { ...to, victims, free };
  }
}

/** Whether the queue takes no further request, and this one is not in it. */
function isQueueFull(request: Request, { queue, evictions, maxWaiting }: Known): boolean {
  if (queue.waits(request) || evictions.has(residentKey(request))) return false;
  const behind = request.further ? 0 : queue.further + evictions.further;
  return queue.length + evictions.size - behind >= maxWaiting;
}

/** Those of the policy's victims that may be asked to leave, each once; for a further instance, as {@link FurtherVictims} says. */
function victimsOf(
  chosen: readonly Victim[],
  request: Request,
  { policy, ledger, note }: Known,
  now: number,
): Leaving[] {
  const victims: Leaving[] = [];
  const further = request.further ? new FurtherVictims(request, ledger, now) : undefined;
  for (const victim of chosen) {
    const { plugin, generation, ask } = victim;
    const reservation = ledger.get(residentKey(victim), generation);
    const isNamed = victims.some((other) => other.reservation === reservation);
    const mayBeAsked = reservation !== undefined && !isNamed && ledger.mayBeAsked(reservation, ask);
    if (mayBeAsked && further?.take(reservation) !== false) {
      victims.push({ victim, reservation });
    } else {
      note({ kind: 'victim-spared', policy: policy.name, plugin, generation });
    }
  }
  return victims;
}
