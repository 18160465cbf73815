import { admit } from '../admit.ts';
import { planEviction } from '../eviction-plan.ts';
import { fits, plus, type Resources } from '../need.ts';
import type { Resident } from '../resident.ts';
import type { MemoryView, Policy, Verdict } from './policy.ts';

/** After this long in the queue a request is no longer overtaken, in milliseconds. */
export const DEFAULT_MAX_WAIT_MS = 30_000;
/** How long a resident that is asked to yield may take for the calls it has, in milliseconds. */
const YIELD_MS = 10_000;
/** After this long a first instance has busy surplus ones of other plugins yield for it, in milliseconds. */
const SPARING_MS = 1_000;

/**
 * Decides like {@link admit}. Where that does not do for the first instance of a plugin for a second, busy surplus ones
 * of others are asked to yield. Else a request waits where busy residents hold the memory. After `maxWaitMs` it is no
 * longer starved: busy residents are asked to yield, the longest resident first, and where that does not suffice, memory
 * that becomes free is kept for it. A resident that has denied is asked to yield again after another `maxWaitMs`.
 */
export function queue(maxWaitMs: number): Policy['decide'] {
  return (asking, memory, now): Verdict => {
    const verdict = admit(asking, memory);
    if (verdict !== undefined) return verdict;
    const mayYield = ({ deniedAt }: Resident): boolean => deniedAt === undefined || now >= deniedAt + maxWaitMs;
    const starves = asking.at + maxWaitMs;
    if (!asking.further && hasBusySurplus(memory)) {
      const sparing = Math.min(asking.at + SPARING_MS, starves);
      if (now < sparing) return { outcome: 'wait', reason: 'no-capacity', again: sparing };
      const { yieldableSurplus } = memory;
      const order = idleThen(memory, busySurplus(memory, mayYield));
      const spared = yieldFor(asking.need, memory, yieldableSurplus, order, now, 'fits-after-sparing');
      if (spared !== undefined) return spared;
    }
    if (now < starves) return { outcome: 'wait', reason: 'no-capacity', again: starves };
    const { yieldable } = memory;
    const order = idleThen(memory, busy(memory, mayYield));
    return (
      yieldFor(asking.need, memory, yieldable, order, now, 'waited-too-long') ?? {
        outcome: 'wait',
        reason: 'waited-too-long',
        again: now + maxWaitMs,
        keep: true,
      }
    );
  };
}

/** @param yielded what the busy ones in the order hold together at most: where that does not do, none is read */
function yieldFor(
  need: Resident['need'],
  memory: MemoryView,
  yielded: Resources,
  order: Iterable<Resident>,
  now: number,
  reason: string,
): Verdict | undefined {
  if (!fits(need, plus(plus(memory.free, memory.evictable), yielded))) return undefined;
  const plan = planEviction(need, memory, order);
  if (plan === undefined) return undefined;
  return {
    outcome: 'evict',
    reason,
    considered: plan.considered.map(({ plugin, generation, standing, rank, since }) => ({
      plugin,
      generation,
      rank: standing === 'busy' ? since : rank,
    })),
    victims: plan.victims.map(({ plugin, generation, standing }) =>
      standing === 'busy'
        ? { plugin, generation, ask: 'YIELD', deadline: now + YIELD_MS }
        : { plugin, generation, ask: 'RELEASE' },
    ),
  };
}

function* idleThen(memory: MemoryView, others: Iterable<Resident>): IterableIterator<Resident> {
  yield* memory.candidates();
  yield* others;
}

type Test = (resident: Resident) => boolean;

function* busy(memory: MemoryView, mayYield: Test): IterableIterator<Resident> {
  for (const resident of memory.busy()) if (mayYield(resident)) yield resident;
}

/** Their plugins go on serving without them. They come before all other busy ones, of which none is read. */
function* busySurplus(memory: MemoryView, mayYield: Test): IterableIterator<Resident> {
  for (const resident of memory.busy()) {
    if (!resident.surplus) return;
    if (mayYield(resident)) yield resident;
  }
}

function hasBusySurplus(memory: MemoryView): boolean {
  const [first] = memory.busy();
  return first?.surplus === true;
}
